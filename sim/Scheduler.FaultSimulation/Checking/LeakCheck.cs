using System.Text.Json.Nodes;
using Scheduler.FaultSimulation.Running;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.FaultSimulation.Checking;

/// <summary>What must be true once faults have stopped and all work is done: nothing is left over of what was decided, told or kept.</summary>
internal static class LeakCheck
{
    /// <summary>Judges the pods that are left.</summary>
    public static void OfPods(IReadOnlyList<JsonObject> pods, Action<string, string> violated)
    {
        foreach (var pod in pods.Where(pod => pod.StringAt("status", "phase") is not ("Succeeded" or "Failed")))
        {
            var name = $"{pod.StringAt("metadata", "namespace")}/{pod.StringAt("metadata", "name")}";
            if (string.IsNullOrEmpty(pod.StringAt("spec", "nodeName")))
                violated("W10", $"pod {name} still waits: {Waiting(pod)}");
            if (pod.StringAt("metadata", "annotations", "weir.scheduler/preempt-by") is { } notice)
                violated("notice without an end", $"pod {name} was told to go by {notice} and is still there");
            if (pod.StringAt("metadata", "annotations", "weir.scheduler/reservation") is { } room)
                violated("reservation leaked", $"pod {name} still says that {room} is kept for it");
        }
    }

    /// <summary>Judges what a daemon believes.</summary>
    public static void OfReplica(Replica replica, PodBooks books, Action<string, string> violated)
    {
        var (name, cache) = (replica.Actor.Name, replica.Parts.Cache);
        if (cache.AssumedCount > 0)
            violated("assumption leaked", $"{name} has {cache.AssumedCount} assumptions left");
        if (cache.CommitmentCount > 0)
            violated("commitment leaked", $"{name} has {cache.CommitmentCount} commitments left");
        if (cache.Notices() is { Count: > 0 } notices)
            violated("notice without an end", $"{name} has a notice for {notices[0].Pod.Namespace}/{notices[0].Pod.Name}");
        if (cache.Withdrawn() is { Count: > 0 } withdrawn)
            violated("notice without an end", $"{name} has not withdrawn the notice of {withdrawn[0].Namespace}/{withdrawn[0].Name}");
        if (cache.ReservationChanges() is { Count: > 0 } changes)
            violated("reservation leaked", $"{name} has yet to write the reservation of {changes[0].Pod.Namespace}/{changes[0].Pod.Name}");
        var believed = cache.View().Snapshot.Workloads.SelectMany(workload => workload.Pods).Where(pod => pod.Placement is not null)
            .Select(pod => $"{pod.Id.Value} on {pod.Placement!.Node.Value}").Order(StringComparer.Ordinal);
        var stored = books.Nodes.Select(entry => $"{entry.Key} on {entry.Value}").Order(StringComparer.Ordinal);
        if (!believed.SequenceEqual(stored, StringComparer.Ordinal))
            violated("W14", $"{name} counts other pods than the API server: {string.Join(", ", believed.Except(stored).Concat(stored.Except(believed)))}");
        if (replica.Leads && replica.Parts.ReadModel.Current is { } cycle)
        {
            foreach (var account in cycle.Plan.Accounts.Where(account => account.Total.UsedMilliGpu != books.UsedBy(account.Tenant.Value) * 1000L))
                violated("W14", $"{name} counts {account.Total.UsedMilliGpu} thousandths of a GPU for {account.Tenant}, and its pods use {books.UsedBy(account.Tenant.Value)} GPUs");
        }
    }

    private static string Waiting(JsonObject pod) => pod.ObjectsAt("status", "conditions")
        .Where(condition => condition.StringAt("type") == "PodScheduled")
        .Select(condition => $"{condition.StringAt("reason")}: {condition.StringAt("message")}").FirstOrDefault() ?? "it says no reason";
}
