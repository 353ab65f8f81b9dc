using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.Core.Tests.Properties;

/// <summary>
/// Clusters on which a property failed once, kept below <c>Found</c> as it printed them; the name of the file is what was
/// wrong. Whoever finds another puts it there.
/// </summary>
public class FoundClusterTests
{
    private static string Folder => Repository.PathOf("tests", "Scheduler.Core.Tests", "Properties", "Found");

    public static TheoryData<string> Names => [.. Directory.GetFiles(Folder, "*.txt").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Names))]
    public void Planning_again_finds_nothing_more_to_do(string name)
    {
        var living = ClusterText.Read(File.ReadAllText(Path.Combine(Folder, $"{name}.txt"))).Living();

        // Each plan is checked against the invariants, and the cluster throws.
        var kept = living.Cycle().Decisions.OfType<Wait>()
            .Where(wait => wait.Reason is WaitReason.WaitingForVictims or WaitReason.ReservedForOthers).Select(wait => wait.Workload).ToHashSet();
        var waiting = living.Workloads.Where(workload => workload.CountPods(PodState.Placed) == 0 && workload.IsPreemptible && !kept.Contains(workload.Id))
            .Select(workload => workload.Id).ToHashSet();
        var again = living.Cycle();
        Assert.Empty(again.Decisions.OfType<Evict>().Select(evict => evict.Workload));
        Assert.DoesNotContain(again.Decisions.OfType<Bind>(), bind => waiting.Contains(bind.Workload));
        for (var minute = 0; minute < 10; minute++)
        {
            living.Pass(TimeSpan.FromMinutes(1));
            living.Cycle();
        }

        Assert.All(living.Evictions.Values, times => Assert.Equal(1, times));
    }
}
