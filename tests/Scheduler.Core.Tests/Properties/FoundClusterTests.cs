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
        var waiting = PlanProperties.LeftWaiting(living);
        var again = living.Cycle();
        Assert.Empty(again.Decisions.OfType<Evict>().Select(evict => evict.Workload));
        Assert.DoesNotContain(again.Decisions.OfType<Bind>(), bind => waiting.Contains(bind.Workload));
        for (var minute = 0; minute < 10; minute++)
        {
            living.Pass(TimeSpan.FromMinutes(1));
            living.Cycle();
        }

        Assert.Empty(living.EvictedAgain);
    }
}
