using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Validation;

/// <summary>
/// What is left on a node, by plain subtraction. The validator's own count: it shares nothing with the planner's, so that
/// the two can be held against each other.
/// </summary>
internal sealed class NodeTally
{
    /// <summary>Nobody's fraction is on the device.</summary>
    public const int NoOwner = -1;

    /// <summary>Fractions of tenants that share are on it.</summary>
    public const int SharedOwner = -2;

    /// <summary>Fractions of nobody we know, or of several: nobody may join.</summary>
    private const int ClosedOwner = -3;

    private readonly int[] _deviceFree;
    private readonly int[] _deviceOwner;
    private readonly int[] _deviceFractions;
    private readonly int[] _migFree;
    private readonly long[] _scalarFree;
    private long _unknownMilliGpu;

    public NodeTally(Node node)
    {
        Node = node;
        Free = node.Allocatable - node.UsedByOthers;
        FreePods = node.MaxPods - node.PodsOfOthers;
        _deviceFree = new int[node.Devices.Length];
        _deviceOwner = new int[node.Devices.Length];
        _deviceFractions = new int[node.Devices.Length];
        Array.Fill(_deviceFree, GpuRequest.MilliPerDevice);
        Array.Fill(_deviceOwner, NoOwner);
        _migFree = node.MigCapacities.IsEmpty ? [] : new int[node.MigCapacities.Length];
        for (var index = 0; index < _migFree.Length; index++)
        {
            _migFree[index] = node.MigCapacities[index].Count;
        }

        _scalarFree = node.Scalars.IsEmpty ? [] : new long[node.Scalars.Length];
        for (var index = 0; index < _scalarFree.Length; index++)
        {
            _scalarFree[index] = node.Scalars[index].Amount;
        }

        foreach (var (name, amount) in node.ScalarsUsedByOthers)
        {
            AddScalar(name, -amount);
        }
    }

    private NodeTally(NodeTally other)
    {
        Node = other.Node;
        Free = other.Free;
        FreePods = other.FreePods;
        _deviceFree = (int[])other._deviceFree.Clone();
        _deviceOwner = (int[])other._deviceOwner.Clone();
        _deviceFractions = (int[])other._deviceFractions.Clone();
        _migFree = (int[])other._migFree.Clone();
        _scalarFree = (long[])other._scalarFree.Clone();
        _unknownMilliGpu = other._unknownMilliGpu;
    }

    public Node Node { get; }

    /// <summary>CPU, memory and storage left; negative where there is too much on it.</summary>
    public ResourceVector Free { get; private set; }

    /// <summary>Pod slots left.</summary>
    public int FreePods { get; private set; }

    /// <summary>Whether the devices of everything on it are known: else nothing certain can be said about its room.</summary>
    public bool IsCertain => _unknownMilliGpu == 0;

    /// <summary>Milli-GPU left on a device.</summary>
    public int DeviceFree(int device) => _deviceFree[device];

    /// <summary>Milli-GPU used on all devices, those of pods with unknown devices included.</summary>
    public long UsedOnDevices
    {
        get
        {
            var used = _unknownMilliGpu;
            foreach (var free in _deviceFree)
            {
                used += GpuRequest.MilliPerDevice - free;
            }

            return used;
        }
    }

