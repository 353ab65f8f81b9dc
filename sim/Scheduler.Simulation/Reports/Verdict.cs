using System.Collections.Immutable;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>What the figures say, in a few sentences for somebody who does not read tables.</summary>
internal static class Verdict
{
    public static IEnumerable<string> Of(SimulationResult result, ImmutableArray<TenantResult> leaves)
    {
        var (jobs, cluster) = (result.Jobs, result.Cluster);
        yield return $"{Wording.HowItEnded(result)} {Wording.Count(jobs.Done)} of {Wording.Count(jobs.Submitted, "job")} were completed.";
        yield return $"GPUs that worked were in use {Wording.Percent(cluster.UtilisationPercent)} of the time. "
            + $"{Wording.Number(cluster.IdleWhileWaitingGpuHours)} GPU-hours ({Wording.Share(cluster.IdleWhileWaitingGpuHours, cluster.InstalledGpuHours)} of what is installed) were idle while a job waited.";
        yield return Guarantees(jobs, leaves);
        if (leaves.Where(tenant => tenant.Jobs.Wait.Count > 0).OrderByDescending(tenant => tenant.Jobs.Wait.P95).ToArray() is { Length: > 0 } waits)
        {
            var (most, least) = (waits[0], waits[^1]);
            yield return $"95 % of the jobs that started did so within {Wording.Time(jobs.Wait.P95)} of their submission"
                + (waits.Length > 1 ? $"; it took longest for {most.Name} ({Wording.Time(most.Jobs.Wait.P95)}) and least for {least.Name} ({Wording.Time(least.Jobs.Wait.P95)})." : ".");
        }

        var burst = leaves.Sum(tenant => tenant.BurstGpuHours);
        yield return burst == 0
            ? "No tenant used more than its guarantee."
            : $"{Wording.Number(burst)} GPU-hours ({Wording.Share(burst, cluster.UsedGpuHours)} of all use) were used beyond guarantees: more than a fixed split of the cluster by guarantees would have allowed.";
        yield return Lost(jobs, cluster);
    }

    /// <summary>Which of several policies did best in what; nothing if there is one only.</summary>
    public static IEnumerable<string> Compare(ImmutableArray<SimulationResult> results)
    {
        if (results.Length < 2)
        {
            yield break;
        }

        yield return Best("Most use of the GPUs", results, result => -result.Cluster.UtilisationPercent, result => Wording.Percent(result.Cluster.UtilisationPercent));
        yield return Best("Shortest mean wait", results, result => result.Jobs.Wait.Mean, result => Wording.Time(result.Jobs.Wait.Mean));
        yield return Best("Shortest wait for guaranteed GPUs (99 %)", results, result => result.Jobs.TimeToGuarantee.P99, result => Wording.Time(result.Jobs.TimeToGuarantee.P99));
        yield return Best("Fewest GPU-hours lost", results, result => Wording.Lost(result.Jobs), result => Wording.Number(Wording.Lost(result.Jobs)));
        if (results.Select(result => result.Jobs.Done).Distinct().Count() > 1)
        {
            yield return Best("Most jobs completed", results, result => -result.Jobs.Done, result => Wording.Count(result.Jobs.Done))
                + " Waits and completion times are of jobs that started or completed: a policy that leaves more of them waiting can look better than it is.";
        }
    }

    private static string Guarantees(JobResult jobs, ImmutableArray<TenantResult> leaves)
    {
        if (jobs.TimeToGuarantee.Count == 0)
        {
            return "No job started within its tenant's guarantee, so nothing can be said about guarantees.";
        }

        var worst = leaves.Where(tenant => tenant.Jobs.TimeToGuarantee.Count > 0).OrderByDescending(tenant => tenant.Jobs.TimeToGuarantee.Longest).First();
        return $"Jobs that their tenant's guarantee had room for waited {Wording.Time(worst.Jobs.TimeToGuarantee.Longest)} at worst ({worst.Name}), and 99 % of them {Wording.Time(jobs.TimeToGuarantee.P99)} at most.";
    }

    private static string Lost(JobResult jobs, ClusterResult cluster)
    {
        var lost = Wording.Lost(jobs);
        return lost == 0
            ? $"No GPU-hour was lost; there were {Wording.Count(jobs.Preemptions, "preemption")} and {Wording.Count(jobs.Failures, "failure")}."
            : $"{Wording.Number(lost)} GPU-hours ({Wording.Share(lost, cluster.UsedGpuHours)} of all use) were lost: {Wording.Number(jobs.LostToPreemptionGpuHours)} by {Wording.Count(jobs.Preemptions, "preemption")}, "
                + $"{Wording.Number(jobs.LostToFailureGpuHours)} by {Wording.Count(jobs.Failures, "failure")}, {Wording.Number(jobs.RestartGpuHours)} by starting again and saving.";
    }

    private static string Best(string what, ImmutableArray<SimulationResult> results, Func<SimulationResult, decimal> cost, Func<SimulationResult, string> text)
    {
        var (least, most) = (results.Min(cost), results.Max(cost));
        if (least == most)
        {
            return $"{what}: all alike, {text(results[0])}.";
        }

        var best = results.Where(result => cost(result) == least).ToArray();
        var worst = results.First(result => cost(result) == most);
        return $"{what}: {string.Join(", ", best.Select(result => result.Scheduler))}, {text(best[0])}; at the other end {worst.Scheduler}, {text(worst)}.";
    }
}
