using Scheduler.Cli.Workloads;
using Scheduler.Core.Model;

namespace Scheduler.Cli.Up;

/// <summary>
/// Adds up what bound pods take of devices and nodes, from nothing but what the API server shows: it shares no code and no
/// state with the scheduler or the kubelets. A device that was beyond 1000 milli-GPU at any observed moment counts once, for
/// good. Not safe for concurrent use.
/// </summary>
internal sealed class OvercommitAudit
{
    private readonly Dictionary<(string Node, int Device), long> _milliOf = [];
    private readonly Dictionary<(string Node, string Resource), long> _used = [];
    private readonly Dictionary<(string Node, string Resource), long> _capacity = [];
    private readonly Dictionary<string, int> _gpusOf = new(StringComparer.Ordinal);
    private readonly HashSet<(string Node, int Device)> _overcommittedDevices = [];
    private readonly HashSet<string> _overcommittedNodes = new(StringComparer.Ordinal);

    /// <summary>Devices that were over-committed at some moment, and devices in use that their node does not have.</summary>
    public int OvercommittedDevices => _overcommittedDevices.Count;

    /// <summary>Nodes on which CPU, memory, GPUs in sum or MIG instances were over-committed at some moment.</summary>
    public int OvercommittedNodes => _overcommittedNodes.Count;

    /// <summary>Milli-GPU that bound pods hold now.</summary>
    public long UsedMilliGpu { get; private set; }

    public bool KnowsNode(string node) => _gpusOf.ContainsKey(node);

    /// <summary>What a node has, from its allocatable resources.</summary>
    public void SetNode(string node, IEnumerable<KeyValuePair<string, long>> allocatable)
    {
        _gpusOf[node] = 0;
        foreach (var (resource, amount) in allocatable)
        {
            _capacity[(node, resource)] = amount;
            if (resource == Manifests.GpuResource)
            {
                _gpusOf[node] = (int)(amount / GpuRequest.MilliPerDevice);
            }
        }
    }

    /// <summary>A pod changed from one state to another; null is not there.</summary>
    public void Observe(ObservedPod? before, ObservedPod? after)
    {
        if (before is { HoldsRoom: true })
        {
            Book(before, -1);
        }

        if (after is { HoldsRoom: true })
        {
            Book(after, 1);
        }
    }

    private void Book(ObservedPod pod, int sign)
    {
        var node = pod.Node!;
        foreach (var (resource, amount) in pod.Requests)
        {
            var used = _used[(node, resource)] = _used.GetValueOrDefault((node, resource)) + (sign * amount);
            UsedMilliGpu += sign * MilliGpuOf(resource, amount);
            if (sign > 0 && KnowsNode(node) && used > _capacity.GetValueOrDefault((node, resource)))
            {
                _overcommittedNodes.Add(node);
            }
        }

        foreach (var device in pod.Devices)
        {
            var milli = _milliOf[(node, device)] = _milliOf.GetValueOrDefault((node, device)) + (sign * pod.MilliPerDevice);
            if (milli > GpuRequest.MilliPerDevice || device < 0 || (KnowsNode(node) && device >= _gpusOf[node]))
            {
                _overcommittedDevices.Add((node, device));
            }
        }
    }

    private static long MilliGpuOf(string resource, long amount) => resource switch
    {
        Manifests.GpuResource => amount,
        _ when resource.StartsWith(Manifests.MigResourcePrefix, StringComparison.Ordinal)
            && GpuRequest.TryMigMilliGpu(resource[Manifests.MigResourcePrefix.Length..], out var each) => each * amount,
        _ => 0,
    };
}