    /// <summary>Whether anything is left on a device or of a MIG profile.</summary>
    public bool HasFreeGpu
    {
        get
        {
            foreach (var free in _deviceFree)
            {
                if (free > 0)
                {
                    return true;
                }
            }

            foreach (var free in _migFree)
            {
                if (free > 0)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Milli-GPU that new work may use.</summary>
    public long FreeMilliGpu
    {
        get
        {
            if (!Node.IsSchedulable)
            {
                return 0;
            }

            var milli = 0L;
            for (var device = 0; device < _deviceFree.Length; device++)
            {
                milli += IsHealthy(device) ? Math.Max(0, _deviceFree[device]) : 0;
            }

            for (var mig = 0; mig < _migFree.Length; mig++)
            {
                milli += GpuRequest.TryMigMilliGpu(Node.MigCapacities[mig].Profile, out var each) ? (long)each * Math.Max(0, _migFree[mig]) : 0;
            }

            return milli;
        }
    }

    public NodeTally Clone() => new(this);

    /// <summary>What is left in both of two views: a pod that fits here fits each of them.</summary>
    public static NodeTally Intersect(NodeTally a, NodeTally b)
    {
        var both = new NodeTally(a)
        {
            Free = new ResourceVector(
                Math.Min(a.Free.MilliCpu, b.Free.MilliCpu),
                Math.Min(a.Free.MemoryBytes, b.Free.MemoryBytes),
                Math.Min(a.Free.EphemeralStorageBytes, b.Free.EphemeralStorageBytes)),
            FreePods = Math.Min(a.FreePods, b.FreePods),
            _unknownMilliGpu = Math.Max(a._unknownMilliGpu, b._unknownMilliGpu),
        };
        for (var device = 0; device < both._deviceFree.Length; device++)
        {
            var (ownerA, ownerB) = (a._deviceOwner[device], b._deviceOwner[device]);
            both._deviceFree[device] = Math.Min(a._deviceFree[device], b._deviceFree[device]);
            both._deviceOwner[device] = ownerA == NoOwner ? ownerB : ownerB == NoOwner || ownerA == ownerB ? ownerA : ClosedOwner;
        }

        for (var mig = 0; mig < both._migFree.Length; mig++)
        {
            both._migFree[mig] = Math.Min(a._migFree[mig], b._migFree[mig]);
        }

        for (var scalar = 0; scalar < both._scalarFree.Length; scalar++)
        {
            both._scalarFree[scalar] = Math.Min(a._scalarFree[scalar], b._scalarFree[scalar]);
        }

        return both;
    }

    /// <summary>Takes what a pod needs.</summary>
    public void Take(PodShape shape, ImmutableArray<int> devices, int owner) => Change(shape, devices, owner, sign: 1);

    /// <summary>Gives back what <see cref="Take"/> took.</summary>
    public void Give(PodShape shape, ImmutableArray<int> devices, int owner) => Change(shape, devices, owner, sign: -1);

    /// <summary>How many pods of a shape fit at once, whatever the node's labels and taints.</summary>
    public int CountRoom(PodShape shape, int owner)
    {
        if (FreePods <= 0 || !IsCertain || !Node.IsSchedulable)
        {
            return 0;
        }

        var count = Math.Min(FreePods, CountGpuRoom(shape.Gpu, owner));
        if (count == 0)
        {
            return 0;
        }

        count = Limit(count, Free.MilliCpu, shape.Requests.MilliCpu);
        count = Limit(count, Free.MemoryBytes, shape.Requests.MemoryBytes);
        count = Limit(count, Free.EphemeralStorageBytes, shape.Requests.EphemeralStorageBytes);
        foreach (var (name, amount) in shape.Scalars)
        {
            count = Limit(count, ScalarFree(name), amount);
        }

        return count;
    }

    /// <summary>Amount of an extended resource that is left.</summary>
    public long ScalarFree(string name) => IndexOfScalar(name) is >= 0 and var index ? _scalarFree[index] : 0;

    /// <summary>MIG instances that are left.</summary>
    public int MigFree(string profile) => IndexOfMig(profile) is >= 0 and var index ? _migFree[index] : 0;

    public bool IsHealthy(int device) => Node.Devices[device].Health == DeviceHealth.Healthy;

    private static int Limit(int count, long free, long each) => each <= 0 ? count : (int)Math.Min(count, Math.Max(0, free / each));

    private int CountGpuRoom(GpuRequest gpu, int owner)
    {
        switch (gpu.Kind)
        {
            case GpuRequestKind.Whole:
                var idle = 0;
                for (var device = 0; device < _deviceFree.Length; device++)
                {
                    idle += _deviceFree[device] == GpuRequest.MilliPerDevice && IsHealthy(device) ? 1 : 0;
                }

                return idle / gpu.Count;
            case GpuRequestKind.Fraction:
                var count = 0;
                for (var device = 0; device < _deviceFree.Length; device++)
                {
                    if (_deviceFree[device] >= gpu.MilliEach && (_deviceOwner[device] == NoOwner || _deviceOwner[device] == owner) && IsHealthy(device))
                    {
                        count += _deviceFree[device] / gpu.MilliEach;
                    }
                }

                return count;
            case GpuRequestKind.Mig:
                return Math.Max(0, MigFree(gpu.MigProfile!) / gpu.Count);
            default:
                return int.MaxValue;
        }
    }

    private void Change(PodShape shape, ImmutableArray<int> devices, int owner, int sign)
    {
        FreePods -= sign;
        Free = sign > 0 ? Free - shape.Requests : Free + shape.Requests;
        foreach (var (name, amount) in shape.Scalars)
        {
            AddScalar(name, -sign * amount);
        }

        var gpu = shape.Gpu;
        if (gpu.Kind == GpuRequestKind.Mig)
        {
            if (IndexOfMig(gpu.MigProfile!) is >= 0 and var mig)
            {
                _migFree[mig] -= sign * gpu.Count;
            }
        }
        else if (gpu.IsAny)
        {
            ChangeDevices(gpu, devices, owner, sign);
        }
    }

    private void ChangeDevices(GpuRequest gpu, ImmutableArray<int> devices, int owner, int sign)
    {
        var known = 0;
        foreach (var device in devices)
        {
            if (device < 0 || device >= _deviceFree.Length)
            {
                continue;
            }

            known++;
            _deviceFree[device] -= sign * gpu.MilliEach;
            if (gpu.Kind == GpuRequestKind.Fraction)
            {
                var mark = owner == NoOwner ? ClosedOwner : owner;
                _deviceFractions[device] += sign;
                _deviceOwner[device] = _deviceFractions[device] == 0 ? NoOwner
                    : sign < 0 ? _deviceOwner[device]
                    : _deviceFractions[device] == 1 || _deviceOwner[device] == mark ? mark
                    : ClosedOwner;
            }
        }

        _unknownMilliGpu += known == gpu.Count ? 0 : sign * (gpu.Count - known) * gpu.MilliEach;
    }

    private void AddScalar(string name, long amount)
    {
        if (IndexOfScalar(name) is >= 0 and var index)
        {
            _scalarFree[index] += amount;
        }
    }

    private int IndexOfScalar(string name)
    {
        for (var index = 0; index < _scalarFree.Length; index++)
        {
            if (string.Equals(Node.Scalars[index].Name, name, StringComparison.Ordinal))
            {
                return index;
            }
        }

        return -1;
    }

    private int IndexOfMig(string profile)
    {
        for (var index = 0; index < _migFree.Length; index++)
        {
            if (string.Equals(Node.MigCapacities[index].Profile, profile, StringComparison.Ordinal))
            {
                return index;
            }
        }

        return -1;
    }
}
