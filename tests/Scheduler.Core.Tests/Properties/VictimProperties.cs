using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Scheduler.TestKit.Oracles;
using Xunit;

namespace Scheduler.Core.Tests.Properties;

/// <summary>
/// Victims on small clusters against the exact optimum. A failure names the seeds: <c>VictimCase.Make(seed)</c> is the
/// cluster, and the benchmark <c>optimality --replay</c> shows it.
/// </summary>
public class VictimProperties
{
    private const int Instances = 60;
    private const ulong FirstSeed = 20261124;

    [Fact]
    public void Victims_are_the_best_or_lose_at_most_a_twentieth_more_work()
    {
        var failures = Judgements().Where(judged => judged.Verdict.IsWrong || judged.Verdict.LostRatio > 1.05)
            .Select(judged => $"{judged.Case.Name}: {judged.Verdict}").ToArray();
        Assert.True(failures.Length == 0, string.Join(Environment.NewLine, failures));
    }

    [Fact]
    public void W6_with_any_victim_spared_the_workload_does_not_fit()
    {
        var failures = Judgements().Where(judged => judged.Verdict.Fault == VictimFault.NotMinimal)
            .Select(judged => $"{judged.Case.Name}: {judged.Verdict}").ToArray();
        Assert.True(failures.Length == 0, string.Join(Environment.NewLine, failures));
    }

    [Fact]
    public void W5_no_higher_priority_is_touched_than_the_best_set_touches()
    {
        var failures = Judgements().Where(judged => judged.Verdict.Fault == VictimFault.HigherPriority)
            .Select(judged => $"{judged.Case.Name}: {judged.Verdict}").ToArray();
        Assert.True(failures.Length == 0, string.Join(Environment.NewLine, failures));
    }

    [Fact]
    public void A_case_survives_being_written_and_read()
    {
        var before = VictimCase.Make(FirstSeed);
        var after = SnapshotFile.Read(SnapshotFile.Write(before));
        Assert.Equal(
            PlanText.Write(Planner.Compute(before.Snapshot, before.Policy)),
            PlanText.Write(Planner.Compute(after.Snapshot, after.Policy)));
        Assert.Equal(SnapshotFile.Write(before), SnapshotFile.Write(after));
    }

    private static readonly Lazy<IReadOnlyList<(VictimCase Case, VictimVerdict Verdict)>> All = new(() =>
    {
        var judged = new List<(VictimCase, VictimVerdict)>();
        for (var seed = FirstSeed; judged.Count < Instances; seed++)
        {
            var value = VictimCase.Make(seed);
            if (VictimJudge.Judge(value) is { } verdict)
            {
                judged.Add((value, verdict));
            }
        }

        return judged;
    });

    private static IReadOnlyList<(VictimCase Case, VictimVerdict Verdict)> Judgements() => All.Value;
}
