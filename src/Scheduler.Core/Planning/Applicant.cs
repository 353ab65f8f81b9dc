using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// A pending workload during a cycle: what of it must be placed for it to run (its core), what may follow (its surplus),
/// and what the cycle has done about it so far.
/// </summary>
internal sealed class Applicant
{
    private readonly List<Pod> _pending;

    public Applicant(Workload workload, TenantNode tenant, RunningWorkload? running)
    {
        Workload = workload;
        Tenant = tenant;
        Running = running;
        _pending = [.. workload.Pods.Where(pod => pod.State == PodState.Pending)];
        _pending.Sort(BigFirst);
        Missing = Math.Max(0, workload.MinMember - workload.CountPods(PodState.Placed));
        HasGpu = workload.Pods.Any(pod => pod.Shape.Gpu.IsAny);
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
    public IReadOnlyList<Pod> Pending => _pending;

    /// <summary>Whether any of its pods asks for GPUs.</summary>
    public bool HasGpu { get; }

    /// <summary>What cannot be taken back must not be lent: only preemptible work, and work without GPUs, may burst.</summary>
    public bool MayBurst => Workload.IsPreemptible || !HasGpu;

    /// <summary>Pods that were bound in this cycle.</summary>
    public List<PodBinding> Bound { get; } = [];

    /// <summary>Standing with which its core was, or its first surplus pod is, admitted in this cycle.</summary>
    public Standing Standing { get; private set; }

    /// <summary>Room kept for it while victims leave; empty if none is.</summary>
    public IReadOnlyList<PodBinding> Kept { get; private set; } = [];

    /// <summary>How that room is counted; null without GPUs.</summary>
    public StandingBook.Entry? KeptEntry { get; private set; }

    /// <summary>Position among the workloads bound in this cycle.</summary>
    public int BoundOrder { get; private set; }

    /// <summary>Whether nothing more can be done about it in this cycle.</summary>
    public bool IsSettled => _pending.Count == 0 || Kept.Count > 0;

    /// <summary>Notes pods that were bound.</summary>
    public void Bind(IReadOnlyList<PodBinding> pods, Standing standing, int order)
    {
        BoundOrder = Bound.Count == 0 ? order : BoundOrder;
        Standing = Bound.Count == 0 ? standing : Standing;
        Bound.AddRange(pods);
        Missing = Math.Max(0, Missing - pods.Count);
        var bound = pods.Select(pod => pod.Pod).ToHashSet();
        _pending.RemoveAll(pod => bound.Contains(pod.Id));
    }

    /// <summary>Notes the room that is kept for its core.</summary>
    public void Keep(IReadOnlyList<PodBinding> pods, StandingBook.Entry? entry)
    {
        Kept = pods;
        KeptEntry = entry;
    }

    private static int BigFirst(Pod a, Pod b)
    {
        var order = b.Shape.Gpu.MilliGpu.CompareTo(a.Shape.Gpu.MilliGpu);
        order = order != 0 ? order : b.Shape.Requests.MilliCpu.CompareTo(a.Shape.Requests.MilliCpu);
        return order != 0 ? order : a.Id.CompareTo(b.Id);
    }
}
