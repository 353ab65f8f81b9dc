namespace Scheduler.SimulatedCluster;

/// <summary>
/// Faults of GPUs and nodes that somebody has injected: the exporters and kubelets of the simulated cluster show them until they are
/// healed. Safe for concurrent use.
/// </summary>
public sealed class GpuFaults
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Node, int Device), DeviceFaults> _devices = [];
    private readonly HashSet<string> _silent = new(StringComparer.Ordinal);
    private readonly HashSet<string> _rejecting = new(StringComparer.Ordinal);

    /// <summary>A device reports an XID from now on, as its last one.</summary>
    public void Xid(string node, int device, int code) => Set(node, device, faults => faults with { Xid = code });

    /// <summary>A device has this temperature from now on, in °C.</summary>
    public void Hot(string node, int device, double celsius) => Set(node, device, faults => faults with { Celsius = celsius });

    /// <summary>Remapping a memory row of a device has failed.</summary>
    public void Remap(string node, int device) => Set(node, device, faults => faults with { HasFailedRemap = true });

    /// <summary>The exporter of a node answers no more.</summary>
    public void Silence(string node)
    {
        lock (_gate)
            _silent.Add(node);
    }

    /// <summary>The kubelet of a node turns away every pod that is bound to it, as one does whose device plugin is broken.</summary>
    public void Reject(string node)
    {
        lock (_gate)
            _rejecting.Add(node);
    }

    /// <summary>Ends all faults of a device; without one, all of the node and its devices. The last XID stays 0 then, as after a reset.</summary>
    public void Heal(string node, int? device)
    {
        lock (_gate)
        {
            if (device is { } index)
            {
                _devices.Remove((node, index));
                return;
            }

            _silent.Remove(node);
            _rejecting.Remove(node);
            foreach (var key in _devices.Keys.Where(key => key.Node == node).ToList())
                _devices.Remove(key);
        }
    }

    internal bool IsSilent(string node)
    {
        lock (_gate)
            return _silent.Contains(node);
    }

    internal bool IsRejecting(string node)
    {
        lock (_gate)
            return _rejecting.Contains(node);
    }

    internal DeviceFaults Of(string node, int device)
    {
        lock (_gate)
            return _devices.GetValueOrDefault((node, device), DeviceFaults.None);
    }

    private void Set(string node, int device, Func<DeviceFaults, DeviceFaults> change)
    {
        lock (_gate)
            _devices[(node, device)] = change(_devices.GetValueOrDefault((node, device), DeviceFaults.None));
    }
}

/// <summary>What is wrong with one device.</summary>
/// <param name="Xid">The last XID; 0 for none.</param>
/// <param name="Celsius">Its temperature; null for that of its load.</param>
/// <param name="HasFailedRemap">Whether a row could not be remapped.</param>
internal sealed record DeviceFaults(int Xid, double? Celsius, bool HasFailedRemap)
{
    public static readonly DeviceFaults None = new(0, null, false);
}
