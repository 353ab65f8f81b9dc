using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// What is free on a node, in one view of it (see <see cref="NodeState"/>). Keeps the sums that filters and scorers ask
/// for, so that they need not walk over the devices.
/// </summary>
internal sealed class NodePlane
{
    /// <summary>Value of <see cref="DeviceOwner"/> for a device without fractions on it.</summary>
    public const int NoOwner = -1;

    /// <summary>Value of <see cref="DeviceOwner"/> for a device whose fractions belong to tenants that share.</summary>
    public const int SharedOwner = -2;

    private readonly int[] _deviceFree;
    private readonly int[] _deviceOwner;
    private readonly int[] _deviceFractions;
    private readonly int[] _migFree;
    private readonly long[] _scalarFree;

    public NodePlane(Node node)
    {
        Node = node;
        _deviceFree = new int[node.Devices.Length];
        _deviceOwner = new int[node.Devices.Length];
        _deviceFractions = new int[node.Devices.Length];
        _migFree = new int[node.MigCapacities.Length];
        _scalarFree = new long[node.Scalars.Length];
        Reset();
    }

    private NodePlane(NodePlane other)
    {
        Node = other.Node;
        Free = other.Free;
        FreePods = other.FreePods;
        _deviceFree = [.. other._deviceFree];
        _deviceOwner = [.. other._deviceOwner];
        _deviceFractions = [.. other._deviceFractions];
        _migFree = [.. other._migFree];
        _scalarFree = [.. other._scalarFree];
        IdleDevices = other.IdleDevices;
        FreeMilliGpu = other.FreeMilliGpu;
    }

    /// <summary>The node as in the snapshot.</summary>
    public Node Node { get; }

    /// <summary>CPU, memory and storage left; negative where others over-committed the node.</summary>
    public ResourceVector Free { get; private set; }

    /// <summary>Pod slots left.</summary>
    public int FreePods { get; private set; }

    /// <summary>Healthy devices that are wholly idle.</summary>
    public int IdleDevices { get; private set; }

    /// <summary>Milli-GPU left on healthy devices and MIG instances.</summary>
    public long FreeMilliGpu { get; private set; }

    /// <summary>Milli-GPU left on each device, whatever its health.</summary>
    public ReadOnlySpan<int> DeviceFree => _deviceFree;

    /// <summary>Whose fractions are on a device: a tenant's index, <see cref="SharedOwner"/> or <see cref="NoOwner"/>.</summary>
    public ReadOnlySpan<int> DeviceOwner => _deviceOwner;

    /// <summary>MIG instances left, in the order of the node's capacities.</summary>
    public ReadOnlySpan<int> MigFree => _migFree;

    /// <summary>Extended resources left, in the order of the node's.</summary>
    public ReadOnlySpan<long> ScalarFree => _scalarFree;

    /// <summary>A copy that changes apart from this one.</summary>
    public NodePlane Clone() => new(this);

    /// <summary>Empties the node: nothing of the snapshot's workloads is on it any more.</summary>
    public void Reset()
    {
        Free = Node.Allocatable - Node.UsedByOthers;
        FreePods = Node.MaxPods - Node.PodsOfOthers;
        Array.Fill(_deviceFree, GpuRequest.MilliPerDevice);
        Array.Fill(_deviceOwner, NoOwner);
        Array.Clear(_deviceFractions);
        for (var mig = 0; mig < _migFree.Length; mig++)
        {
            _migFree[mig] = Node.MigCapacities[mig].Count;
        }

        for (var scalar = 0; scalar < _scalarFree.Length; scalar++)
        {
            _scalarFree[scalar] = Node.Scalars[scalar].Amount;
        }

        foreach (var used in Node.ScalarsUsedByOthers)
        {
            var scalar = IndexOfScalar(used.Name);
            if (scalar >= 0)
            {
                _scalarFree[scalar] -= used.Amount;
            }
        }

        Recount();
    }

