using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.FaultSimulation.Running;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.FaultSimulation.Checking;

/// <summary>
/// Who has which device, kept from the API server's own history and without any code of the scheduler. Each change of a pod is
/// judged when it is stored: W1 (no device is given twice), W2 (no tenant above its limit), and that no pod is bound twice.
/// </summary>
internal sealed class PodBooks(IReadOnlyDictionary<string, int> devicesOfNode, Func<string, bool> exists, Action<string, string> violated)
{
    private readonly Dictionary<string, BoundPod> _bound = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Node, int Device), string> _devices = [];

    /// <summary>GPUs in use by the pods of a tenant. What is bound to a node that is gone uses none: it waits to be removed.</summary>
    public int UsedBy(string tenant) => _bound.Values.Where(pod => pod.Tenant == tenant && exists(pod.Node)).Sum(pod => pod.Gpus);

    /// <summary>Where every pod is that is on a node and has not ended, by uid.</summary>
    public IReadOnlyDictionary<string, string> Nodes => _bound.ToDictionary(entry => entry.Key, entry => entry.Value.Node, StringComparer.Ordinal);

    /// <summary>Takes over a change.</summary>
    public void Apply(StoredObject stored, bool isGone)
    {
        var pod = stored.Parse();
        var now = isGone ? null : BoundPod.Of(pod);
        var before = _bound.GetValueOrDefault(stored.Uid);
        if (before == now)
            return;
        if (before is not null && now is not null)
            violated("bound twice", $"pod {now.Name} was on {before.Node} with devices {before.Devices} and is on {now.Node} with devices {now.Devices}");
        if (before is not null)
            Release(stored.Uid, before);
        if (now is not null)
            Take(stored.Uid, now);
    }

    private void Take(string uid, BoundPod pod)
    {
        _bound[uid] = pod;
        var devices = pod.Devices.Length == 0 ? [] : pod.Devices.Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToList();
        if (devices.Count != pod.Gpus || devices.Distinct().Count() != pod.Gpus)
            violated("W1", $"pod {pod.Name} needs {pod.Gpus} devices of {pod.Node} and names {pod.Devices}");
        foreach (var device in devices)
        {
            if (device >= devicesOfNode.GetValueOrDefault(pod.Node))
                violated("W1", $"pod {pod.Name} names device {device} of {pod.Node}, which has {devicesOfNode.GetValueOrDefault(pod.Node)}");
            if (!_devices.TryAdd((pod.Node, device), uid))
                violated("W1", $"device {device} of {pod.Node} is given to {_bound[_devices[(pod.Node, device)]].Name} and to {pod.Name}");
        }

        var used = UsedBy(pod.Tenant);
        var limit = Workload.Tenants.First(tenant => tenant.Namespace == pod.Tenant).Limit;
        if (used > limit)
            violated("W2", $"with pod {pod.Name} tenant {pod.Tenant} uses {used} GPUs, and its limit is {limit}");
    }

    private void Release(string uid, BoundPod pod)
    {
        _bound.Remove(uid);
        foreach (var device in _devices.Where(entry => entry.Value == uid).Select(entry => entry.Key).ToList())
            _devices.Remove(device);
    }

    private sealed record BoundPod(string Name, string Tenant, string Node, string Devices, int Gpus)
    {
        public static BoundPod? Of(JsonObject pod)
        {
            var node = pod.StringAt("spec", "nodeName");
            if (string.IsNullOrEmpty(node) || pod.StringAt("status", "phase") is "Succeeded" or "Failed")
                return null;
            var tenant = pod.StringAt("metadata", "namespace")!;
            var gpus = pod.ObjectsAt("spec", "containers").Sum(container => int.Parse(
                container.StringAt("resources", "limits", "nvidia.com/gpu") ?? "0", CultureInfo.InvariantCulture));
            return new BoundPod(
                $"{tenant}/{pod.StringAt("metadata", "name")}", tenant, node,
                pod.StringAt("metadata", "annotations", "weir.scheduler/gpu-devices") ?? "", gpus);
        }
    }
}
