using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Scheduler.TestKit.Oracles;

namespace Scheduler.Benchmarks.Measuring;

/// <summary>How near the planner comes to exact answers.</summary>
internal sealed record OptimalityFigures
{
    public required int Instances { get; init; }
    public required ulong Seed { get; init; }

    /// <summary>Of the instances, those whose victims are the best by all four aims.</summary>
    public required double OptimalShare { get; init; }

    /// <summary>Of the instances, those whose best victims are more than one workload.</summary>
    public required double SeveralVictimsShare { get; init; }

    /// <summary>Work lost over the least that is possible, the worst instance.</summary>
    public required double WorstRatio { get; init; }

    /// <summary>Whether the entitlements were exact on every instance and on as many clusters made for that question.</summary>
    public required bool AllocationExact { get; init; }

    /// <summary>Instances by what is wrong with them.</summary>
    public required SortedDictionary<string, int> Failures { get; init; }

    /// <summary>The worst instance, or null if all are optimal.</summary>
    public required (VictimCase Case, VictimVerdict Verdict)? Worst { get; init; }

    /// <summary>Seeds of the instances that are not optimal, each with its fault.</summary>
    public required IReadOnlyList<string> Failing { get; init; }
}

/// <summary>Random small clusters, each against the oracles.</summary>
internal static class OptimalityMeasurement
{
    /// <summary>Seeds in a row without a question about victims: then something is wrong with the cases.</summary>
    private const int MostSkipped = 10_000;

    public static OptimalityFigures Measure(int instances, ulong seed)
    {
        var judged = new List<(VictimCase Case, VictimVerdict Verdict)>();
        var isExact = true;
        var skipped = 0;
        var seeds = new SplitMix64(seed);
        while (judged.Count < instances)
        {
            // Short enough to be copied by hand from a list of failures.
            var next = (ulong)seeds.Below(1_000_000_000);
            var value = VictimCase.Make(next);
            if (VictimJudge.Judge(value) is { } verdict)
            {
                skipped = 0;
                judged.Add((value, verdict));
                var allocation = AllocationCase.Make(next);
                if ((verdict.Fault != VictimFault.Broken && !IsExact(value.Snapshot, value.Policy))
                    || !IsExact(allocation.Snapshot, allocation.Policy))
                {
                    isExact = false;
                    Results.Progress($"optimality: the entitlements of seed {next} are not exact");
                }

                if (judged.Count % 100 == 0)
                {
                    Results.Progress($"optimality: {judged.Count} of {instances}");
                }
            }
            else if (++skipped > MostSkipped)
            {
                throw new MeasurementException($"no question about victims among {MostSkipped} cases from seed {seed} on");
            }
        }

        var failing = judged.Where(pair => pair.Verdict.Fault != VictimFault.None).ToArray();
        return new OptimalityFigures
        {
            Instances = instances,
            Seed = seed,
            OptimalShare = Math.Round(1 - ((double)failing.Length / instances), 4),
            SeveralVictimsShare = Math.Round(
                (double)judged.Count(pair => VictimJudge.WorkloadsOf(pair.Case.Snapshot, pair.Verdict.BestVictims) > 1) / instances, 4),
            WorstRatio = Math.Round(judged.Max(pair => pair.Verdict.LostRatio), 4),
            AllocationExact = isExact,
            Failures = new SortedDictionary<string, int>(
                failing.GroupBy(pair => pair.Verdict.Fault).ToDictionary(group => $"{group.Key}", group => group.Count()),
                StringComparer.Ordinal),
            Worst = failing.OrderByDescending(pair => pair.Verdict.IsWrong ? pair.Verdict.Fault : VictimFault.None)
                .ThenByDescending(pair => pair.Verdict.LostRatio)
                .Select(pair => ((VictimCase, VictimVerdict)?)pair).FirstOrDefault(),
            Failing = [.. failing.Select(pair => $"{pair.Case.Name}: {pair.Verdict.Fault}")],
        };
    }

    private static bool IsExact(ClusterSnapshot snapshot, SchedulingPolicy policy) =>
        FairShareQuestion.IsExact(snapshot, policy, Planner.Compute(snapshot, policy));
}
