using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>
/// The nodes as they are with the plan's binds, and as they will be. W1: in neither is anything given out twice.
/// </summary>
internal sealed class NodeViews
{
    private readonly PlanBooks _books;
    private readonly NodeTally[] _now;
    private readonly NodeTally?[] _later;
    private readonly NodeTally?[] _promised;
    private readonly bool[] _isAwaited;

    public NodeViews(PlanBooks books)
    {
        _books = books;
        var nodes = books.Snapshot.Nodes;
        _now = new NodeTally[nodes.Length];
        _later = new NodeTally?[nodes.Length];
        _promised = new NodeTally?[nodes.Length];
        _isAwaited = new bool[nodes.Length];
        for (var node = 0; node < nodes.Length; node++)
        {
            _now[node] = new NodeTally(nodes[node]);
        }

        foreach (var placed in books.Placed)
        {
            _now[placed.Node].Take(placed.Pod.Shape, placed.Pod.Placement!.Devices, placed.Owner);
        }

        foreach (var bound in books.Bound)
        {
            _now[bound.Node].Take(bound.Pod.Shape, bound.Devices, bound.Owner);
        }

        foreach (var placed in books.Placed)
        {
            if (placed.IsGoing || placed.Eviction is not null)
            {
                (_later[placed.Node] ??= _now[placed.Node].Clone()).Give(placed.Pod.Shape, placed.Pod.Placement!.Devices, placed.Owner);
            }

            if (placed.IsGoing)
            {
                (_promised[placed.Node] ??= _now[placed.Node].Clone()).Give(placed.Pod.Shape, placed.Pod.Placement!.Devices, placed.Owner);
            }
        }

        var isLeft = Array.ConvertAll(_later, later => later is not null);
        foreach (var kept in books.Kept)
        {
            _isAwaited[kept.Node] |= isLeft[kept.Node];
            (_later[kept.Node] ??= _now[kept.Node].Clone()).Take(kept.Pod.Shape, kept.Devices, kept.Owner);
            (_promised[kept.Node] ??= _now[kept.Node].Clone()).Take(kept.Pod.Shape, kept.Devices, kept.Owner);
        }
    }

    /// <summary>With the plan's binds; whoever was told to leave is still there.</summary>
    public NodeTally Now(int node) => _now[node];

    /// <summary>Once everybody who was told to leave has, less what is kept.</summary>
    public NodeTally Later(int node) => _later[node] ?? _now[node];

    /// <summary>
    /// The same as if this plan evicted nobody: what it keeps is taken, what it frees is not given. There was at least this
    /// much room at every moment of the cycle.
    /// </summary>
    public NodeTally Promised(int node) => _promised[node] ?? _now[node];

    /// <summary>What is free now and stays so, in other words may be used by anybody.</summary>
    public NodeTally Open(int node) => _later[node] is { } later ? NodeTally.Intersect(_now[node], later) : _now[node];

    /// <summary>
    /// Whether room is kept on a node that some are leaving. What is free until they have left may be needed for that room to be ready
    /// in time, when others leave later still.
    /// </summary>
    public bool IsAwaited(int node) => _isAwaited[node];

    /// <summary>W1 on all nodes that the plan puts something on.</summary>
    public void Check()
    {
        foreach (var bound in _books.Bound)
        {
            Check(bound, Now(bound.Node), "the plan takes it to");
        }

        foreach (var kept in _books.Kept)
        {
            Check(kept, Later(kept.Node), "what is kept takes it to");
        }
    }

    /// <summary>Whether a node takes pods of a shape and tenant, whatever is free on it.</summary>
    public static bool Accepts(Node node, PodShape shape, TenantNode tenant, SchedulingPolicy policy)
    {
        if (!node.IsSchedulable || !IsInPool(node, tenant, policy))
        {
            return false;
        }

        foreach (var (key, value) in shape.NodeSelector)
        {
            if (node.Labels.GetValueOrDefault(key) != value)
            {
                return false;
            }
        }

        foreach (var taint in node.Taints)
        {
            if (taint.Effect != TaintEffect.PreferNoSchedule && !IsTolerated(taint, shape))
            {
                return false;
            }
        }

        var matches = shape.RequiredTerms.IsEmpty;
        foreach (var term in shape.RequiredTerms)
        {
            matches |= term.Matches(node);
        }

        return matches;
    }