    /// <summary>
    /// The view of what is free in both of two views of a node: a request fits it exactly if it fits both.
    /// </summary>
    public static NodePlane Intersect(NodePlane a, NodePlane b)
    {
        var both = new NodePlane(a)
        {
            Free = new ResourceVector(
                Math.Min(a.Free.MilliCpu, b.Free.MilliCpu),
                Math.Min(a.Free.MemoryBytes, b.Free.MemoryBytes),
                Math.Min(a.Free.EphemeralStorageBytes, b.Free.EphemeralStorageBytes)),
            FreePods = Math.Min(a.FreePods, b.FreePods),
        };
        for (var device = 0; device < both._deviceFree.Length; device++)
        {
            var ownerA = a._deviceOwner[device];
            var ownerB = b._deviceOwner[device];
            var hasConflict = ownerA != NoOwner && ownerB != NoOwner && ownerA != ownerB;
            both._deviceOwner[device] = ownerA != NoOwner ? ownerA : ownerB;
            both._deviceFree[device] = hasConflict ? 0 : Math.Min(a._deviceFree[device], b._deviceFree[device]);
        }

        for (var mig = 0; mig < both._migFree.Length; mig++)
        {
            both._migFree[mig] = Math.Min(a._migFree[mig], b._migFree[mig]);
        }

        for (var scalar = 0; scalar < both._scalarFree.Length; scalar++)
        {
            both._scalarFree[scalar] = Math.Min(a._scalarFree[scalar], b._scalarFree[scalar]);
        }

        both.Recount();
        return both;
    }

    /// <summary>Whether a device may get work.</summary>
    public bool IsHealthy(int device) => Node.Devices[device].Health == DeviceHealth.Healthy;

    /// <summary>Whether a healthy device is wholly idle.</summary>
    public bool IsIdle(int device) => _deviceFree[device] == GpuRequest.MilliPerDevice && IsHealthy(device);

    /// <summary>Takes room (sign 1) or gives it back (sign -1).</summary>
    public void Occupy(PodShape shape, ImmutableArray<int> devices, int owner, int sign)
    {
        FreePods -= sign;
        Free = sign > 0 ? Free - shape.Requests : Free + shape.Requests;
        foreach (var scalar in shape.Scalars)
        {
            var index = IndexOfScalar(scalar.Name);
            if (index >= 0)
            {
                _scalarFree[index] -= sign * scalar.Amount;
            }
        }

        if (!shape.Gpu.IsAny)
        {
            return;
        }

        if (shape.Gpu.Kind == GpuRequestKind.Mig)
        {
            var mig = IndexOfMig(shape.Gpu.MigProfile!);
            if (mig >= 0)
            {
                _migFree[mig] -= sign * shape.Gpu.Count;
            }
        }
        else
        {
            foreach (var device in devices)
            {
                _deviceFree[device] -= sign * shape.Gpu.MilliEach;
                if (shape.Gpu.Kind == GpuRequestKind.Fraction)
                {
                    _deviceFractions[device] += sign;
                    _deviceOwner[device] = _deviceFractions[device] > 0 ? owner : NoOwner;
                }
            }
        }

        Recount();
    }

    /// <summary>Position of a MIG profile, or -1.</summary>
    public int IndexOfMig(string profile)
    {
        for (var mig = 0; mig < Node.MigCapacities.Length; mig++)
        {
            if (string.Equals(Node.MigCapacities[mig].Profile, profile, StringComparison.Ordinal))
            {
                return mig;
            }
        }

        return -1;
    }

    /// <summary>Position of an extended resource, or -1.</summary>
    public int IndexOfScalar(string name)
    {
        for (var scalar = 0; scalar < Node.Scalars.Length; scalar++)
        {
            if (string.Equals(Node.Scalars[scalar].Name, name, StringComparison.Ordinal))
            {
                return scalar;
            }
        }

        return -1;
    }

    private void Recount()
    {
        var idle = 0;
        var milli = 0L;
        for (var device = 0; device < _deviceFree.Length; device++)
        {
            if (IsHealthy(device) && _deviceFree[device] > 0)
            {
                milli += _deviceFree[device];
                idle += _deviceFree[device] == GpuRequest.MilliPerDevice ? 1 : 0;
            }
        }

        for (var mig = 0; mig < _migFree.Length; mig++)
        {
            milli += GpuRequest.TryMigMilliGpu(Node.MigCapacities[mig].Profile, out var each) ? (long)each * Math.Max(0, _migFree[mig]) : 0;
        }

        IdleDevices = idle;
        FreeMilliGpu = milli;
    }
}
