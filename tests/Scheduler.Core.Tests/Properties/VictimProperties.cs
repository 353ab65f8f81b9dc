using System.Globalization;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Scheduler.TestKit.Oracles;
using Xunit;

namespace Scheduler.Core.Tests.Properties;

/// <summary>
/// Victims on small clusters against the exact optimum: 60 questions from a fixed seed, or as many as WEIR_CASES says. A
/// failure names seeds: <c>VictimCase.Make(seed)</c> is the cluster.
/// </summary>
public class VictimProperties
{
    private const int Instances = 60;
    private const ulong FirstSeed = 20261124;

    private static readonly Lazy<IReadOnlyList<(VictimCase Case, VictimVerdict Verdict)>> Judged = new(JudgeAll);

    [Fact]
    public void Victims_are_found_where_there_are_any_and_they_are_allowed_enough_and_priced_right() =>
        AssertNone(verdict => verdict.Fault
            is VictimFault.Broken or VictimFault.Missed or VictimFault.NotAllowed or VictimFault.NotEnough or VictimFault.WrongPrice);

    [Fact]
    public void W5_no_higher_priority_is_touched_than_the_best_set_touches() =>
        AssertNone(verdict => verdict.Planned.HighestPriority > verdict.Best.HighestPriority);

    [Fact]
    public void W6_with_any_victim_spared_the_workload_does_not_fit() =>
        AssertNone(verdict => verdict.Fault == VictimFault.NotMinimal);

    [Fact]
    public void No_more_disruption_budgets_are_violated_than_must_be() =>
        AssertNone(verdict => verdict.Fault == VictimFault.MoreBudgets);

    [Fact]
    public void At_most_a_twentieth_more_work_is_lost_than_must_be() =>
        AssertNone(verdict => verdict.LostRatio > 1.05);

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

    private static void AssertNone(Func<VictimVerdict, bool> isWrong)
    {
        var failures = Judged.Value.Where(judged => isWrong(judged.Verdict))
            .Select(judged => $"{judged.Case.Name}: {judged.Verdict}").ToArray();
        Assert.True(failures.Length == 0, string.Join(Environment.NewLine, failures));
    }

    private static List<(VictimCase Case, VictimVerdict Verdict)> JudgeAll()
    {
        var asked = Environment.GetEnvironmentVariable("WEIR_CASES");
        var instances = int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var cases)
            ? cases
            : Instances;
        var judged = new List<(VictimCase, VictimVerdict)>();
        for (var seed = FirstSeed; judged.Count < instances; seed++)
        {
            var value = VictimCase.Make(seed);
            if (VictimJudge.Judge(value) is { } verdict)
            {
                judged.Add((value, verdict));
            }
        }

        return judged;
    }
}