    /// <summary>The tenant whose node pool holds for a tenant: itself or the next above that has one; null if none has.</summary>
    public static TenantNode? PoolOf(TenantNode tenant)
    {
        var pool = tenant;
        while (pool is { Tenant.NodePool.IsEmpty: true })
        {
            pool = pool.Parent;
        }

        return pool;
    }

    private static bool IsInPool(Node node, TenantNode tenant, SchedulingPolicy policy) =>
        PoolOf(tenant) is not { } pool
        || Carries(node, pool.Tenant.NodePool)
        || (!policy.BurstNodes.IsEmpty && Carries(node, policy.BurstNodes));

    private static bool Carries(Node node, System.Collections.Immutable.ImmutableSortedDictionary<string, string> labels)
    {
        foreach (var (key, value) in labels)
        {
            if (node.Labels.GetValueOrDefault(key) != value)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsTolerated(Taint taint, PodShape shape)
    {
        foreach (var toleration in shape.Tolerations)
        {
            if (toleration.Tolerates(taint))
            {
                return true;
            }
        }

        return false;
    }

    private void Check(in PlannedPod pod, NodeTally tally, string what)
    {
        var node = tally.Node;
        var shape = pod.Pod.Shape;
        if (!node.IsSchedulable)
        {
            _books.Report("W1", $"pod {pod.Pod.Id} goes to node {node.Name}, which is not ready or cordoned");
        }

        CheckSum(node.MaxPods, tally.FreePods, 1, "pods");
        CheckSum(node.Allocatable.MilliCpu, tally.Free.MilliCpu, shape.Requests.MilliCpu, "milli-CPU");
        CheckSum(node.Allocatable.MemoryBytes, tally.Free.MemoryBytes, shape.Requests.MemoryBytes, "bytes of memory");
        CheckSum(node.Allocatable.EphemeralStorageBytes, tally.Free.EphemeralStorageBytes, shape.Requests.EphemeralStorageBytes, "bytes of storage");
        foreach (var (name, amount) in shape.Scalars)
        {
            var has = 0L;
            foreach (var scalar in node.Scalars)
            {
                has += scalar.Name == name ? scalar.Amount : 0;
            }

            CheckSum(has, has == 0 ? -amount : tally.ScalarFree(name), amount, name);
        }

        if (shape.Gpu.Kind == GpuRequestKind.Mig)
        {
            var has = 0;
            foreach (var mig in node.MigCapacities)
            {
                has += mig.Profile == shape.Gpu.MigProfile ? mig.Count : 0;
            }

            CheckSum(has, has == 0 ? -shape.Gpu.Count : tally.MigFree(shape.Gpu.MigProfile!), shape.Gpu.Count, $"MIG {shape.Gpu.MigProfile}");
        }

        CheckDevices(pod, tally);

        void CheckSum(long has, long free, long more, string unit)
        {
            if (more > 0 && free < 0)
            {
                _books.Report("W1", $"node {node.Name} has {has} {unit}, and {what} {has - free}");
            }
        }
    }

    private void CheckDevices(in PlannedPod pod, NodeTally tally)
    {
        var node = tally.Node;
        var gpu = pod.Pod.Shape.Gpu;
        var needed = gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction ? gpu.Count : 0;
        var last = -1;
        var isAscending = true;
        foreach (var device in pod.Devices)
        {
            isAscending &= device > last;
            last = device;
            if (device < 0 || device >= node.Devices.Length)
            {
                _books.Report("W1", $"pod {pod.Pod.Id} gets device {device} of node {node.Name}, which has {node.Devices.Length}");
            }
            else if (!tally.IsHealthy(device))
            {
                _books.Report("W1", $"pod {pod.Pod.Id} gets device {device} of node {node.Name}, which is quarantined");
            }
            else if (tally.DeviceFree(device) < 0)
            {
                _books.Report("W1", $"device {device} of node {node.Name} is given {GpuRequest.MilliPerDevice - tally.DeviceFree(device)} milli-GPU");
            }
        }

        if (pod.Devices.Length != needed || !isAscending)
        {
            _books.Report("W1", $"pod {pod.Pod.Id} asks for {gpu} and gets devices [{string.Join(',', pod.Devices)}] of {node.Name}");
        }
        else if (needed > 0 && !tally.IsCertain && tally.UsedOnDevices > (long)node.Devices.Length * GpuRequest.MilliPerDevice)
        {
            _books.Report("W1", $"node {node.Name} has {node.Devices.Length} GPUs and is given {tally.UsedOnDevices} milli-GPU");
        }
    }
}
