using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// What is free on one node during a cycle. Changed by <see cref="Session"/> only, which records every change so that a
/// <see cref="Statement"/> can undo it.
/// </summary>
internal sealed class NodeState
{
    /// <summary>Value of <see cref="DeviceOwner"/> for a device without fractions on it.</summary>
    public const int NoOwner = -1;

    /// <summary>Value of <see cref="DeviceOwner"/> for a device whose fractions belong to tenants that share.</summary>
    public const int SharedOwner = -2;

    public NodeState(Node node, int index, int flavor)
    {
        Node = node;
        Index = index;
        Flavor = flavor;
        Free = node.Allocatable - node.UsedByOthers;
        FreePods = node.MaxPods - node.PodsOfOthers;
        DeviceFreeMilli = new int[node.Devices.Length];
        DeviceOwner = new int[node.Devices.Length];
        MigFree = new int[node.MigCapacities.Length];
        ScalarFree = new long[node.Scalars.Length];
        for (var device = 0; device < DeviceFreeMilli.Length; device++)
        {
            DeviceFreeMilli[device] = GpuRequest.MilliPerDevice;
            DeviceOwner[device] = NoOwner;
        }

        for (var mig = 0; mig < MigFree.Length; mig++)
        {
            MigFree[mig] = node.MigCapacities[mig].Count;
        }

        for (var scalar = 0; scalar < ScalarFree.Length; scalar++)
        {
            ScalarFree[scalar] = node.Scalars[scalar].Amount;
        }

        foreach (var used in node.ScalarsUsedByOthers)
        {
            var scalar = IndexOfScalar(used.Name);
            if (scalar >= 0)
            {
                ScalarFree[scalar] -= used.Amount;
            }
        }
    }

    /// <summary>The node as in the snapshot.</summary>
    public Node Node { get; }

    /// <summary>Position in the snapshot's nodes; the order of names.</summary>
    public int Index { get; }

    /// <summary>Index of the flavor in the session's list, or -1 for a node without GPUs.</summary>
    public int Flavor { get; }

    /// <summary>CPU, memory and storage left; negative where others over-committed the node.</summary>
    public ResourceVector Free { get; set; }

    /// <summary>Pod slots left.</summary>
    public int FreePods { get; set; }

    /// <summary>Milli-GPU left on each device, whatever its health.</summary>
    public int[] DeviceFreeMilli { get; }

    /// <summary>Whose fractions are on a device: a tenant's index, <see cref="SharedOwner"/> or <see cref="NoOwner"/>.</summary>
    public int[] DeviceOwner { get; }

    /// <summary>MIG instances left, in the order of the node's capacities.</summary>
    public int[] MigFree { get; }

    /// <summary>Extended resources left, in the order of the node's.</summary>
    public long[] ScalarFree { get; }

    /// <summary>Whether a device may get work.</summary>
    public bool IsHealthy(int device) => Node.Devices[device].Health == DeviceHealth.Healthy;

    /// <summary>Whether a healthy device is wholly idle.</summary>
    public bool IsIdle(int device) => DeviceFreeMilli[device] == GpuRequest.MilliPerDevice && IsHealthy(device);

    /// <summary>Healthy devices that are wholly idle.</summary>
    public int CountIdleDevices()
    {
        var idle = 0;
        for (var device = 0; device < DeviceFreeMilli.Length; device++)
        {
            idle += IsIdle(device) ? 1 : 0;
        }

        return idle;
    }

    /// <summary>Milli-GPU left on healthy devices and MIG instances.</summary>
    public long FreeMilliGpu()
    {
        var milli = 0L;
        for (var device = 0; device < DeviceFreeMilli.Length; device++)
        {
            milli += IsHealthy(device) ? Math.Max(0, DeviceFreeMilli[device]) : 0;
        }

        for (var mig = 0; mig < MigFree.Length; mig++)
        {
            milli += GpuRequest.TryMigMilliGpu(Node.MigCapacities[mig].Profile, out var each) ? (long)each * Math.Max(0, MigFree[mig]) : 0;
        }

        return milli;
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
}
