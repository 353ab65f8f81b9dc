using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Strategies;

namespace Scheduler.SimulatedCluster.Kubelet;

/// <summary>What one node can give and what its pods hold.</summary>
internal sealed class NodeLedger
{
    private Dictionary<string, decimal> _allocatable = new(StringComparer.Ordinal);
    private readonly Dictionary<string, decimal> _used = new(StringComparer.Ordinal);

    public bool IsServed { get; private set; }

    public string Address { get; private set; } = "";

    public void Read(JsonObject node)
    {
        IsServed = node.StringAt("metadata", "annotations", KubeletEngine.KubeletAnnotation) != "none";
        Address = node.ObjectsAt("status", "addresses").FirstOrDefault(a => a.StringAt("type") == "InternalIP").StringAt("address") ?? "";
        var allocatable = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var (name, value) in node.ObjectAt("status", "allocatable") ?? [])
        {
            if (Quantity.TryParse(PodDefaults.Text(value), out var amount))
                allocatable[name] = amount;
        }

        _allocatable = allocatable;
    }

    /// <summary>Takes the requests, or names the first resource that does not suffice.</summary>
    public (string Resource, decimal Requested, decimal Used, decimal Capacity)? Take(IReadOnlyDictionary<string, decimal> requests)
    {
        foreach (var (name, amount) in requests.OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            var used = _used.GetValueOrDefault(name);
            var capacity = _allocatable.GetValueOrDefault(name);
            // A node that does not say how much cpu or memory it has is a test's node: only what it names is counted.
            var isCounted = _allocatable.ContainsKey(name) || PodValidation.IsExtended(name);
            if (isCounted && amount > 0 && used + amount > capacity)
                return (name, amount, used, capacity);
        }

        foreach (var (name, amount) in requests)
            _used[name] = _used.GetValueOrDefault(name) + amount;
        return null;
    }

    public void Give(IReadOnlyDictionary<string, decimal> requests)
    {
        foreach (var (name, amount) in requests)
            _used[name] = _used.GetValueOrDefault(name) - amount;
    }

    /// <summary>
    /// What a pod holds: the sum of its containers, or its greediest init container where that is more, and its overhead. A
    /// fraction of a GPU counts as that much of the node's GPUs; which device it lies on is not checked.
    /// </summary>
    public static IReadOnlyDictionary<string, decimal> Requests(JsonObject pod)
    {
        var total = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var container in pod.ObjectsAt("spec", "containers"))
        {
            foreach (var (name, amount) in Amounts(container.ObjectAt("resources", "requests")))
                total[name] = total.GetValueOrDefault(name) + amount;
        }

        foreach (var container in pod.ObjectsAt("spec", "initContainers"))
        {
            foreach (var (name, amount) in Amounts(container.ObjectAt("resources", "requests")))
                total[name] = Math.Max(total.GetValueOrDefault(name), amount);
        }

        foreach (var (name, amount) in Amounts(pod.ObjectAt("spec", "overhead")))
            total[name] = total.GetValueOrDefault(name) + amount;
        total["pods"] = 1;
        if (Quantity.TryParse(pod.StringAt("metadata", "annotations", KubeletEngine.FractionAnnotation), out var fraction) && fraction is > 0 and < 1)
            total["nvidia.com/gpu"] = total.GetValueOrDefault("nvidia.com/gpu") + fraction;
        return total;
    }

    private static IEnumerable<(string Name, decimal Amount)> Amounts(JsonObject? quantities)
    {
        foreach (var (name, value) in quantities ?? [])
        {
            if (Quantity.TryParse(PodDefaults.Text(value), out var amount))
                yield return (name, amount);
        }
    }
}
