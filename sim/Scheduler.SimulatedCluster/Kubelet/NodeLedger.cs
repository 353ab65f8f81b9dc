using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Strategies;

namespace Scheduler.SimulatedCluster.Kubelet;

/// <summary>
/// What one node can give and what its pods hold, of each resource and of each GPU: a device that pods name in their annotation is a
/// resource "nvidia.com/gpu/3" of amount 1, so one that is given away twice shows even where the node's total suffices.
/// </summary>
internal sealed class NodeLedger
{
    private const int MaxDevices = 1024;
    private const string DevicePrefix = KubeletEngine.GpuResource + "/";

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

        // A device that is out of order is missing among the allocatable ones, but the others keep their numbers.
        var devices = Quantity.TryParse(PodDefaults.Text(node.ObjectAt("status", "capacity")?[KubeletEngine.GpuResource]), out var capacity)
            ? capacity
            : allocatable.GetValueOrDefault(KubeletEngine.GpuResource);
        for (var i = 0; i < Math.Min(devices, MaxDevices); i++)
            allocatable[Device(i)] = 1;
        _allocatable = allocatable;
    }

    /// <summary>Whether this is the name of one device.</summary>
    public static bool IsDevice(string resource) => resource.StartsWith(DevicePrefix, StringComparison.Ordinal);

    /// <summary>The devices among requests: those that the scheduler has chosen.</summary>
    public static IReadOnlySet<int> Devices(IReadOnlyDictionary<string, decimal> requests) => requests.Keys.Where(IsDevice)
        .Select(name => int.Parse(name.AsSpan(DevicePrefix.Length), CultureInfo.InvariantCulture)).ToHashSet();

    private static string Device(int index) => string.Create(CultureInfo.InvariantCulture, $"{DevicePrefix}{index}");

    /// <summary>Takes the requests, or names the first resource that does not suffice.</summary>
    public (string Resource, decimal Requested, decimal Used, decimal Capacity)? Take(IReadOnlyDictionary<string, decimal> requests)
    {
        foreach (var (name, amount) in requests.OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            var used = _used.GetValueOrDefault(name);
            var capacity = _allocatable.GetValueOrDefault(name);
            // A node that does not say how much cpu or memory it has is a test's node: only what it names is counted.
            var isCounted = _allocatable.ContainsKey(name) || PodValidation.IsExtended(name) || IsDevice(name);
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
    /// fraction of a GPU counts as that much of the node's GPUs. Whole GPUs and fractions count on the devices that the pod names, too;
    /// MIG instances do not, because how large a part of the device they are is not known here.
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
        var isFraction = Quantity.TryParse(pod.StringAt("metadata", "annotations", KubeletEngine.FractionAnnotation), out var fraction) && fraction is > 0 and < 1;
        if (isFraction)
            total[KubeletEngine.GpuResource] = total.GetValueOrDefault(KubeletEngine.GpuResource) + fraction;
        if (total.GetValueOrDefault(KubeletEngine.GpuResource) > 0)
        {
            foreach (var device in Devices(pod))
                total[Device(device)] = isFraction ? fraction : 1;
        }

        return total;
    }

    /// <summary>The devices that the scheduler has chosen; text that is no list of them was written by somebody else and says nothing.</summary>
    private static List<int> Devices(JsonObject pod)
    {
        var devices = new List<int>();
        foreach (var part in pod.StringAt("metadata", "annotations", KubeletEngine.DevicesAnnotation)?.Split(',') ?? [])
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                return [];
            devices.Add(index);
        }

        return devices;
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
