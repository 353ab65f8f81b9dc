using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>A waiting pod, and what it asks of a node.</summary>
internal readonly record struct WaitingPod(Pod Pod, RequestClass Kind);

/// <summary>
/// A pending workload during a cycle: what of it must be placed for it to run (its core), what may follow (its surplus),
/// and what the cycle has done about it so far. Lives on from cycle to cycle while the workload does not change.
/// </summary>
internal sealed class Applicant
{
    private readonly WaitingPod[] _all;
    private readonly List<WaitingPod> _pending;
    private readonly List<Placement> _bound = [];
    private readonly List<StandingEntry> _entries = [];
    private readonly int _missing;

    public Applicant(Session session, Workload workload, TenantNode tenant, RunningWorkload? running)
    {
        Workload = workload;
        Tenant = tenant;
        Running = running;
        _all = [.. workload.Pods.Where(pod => pod.State == PodState.Pending)
            .Select(pod => new WaitingPod(pod, session.Candidates.ClassOf(pod, workload.Namespace, tenant)))];
        if (_all.Length > 1)
        {
            Array.Sort(_all, BigFirst);
        }

        foreach (var pod in _all)
        {
            pod.Kind.Users++;
            HasGpu |= pod.Pod.Shape.Gpu.IsAny;
            DemandMilliGpu += pod.Pod.Shape.Gpu.MilliGpu;
            HasNomination |= pod.Pod.Nomination is not null;
        }

        HasGpu |= running is { HasGpu: true };
        _missing = Math.Max(0, workload.MinMember - workload.CountPods(PodState.Placed));
        IsUniform = Array.TrueForAll(_all, pod => pod.Kind == _all[0].Kind);
        _pending = [.. _all];
        Missing = _missing;
    }

    /// <summary>The workload.</summary>
    public Workload Workload { get; }

    /// <summary>Its tenant.</summary>
    public TenantNode Tenant { get; }

    /// <summary>What of it runs already, or null.</summary>
    public RunningWorkload? Running { get; }

    /// <summary>Pods that must be placed together for it to run; 0 once its core runs.</summary>
    public int Missing { get; private set; }

    /// <summary>Waiting pods, the biggest first: they have the fewest places to go.</summary>
    public IReadOnlyList<WaitingPod> Pending => _pending;

    /// <summary>Whether all waiting pods ask for the same.</summary>
    public bool IsUniform { get; }

    /// <summary>Whether any of its pods asks for GPUs.</summary>
    public bool HasGpu { get; }

    /// <summary>Whether room was kept for one of its pods in an earlier cycle.</summary>
    public bool HasNomination { get; }

    /// <summary>What all waiting pods ask for at the start of the cycle.</summary>
    public long DemandMilliGpu { get; }

    /// <summary>What the pods that are missing of the core ask for, the biggest that wait.</summary>
    public long CoreMilliGpu
    {
        get
        {
            var milliGpu = 0L;
            for (var pod = 0; pod < Missing; pod++)
            {
                milliGpu += _pending[pod].Pod.Shape.Gpu.MilliGpu;
            }

            return milliGpu;
        }
    }

    /// <summary>What cannot be taken back must not be lent: only preemptible work, and work without GPUs, may burst.</summary>
    public bool MayBurst => Workload.IsPreemptible || !HasGpu;

    /// <summary>Pods that were bound in this cycle.</summary>
    public IReadOnlyList<Placement> Bound => _bound;

    /// <summary>Standing with which its core was, or its first surplus pod is, admitted in this cycle.</summary>
    public Standing Standing { get; private set; }

    /// <summary>How what was bound or is kept in this cycle is counted, the core first; empty if nothing is, or without GPUs.</summary>
    public IReadOnlyList<StandingEntry> Entries => _entries;

    /// <summary>How the core is counted, whether it runs already or not; null if there is none, or without GPUs.</summary>
    public StandingEntry? CoreEntry => Running?.CoreEntry ?? (_entries.Count > 0 ? _entries[0] : null);

    /// <summary>Room kept for it while victims leave; empty if none is.</summary>
    public IReadOnlyList<Placement> Kept { get; private set; } = [];

    /// <summary>The reservation that it got in this cycle, or null.</summary>
    public PlannedReservation? Reservation { get; set; }

    /// <summary>Whether an opening was looked for in this cycle already.</summary>
    public bool SoughtReservation { get; set; }

    /// <summary>Victims that were chosen for it; null if none were.</summary>
    public VictimExplanation? Victims { get; set; }

    /// <summary>Position among the workloads bound in this cycle.</summary>
    public int BoundOrder { get; private set; }

    /// <summary>Whether the cycle did anything about it that the next one must forget.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Whether it was bound in this cycle and had to make way; it has to only once.</summary>
    public bool WasDisplaced { get; set; }

    /// <summary>Whether nothing more can be done about it in this cycle.</summary>
    public bool IsSettled => _pending.Count == 0 || Kept.Count > 0;

    /// <summary>Whether what is placed of it joins a core that is on burst, and so is on burst itself.</summary>
    public bool JoinsBurst => CoreEntry is { IsGuaranteed: false };

    /// <summary>Expected end if it starts at a time; null if that is unknown.</summary>
    public DateTimeOffset? EndsAt(DateTimeOffset start) => Workload.ExpectedDuration is { } duration ? start + duration : null;

    /// <summary>Notes pods that were bound.</summary>
    public void Bind(Placement[] pods, Standing standing, int order)
    {
        BoundOrder = _bound.Count == 0 ? order : BoundOrder;
        Standing = _bound.Count == 0 ? standing : Standing;
        _bound.AddRange(pods);
        Missing = Math.Max(0, Missing - pods.Length);
        if (pods.Length == _pending.Count)
        {
            _pending.Clear();
            return;
        }

        _pending.RemoveAll(pod => Array.Exists(pods, bound => ReferenceEquals(bound.Pod, pod.Pod)));
    }

    /// <summary>Notes the room that is kept for its core.</summary>
    public void Keep(Placement[] pods) => Kept = pods;

    /// <summary>Notes how a part of it is counted.</summary>
    public void Note(StandingEntry entry) => _entries.Add(entry);

    /// <summary>Forgets what was bound of it in this cycle.</summary>
    public void Unbind()
    {
        _pending.Clear();
        _pending.AddRange(_all);
        _bound.Clear();
        _entries.Clear();
        Missing = _missing;
    }

    /// <summary>Forgets what the last cycle did.</summary>
    public void Reset()
    {
        IsTouched = false;
        WasDisplaced = false;
        SoughtReservation = false;
        Unbind();
        Kept = [];
        Reservation = null;
        Victims = null;
    }

    /// <summary>Lets go of what it shares with others; it waits no more.</summary>
    public void Release()
    {
        foreach (var pod in _all)
        {
            pod.Kind.Users--;
        }
    }

    private static int BigFirst(WaitingPod a, WaitingPod b)
    {
        var order = b.Pod.Shape.Gpu.MilliGpu.CompareTo(a.Pod.Shape.Gpu.MilliGpu);
        order = order != 0 ? order : b.Pod.Shape.Requests.MilliCpu.CompareTo(a.Pod.Shape.Requests.MilliCpu);
        order = order != 0 ? order : ReferenceEquals(a.Pod.Shape, b.Pod.Shape) ? 0 : string.CompareOrdinal(a.Pod.Shape.Key, b.Pod.Shape.Key);
        return order != 0 ? order : a.Pod.Id.CompareTo(b.Pod.Id);
    }
}
