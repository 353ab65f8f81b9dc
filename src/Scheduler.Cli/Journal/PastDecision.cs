using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Journal;
using Scheduler.Journal.Replay;
using Scheduler.Journal.Storage;

namespace Scheduler.Cli.Journal;

/// <summary>What a cycle of the journal decided about one workload, in words. The cycle is planned again for it.</summary>
internal static class PastDecision
{
    /// <summary>The answer, line by line; null if the cycle knew no such pod or gang.</summary>
    public static IReadOnlyList<string>? Explain(ReadCycle cycle, string @namespace, string name)
    {
        var workload = cycle.Snapshot.Workloads.FirstOrDefault(
            candidate => candidate.Namespace == @namespace && (candidate.Name == name || candidate.Pods.Any(pod => pod.Name == name)));
        var unqueued = cycle.Unqueued.FirstOrDefault(pod => pod.Namespace == @namespace && pod.Name == name);
        if (workload is null && unqueued is null)
        {
            return null;
        }

        var record = cycle.Record;
        var lines = new List<string>
        {
            Line($"cycle {record.Number} of {record.Now:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}, {(record.IsApplied ? "carried out" : "a forecast: this replica stood by")} ({cycle.Header.Replica}, version {cycle.Header.Version})"),
        };
        if (unqueued is not null)
        {
            lines.Add($"{@namespace}/{name} was not queued [{unqueued.Reason}]: {unqueued.Message}");
        }

        if (workload is not null)
        {
            Describe(workload, cycle, lines);
        }

        return lines;
    }

    private static void Describe(Workload workload, ReadCycle cycle, List<string> lines)
    {
        lines.Add($"workload {workload.Id} of tenant {workload.Tenant?.Value ?? "(none)"}, {workload.Pods.Length} pods, priority {workload.Priority}");
        foreach (var pod in workload.Pods)
        {
            lines.Add(pod switch
            {
                { Notice: { } notice } => Line($"  {pod.Name} was on {pod.Placement?.Node}, told to leave by {notice.Deadline:yyyy-MM-dd'T'HH:mm:ss'Z'} for {notice.Beneficiary}"),
                { Placement: { } placement } => $"  {pod.Name} was {(pod.State == PodState.Leaving ? "leaving" : "on")} {placement.Node}{Devices(placement)}",
                { Nomination: { } kept } => $"  {pod.Name} waited, with room kept on {kept.Node}{Devices(kept)}",
                _ => $"  {pod.Name} waited",
            });
        }

        var replayed = new CycleReplay().Run(cycle);
        if (!replayed.IsIdentical)
        {
            lines.Add("this version of weir plans that cycle otherwise; what follows is what was recorded, and reasons are this version's");
        }

        var canonical = new CanonicalPlan();
        var concerning = replayed.Plan.Decisions.Where(decision => decision.Workload == workload.Id || decision is Evict evict && evict.Beneficiary == workload.Id).ToList();
        foreach (var wait in concerning.OfType<Wait>())
        {
            lines.Add($"decided: it waits [{wait.Reason}]: {wait.Message}");
            lines.Add(Line($"  place {wait.Place.InTenant} of {wait.Place.TenantLength} in its tenant, {wait.Place.Overall} of {wait.Place.OverallLength} overall"));
            foreach (var (filter, nodes) in wait.Explanation.Rejections)
            {
                lines.Add(Line($"  {nodes} of {wait.Explanation.NodesExamined} nodes turned away by {filter}"));
            }
        }

        // What was recorded is what happened, whatever this version would do.
        var effects = replayed.IsIdentical
            ? concerning.Where(decision => decision is not Wait).Select(canonical.Line)
            : cycle.Record.Effects.Where(effect => effect.Split(' ').Contains(workload.Id.Value, StringComparer.Ordinal));
        lines.AddRange(effects.Select(effect => $"decided: {effect}"));
        lines.AddRange(cycle.Record.Refused
            .Where(refused => refused.Split(' ').Contains(workload.Id.Value, StringComparer.Ordinal))
            .Select(refused => $"did not hold any more when it was to be applied: {refused}"));
        if (concerning.Count == 0)
        {
            lines.Add("decided: nothing about it");
        }
    }

    private static string Devices(PodPlacement placement) => placement.Devices.IsEmpty ? "" : $", devices {string.Join(',', placement.Devices)}";

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
