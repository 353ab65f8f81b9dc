using Scheduler.Core.Model;
using Scheduler.Core.Scoring;

namespace Scheduler.Simulation.Engine;

/// <summary>What of one node is in use and what is broken. The simulation's own books, kept without the planner's help.</summary>
internal sealed class NodeBooks
{
    private readonly int[] _deviceFree;
    private readonly int[] _deviceFaults;
    private readonly int[] _migFree;
    private int _nodeFaults;

    public NodeBooks(int index, Node node)
    {
        (Index, Node, Healthy) = (index, node, node);
        _deviceFree = [.. node.Devices.Select(_ => GpuRequest.MilliPerDevice)];
        _deviceFaults = [.. node.Devices.Select(device => device.Health == DeviceHealth.Healthy ? 0 : 1)];
        _migFree = [.. node.MigCapacities.Select(capacity => capacity.Count)];
        _nodeFaults = node.IsReady ? 0 : 1;
        Free = node.Allocatable - node.UsedByOthers;
        FreePods = node.MaxPods - node.PodsOfOthers;
    }

    /// <summary>Place in the list of nodes.</summary>
    public int Index { get; }

    /// <summary>As the scheduler sees it now.</summary>
    public Node Node { get; private set; }

    /// <summary>As it began.</summary>
    public Node Healthy { get; }

    /// <summary>CPU, memory and storage that nobody has.</summary>
    public ResourceVector Free { get; private set; }

    /// <summary>Pods that the node may run besides those that it runs.</summary>
    public int FreePods { get; private set; }

    /// <summary>In use, in milli-GPU.</summary>
    public long UsedMilliGpu { get; private set; }

    /// <summary>What counts as working: all healthy GPUs; on a cordoned node, which takes nothing new, those that are still in use.</summary>
    public long WorkingMilliGpu => Node.IsSchedulable ? Node.HealthyMilliGpu : Node.IsReady ? UsedMilliGpu : 0;

    /// <summary>Pods that lie here.</summary>
    public List<(SimulatedJob Job, PodId Pod)> Pods { get; } = [];

    /// <summary>What is left of a device.</summary>
    public int FreeOf(int device) => _deviceFree[device];

    /// <summary>Why a pod does not fit on these devices; null if it does.</summary>
    public string? Refusal(PodShape shape, ReadOnlySpan<int> devices)
    {
        if (!Node.IsSchedulable)
        {
            return $"node {Node.Name} takes no pods";
        }

        if (!shape.Requests.FitsIn(Free) || FreePods < 1)
        {
            return $"node {Node.Name} has too little CPU or memory left, or runs as many pods as it may";
        }

        switch (shape.Gpu.Kind)
        {
            case GpuRequestKind.Mig:
                return MigOf(shape.Gpu) is >= 0 and var mig && _migFree[mig] >= shape.Gpu.Count
                    ? null
                    : $"node {Node.Name} has fewer than {shape.Gpu.Count} instances of {shape.Gpu.MigProfile} left";
            case GpuRequestKind.Whole or GpuRequestKind.Fraction:
                if (devices.Length != shape.Gpu.Count)
                {
                    return $"{devices.Length} devices for {shape.Gpu}";
                }

                for (var index = 0; index < devices.Length; index++)
                {
                    var device = devices[index];
                    if (device < 0 || device >= _deviceFree.Length || (index > 0 && device <= devices[index - 1]))
                    {
                        return $"node {Node.Name} has no device {device}, or it is named twice";
                    }

                    if (_deviceFaults[device] > 0)
                    {
                        return $"device {device} of node {Node.Name} has failed";
                    }

                    if (_deviceFree[device] < shape.Gpu.MilliEach)
                    {
                        return $"device {device} of node {Node.Name} has {_deviceFree[device]} milli-GPU left, which is not {shape.Gpu.MilliEach}";
                    }
                }

                return null;
            default:
                return null;
        }
    }

    /// <summary>A pod comes.</summary>
    public void Take(SimulatedJob job, PodId pod, PodShape shape, ReadOnlySpan<int> devices)
    {
        Pods.Add((job, pod));
        Occupy(shape, devices, sign: 1);
    }

    /// <summary>A pod is gone.</summary>
    public void Give(SimulatedJob job, PodId pod, PodShape shape, ReadOnlySpan<int> devices)
    {
        if (!Pods.Remove((job, pod)))
        {
            throw new InvalidOperationException($"pod {pod} does not lie on node {Node.Name}");
        }

        Occupy(shape, devices, sign: -1);
    }

    /// <summary>The node fails, or one of two faults at the same time is repaired; says whether the scheduler sees a difference.</summary>
    public bool CountFault(int? device, int sign)
    {
        if (device is { } index)
        {
            var before = _deviceFaults[index] > 0;
            _deviceFaults[index] += sign;
            var after = _deviceFaults[index] > 0;
            if (before == after)
            {
                return false;
            }

            Node = Node with
            {
                Devices = Node.Devices.SetItem(index, new GpuDevice(index, after ? DeviceHealth.Quarantined : DeviceHealth.Healthy)),
            };
            return true;
        }

        _nodeFaults += sign;
        var isReady = _nodeFaults == 0;
        if (isReady == Node.IsReady)
        {
            return false;
        }

        Node = Node with { IsReady = isReady };
        return true;
    }

    /// <summary>Idle GPU that is expected to stay unused with pods such as come, in micro-GPU; nothing on a node that is down.</summary>
    public long UnusableMicroGpu(ShapeMix mix)
    {
        if (!Node.IsSchedulable)
        {
            return 0;
        }

        var (idle, waste) = (0L, 0L);
        for (var device = 0; device < _deviceFree.Length; device++)
        {
            if (_deviceFaults[device] == 0)
            {
                idle += _deviceFree[device];
                waste += mix.Waste(_deviceFree[device]);
            }
        }

        return Math.Min(idle * ShapeMix.MicroPerMilli, waste + mix.Stranded(idle, Free));
    }

    /// <summary>Counts a pod in or out, without a name.</summary>
    public void Occupy(PodShape shape, ReadOnlySpan<int> devices, int sign)
    {
        Free = sign > 0 ? Free - shape.Requests : Free + shape.Requests;
        FreePods -= sign;
        UsedMilliGpu += sign * shape.Gpu.MilliGpu;
        if (shape.Gpu.Kind == GpuRequestKind.Mig)
        {
            _migFree[MigOf(shape.Gpu)] -= sign * shape.Gpu.Count;
        }

        foreach (var device in devices)
        {
            _deviceFree[device] -= sign * shape.Gpu.MilliEach;
        }
    }

    private int MigOf(GpuRequest gpu)
    {
        for (var index = 0; index < Healthy.MigCapacities.Length; index++)
        {
            if (Healthy.MigCapacities[index].Profile == gpu.MigProfile)
            {
                return index;
            }
        }

        return -1;
    }
}
