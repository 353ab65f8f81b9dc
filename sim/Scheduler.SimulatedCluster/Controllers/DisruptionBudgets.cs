using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Selection;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>Evictions and the disruption budgets that may refuse them. Counts are taken at the moment of the eviction.</summary>
internal sealed class DisruptionBudgets(ObjectService objects, ObjectDeletion deletion)
{
    private const int RetryAfterSeconds = 10;
    private readonly Lock _sync = new();

    private ResourceType Pods => objects.Registry.Require("", "pods");

    private ResourceType Budgets => objects.Registry.Require("policy", "poddisruptionbudgets");

    /// <summary>Deletes a pod if every budget that covers it allows one more disruption.</summary>
    public void Evict(ObjectKey key, DeleteOptions options)
    {
        // One eviction at a time: two must not both use the last allowed disruption.
        lock (_sync)
        {
            var stored = objects.Get(Pods, key);
            var pod = stored.Parse();
            var isFree = stored.IsDeleting || pod.StringAt("status", "phase") is "Succeeded" or "Failed" or "Pending";
            if (!isFree)
                CheckBudgets(stored, pod);
            deletion.Delete(Pods, key, options);
        }
    }

    private void CheckBudgets(StoredObject stored, JsonObject pod)
    {
        var covering = objects.Bucket(Budgets).Snapshot(stored.Key.Namespace).Select(b => b.Parse())
            .Where(b => LabelSelector.FromObject(b.ObjectAt("spec", "selector"))?.Matches(stored.Labels) == true).ToList();
        if (covering.Count > 1)
        {
            throw new ApiException(
                500, "InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.", new JsonObject());
        }

        if (covering.Count == 0)
            return;
        var budget = covering[0];
        var state = Count(budget);
        if (!PodConditions.IsTrue(pod, "Ready") && state.Healthy >= state.Desired && state.Desired > 0)
            return; // a pod that is not healthy does not count, so losing it costs nothing
        if (state.Allowed > 0)
            return;
        var name = budget.StringAt("metadata", "name");
        var message = string.Create(CultureInfo.InvariantCulture, $"The disruption budget {name} needs {state.Desired} healthy pods and has {state.Healthy} currently");
        var details = new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "DisruptionBudget", ["message"] = message }),
            ["retryAfterSeconds"] = RetryAfterSeconds,
        };
        throw ApiException.TooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", RetryAfterSeconds, details);
    }

    public readonly record struct BudgetState(long Expected, long Healthy, long Desired)
    {
        public long Allowed => Math.Max(0, Healthy - Desired);
    }

    /// <summary>What a budget allows now.</summary>
    public BudgetState Count(JsonObject budget)
    {
        var selector = LabelSelector.FromObject(budget.ObjectAt("spec", "selector"));
        long total = 0, healthy = 0;
        foreach (var stored in objects.Bucket(Pods).Snapshot(budget.StringAt("metadata", "namespace")))
        {
            if (selector?.Matches(stored.Labels) != true)
                continue;
            var pod = stored.Parse();
            if (pod.StringAt("status", "phase") is "Succeeded" or "Failed")
                continue;
            total++;
            if (!stored.IsDeleting && PodConditions.IsTrue(pod, "Ready"))
                healthy++;
        }

        var expected = Math.Max(total, ExpectedByOwners(budget, selector));
        long desired;
        if (budget.At("spec", "maxUnavailable") is { } maxUnavailable)
            desired = Math.Max(0, expected - Scale(maxUnavailable, expected));
        else
            desired = budget.At("spec", "minAvailable") is { } minAvailable ? Scale(minAvailable, expected) : 0;
        return new BudgetState(expected, healthy, desired);
    }

    /// <summary>With replica sets, the expected number is what they ask for, not what there happens to be.</summary>
    private long ExpectedByOwners(JsonObject budget, LabelSelector? selector) =>
        objects.Bucket(objects.Registry.Require("apps", "replicasets")).Snapshot(budget.StringAt("metadata", "namespace"))
            .Select(r => r.Parse())
            .Where(r => selector?.Matches(r.StringMap("spec", "template", "metadata", "labels")) == true)
            .Sum(r => r.LongAt("spec", "replicas") ?? 1);

    private static long Scale(JsonNode value, long total)
    {
        if (JsonAccess.AsLong(value) is { } number)
            return number;
        var text = value.StringAt() ?? "";
        return text.EndsWith('%') && double.TryParse(text.AsSpan(0, text.Length - 1), CultureInfo.InvariantCulture, out var percent)
            ? (long)Math.Ceiling(total * percent / 100)
            : 0;
    }
}
