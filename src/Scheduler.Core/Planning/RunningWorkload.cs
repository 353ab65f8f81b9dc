using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>A pod that holds room on a node.</summary>
internal sealed class Occupant
{
    public Occupant(RunningWorkload owner, Pod pod, NodeState node)
    {
        Owner = owner;
        Pod = pod;
        Node = node;
        DeviceOwner = Session.OwnerFor(owner.Tenant);
        HasKnownDevices = pod.Shape.Gpu.Kind is not (GpuRequestKind.Whole or GpuRequestKind.Fraction)
            || AreOn(node.Node, pod.Placement!.Devices);
        Devices = HasKnownDevices ? pod.Placement!.Devices : [];
        LeavesAt = pod.Notice?.Deadline ?? DateTimeOffset.MinValue;
    }

    /// <summary>A pod that was bound in this cycle.</summary>
    public Occupant(RunningWorkload owner, in Placement placement, StandingEntry? entry)
    {
        Owner = owner;
        Pod = placement.Pod;
        Node = placement.Node;
        DeviceOwner = Session.OwnerFor(owner.Tenant);
        HasKnownDevices = true;
        Devices = placement.Devices;
        Entry = entry;
    }

    /// <summary>Its workload.</summary>
    public RunningWorkload Owner { get; }

    /// <summary>The pod as in the snapshot.</summary>
    public Pod Pod { get; }

    /// <summary>Where it is.</summary>
    public NodeState Node { get; }

    /// <summary>What its fractions mark their devices with.</summary>
    public int DeviceOwner { get; }

    /// <summary>Whether the host knows its devices; the node guesses them otherwise.</summary>
    public bool HasKnownDevices { get; }

    /// <summary>Devices that it is counted on.</summary>
    public ImmutableArray<int> Devices { get; set; }

    /// <summary>Whether it gives its room back: it is leaving, has a notice that stands, or was chosen in this cycle.</summary>
    public bool IsGoing { get; set; }

    /// <summary>When it has left at the latest, if it is going; the beginning of time if that may be at any moment.</summary>
    public DateTimeOffset LeavesAt { get; set; }

    /// <summary>For whom it goes; null if it goes by itself.</summary>
    public WorkloadId? Beneficiary { get; set; }

    /// <summary>How it is counted in its tenant's guarantee: with the core, or on its own; null without tenant or GPUs.</summary>
    public StandingEntry? Entry { get; set; }

    /// <summary>How many units of a what-if it is gone with; 0 outside of one.</summary>
    public int Taken { get; set; }

    /// <summary>Order on a node: by workload, then by pod.</summary>
    public static int Compare(Occupant a, Occupant b)
    {
        var order = a.Owner.Workload.Id.CompareTo(b.Owner.Workload.Id);
        return order != 0 ? order : a.Pod.Id.CompareTo(b.Pod.Id);
    }

    /// <summary>When the last of those leaves who go for each workload.</summary>
    public static Dictionary<WorkloadId, DateTimeOffset> LastToLeave(IEnumerable<Occupant> occupants)
    {
        var last = new Dictionary<WorkloadId, DateTimeOffset>();
        foreach (var occupant in occupants)
        {
            if (occupant is { IsGoing: true, Beneficiary: { } beneficiary })
            {
                last[beneficiary] = last.TryGetValue(beneficiary, out var known) && known > occupant.LeavesAt ? known : occupant.LeavesAt;
            }
        }

        return last;
    }

    /// <summary>Whether devices are given, and all of them are on the node.</summary>
    public static bool AreOn(Node node, ImmutableArray<int> devices)
    {
        foreach (var device in devices)
        {
            if (device < 0 || device >= node.Devices.Length)
            {
                return false;
            }
        }

        return !devices.IsEmpty;
    }
}

/// <summary>A workload of which at least one pod holds room on a node that exists.</summary>
internal sealed class RunningWorkload
{
    private readonly List<Occupant> _pods = [];
    private readonly List<Occupant> _core = [];
    private readonly List<Occupant> _surplus = [];

    public RunningWorkload(Workload workload, TenantNode? tenant)
    {
        Workload = workload;
        Tenant = tenant;
        foreach (var pod in workload.Pods)
        {
            IsOnTheMove |= pod.State == PodState.Leaving || pod.Notice is not null;
            HasGpu |= pod.Placement is not null && pod.Shape.Gpu.IsAny;
        }
    }

    /// <summary>What this cycle has bound of a workload, as if it ran.</summary>
    public static RunningWorkload OfBound(Applicant applicant)
    {
        var running = new RunningWorkload(applicant.Workload, applicant.Tenant)
        {
            HasGpu = applicant.HasGpu,
            CoreEntry = applicant.CoreEntry,
        };
        foreach (var placement in applicant.Bound)
        {
            running.Add(new Occupant(running, placement, applicant.Entries.Count > 0 ? applicant.Entries[0] : null));
        }

        return running;
    }

    /// <summary>The workload as in the snapshot.</summary>
    public Workload Workload { get; }

    /// <summary>Its tenant, or null.</summary>
    public TenantNode? Tenant { get; }

    /// <summary>Whether any of its pods holds GPUs.</summary>
    public bool HasGpu { get; private init; }

    /// <summary>Whether one of its pods is leaving or was given notice.</summary>
    public bool IsOnTheMove { get; }

    /// <summary>Its pods, by id.</summary>
    public IReadOnlyList<Occupant> Pods => _pods;

    /// <summary>The minMember pods that keep it running; those that stay come first.</summary>
    public IReadOnlyList<Occupant> Core => _core;

    /// <summary>Pods beyond minMember: an elastic gang can lose them and go on.</summary>
    public IReadOnlyList<Occupant> Surplus => _surplus;

    /// <summary>How the core is counted; null for what is of no tenant, or without GPUs.</summary>
    public StandingEntry? CoreEntry { get; set; }

    /// <summary>Expected end; null if unknown. In the past if it runs longer than expected.</summary>
    public DateTimeOffset? ExpectedEnd =>
        Workload is { StartedAt: { } start, ExpectedDuration: { } duration } ? start + duration : null;

    internal void Add(Occupant occupant) => _pods.Add(occupant);

    /// <summary>Tells core and surplus apart.</summary>
    public void Split()
    {
        _core.Clear();
        _surplus.Clear();
        AddTo(isGoing: false);
        AddTo(isGoing: true);

        void AddTo(bool isGoing)
        {
            foreach (var occupant in _pods)
            {
                if (occupant.IsGoing == isGoing)
                {
                    (_core.Count < Workload.MinMember ? _core : _surplus).Add(occupant);
                }
            }
        }
    }
}
