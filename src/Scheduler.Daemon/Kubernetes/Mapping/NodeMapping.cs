using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Wire;
using CoreTaint = Scheduler.Core.Model.Taint;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>From a node of the API to a <see cref="Node"/>. Pure. A quantity that cannot be read counts as nothing there.</summary>
internal static class NodeMapping
{
    // What a kubelet allows when it does not say.
    private const long DefaultMaxPods = 110;
    private const long MaxDevices = 1024;

    public static Node Map(NodeObject node, string flavorLabel)
    {
        var allocatable = Allocatable(node.Status.Allocatable ?? node.Status.Capacity);
        var (vector, gpus, mig, scalars) = PodRequests.Split(allocatable);
        var labels = node.Metadata.Labels ?? [];
        return new Node
        {
            Name = new NodeName(node.Metadata.Name ?? ""),
            Allocatable = vector,
            MaxPods = (int)Math.Clamp(allocatable.TryGetValue("pods", out var pods) ? pods.UnitsCeiling : DefaultMaxPods, 0, int.MaxValue),
            // The API does not say which device a plugin withdrew, only how many are left: they count from 0.
            Devices = [.. Enumerable.Range(0, (int)Math.Clamp(gpus, 0, MaxDevices)).Select(index => new GpuDevice(index))],
            MigCapacities = [.. mig
                .Where(instance => instance.Count > 0 && GpuRequest.TryMigMilliGpu(instance.Profile, out _))
                .Select(instance => new MigCapacity(instance.Profile, (int)Math.Min(instance.Count, int.MaxValue)))],
            Flavor = labels.TryGetValue(flavorLabel, out var flavor) && flavor.Length > 0 ? new FlavorId(flavor) : FlavorId.Unlabelled,
            Scalars = ScalarResource.Normalise(scalars),
            Labels = labels.ToImmutableSortedDictionary(StringComparer.Ordinal),
            Taints = [.. (node.Spec.Taints ?? []).Select(taint => new CoreTaint(taint.Key ?? "", taint.Value ?? "", NodeConstraintMapping.Effect(taint.Effect)))],
            IsReady = node.Status.Conditions?.Exists(condition => condition is { Type: "Ready", Status: "True" }) == true,
            IsCordoned = node.Spec.Unschedulable == true || node.Metadata.DeletionTimestamp is not null,
        };
    }

    private static Dictionary<string, Quantity> Allocatable(Dictionary<string, QuantityText>? texts)
    {
        var parsed = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var (name, text) in texts ?? [])
        {
            // Rounded down would be right for what a node offers, but a kubelet reports whole units; the two are the same.
            if (Quantity.TryParse(text.Text, out var quantity) && quantity.Nano > 0)
                parsed[name] = quantity;
        }

        return parsed;
    }
}
