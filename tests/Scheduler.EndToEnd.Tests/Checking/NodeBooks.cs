using System.Globalization;
using k8s.Models;
using Scheduler.EndToEnd.Tests.Openb;

namespace Scheduler.EndToEnd.Tests.Checking;

/// <summary>What a node has and who has taken it, as the checker counts it: from the pods that the API server says are bound to it.</summary>
internal sealed class NodeBooks
{
    private readonly long _cpuMilli;
    private readonly long _memoryBytes;
    private readonly long _pods;
    private readonly List<(string Pod, string Tenant, int Milli)>[] _devices;
    private long _cpuUsed;
    private long _memoryUsed;
    private long _podsUsed;

    public NodeBooks(V1Node node)
    {
        Node = node;
        _cpuMilli = (long)(Allocatable("cpu") * 1000);
        _memoryBytes = (long)Allocatable("memory");
        _pods = (long)Allocatable("pods");
        _devices = [.. Enumerable.Range(0, (int)Allocatable(OpenbObjects.Gpu)).Select(_ => new List<(string, string, int)>())];
    }

    public V1Node Node { get; }

    public string Product => Node.Metadata.Labels?.TryGetValue(OpenbObjects.Product, out var product) == true ? product : "";

    /// <summary>Counts a bound pod and says what is wrong with the devices that it names.</summary>
    public IEnumerable<string> Add(V1Pod pod, string tenant)
    {
        var (name, demand) = ($"{pod.Metadata.NamespaceProperty}/{pod.Metadata.Name}", PodDemand.Of(pod));
        _cpuUsed += demand.CpuMilli;
        _memoryUsed += demand.MemoryBytes;
        _podsUsed++;
        var needed = demand.WholeGpus + (demand.FractionMilli > 0 ? 1 : 0);
        var named = pod.Metadata.Annotations?.TryGetValue(OpenbObjects.GpuDevices, out var text) == true
            ? text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : [];
        if (named.Length != needed)
        {
            yield return $"pod {name} needs {needed} devices of node {Node.Metadata.Name} and names {named.Length}";
            yield break;
        }
        if (named.Distinct(StringComparer.Ordinal).Count() != named.Length) yield return $"pod {name} names a device of node {Node.Metadata.Name} twice";
        foreach (var device in named)
        {
            if (!int.TryParse(device, NumberStyles.None, CultureInfo.InvariantCulture, out var index) || index >= _devices.Length)
                yield return $"pod {name} names device '{device}', and node {Node.Metadata.Name} has {_devices.Length}";
            else
                _devices[index].Add((name, tenant, demand.FractionMilli > 0 ? demand.FractionMilli : 1000));
        }
    }

    /// <summary>Where more is given than there is.</summary>
    public IEnumerable<string> Excesses()
    {
        var name = Node.Metadata.Name;
        if (_cpuUsed > _cpuMilli) yield return $"node {name}: {_cpuUsed}m CPU given of {_cpuMilli}m";
        if (_memoryUsed > _memoryBytes) yield return $"node {name}: {_memoryUsed} bytes given of {_memoryBytes}";
        if (_podsUsed > _pods) yield return $"node {name}: {_podsUsed} pods on a node for {_pods}";
        for (var i = 0; i < _devices.Length; i++)
        {
            var given = _devices[i].Sum(user => user.Milli);
            if (given > 1000) yield return $"node {name}: {given} thousandths of device {i} given to {string.Join(' ', _devices[i].Select(user => user.Pod))}";
        }
    }

    /// <summary>Which devices are shared by tenants that did not both agree to that.</summary>
    public IEnumerable<string> UnwantedSharing(Func<string, bool> shares)
    {
        for (var i = 0; i < _devices.Length; i++)
        {
            var tenants = _devices[i].Select(user => user.Tenant).Distinct(StringComparer.Ordinal).ToList();
            if (tenants.Count > 1 && !tenants.All(shares))
                yield return $"node {Node.Metadata.Name}: device {i} is shared by the tenants {string.Join(' ', tenants)}, and not all of them allow it";
        }
    }

    /// <summary>Whether a pod with this demand fits beside what is there.</summary>
    public bool HasRoomFor(PodDemand demand, string tenant, Func<string, bool> shares)
    {
        if (_cpuUsed + demand.CpuMilli > _cpuMilli || _memoryUsed + demand.MemoryBytes > _memoryBytes || _podsUsed + 1 > _pods) return false;
        var empty = _devices.Count(users => users.Count == 0);
        if (demand.FractionMilli == 0) return empty >= demand.WholeGpus;
        return _devices.Any(users => users.Sum(user => user.Milli) + demand.FractionMilli <= 1000
            && users.All(user => user.Tenant == tenant || (shares(user.Tenant) && shares(tenant))));
    }

    private decimal Allocatable(string resource) =>
        Node.Status?.Allocatable?.TryGetValue(resource, out var quantity) == true ? quantity.ToDecimal() : 0;
}
