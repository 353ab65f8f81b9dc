using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.TestKit.Clusters;

/// <summary>
/// A cluster on which plans take effect and time passes, without any Kubernetes: bound pods run, noticed pods leave at
/// their deadline and come back as waiting ones, ended workloads vanish.
/// </summary>
public sealed class LivingCluster(IEnumerable<Node> nodes, TenantTree tenants, IEnumerable<Workload> workloads)
{
    private readonly SortedDictionary<WorkloadId, Workload> _workloads = new(workloads.ToDictionary(workload => workload.Id));
    private readonly Dictionary<WorkloadId, int> _evictions = [];
    private readonly HashSet<string> _evictedLately = [];
    private readonly SortedSet<string> _evictedAgain = new(StringComparer.Ordinal);
    private CyclePlanner? _planner;
    private long _generation;

    public DateTimeOffset Now { get; private set; } = Make.Now;

    public ImmutableArray<Node> Nodes { get; set; } = [.. nodes];

    public TenantTree Tenants { get; set; } = tenants;

    public SchedulingPolicy Policy { get; set; } = SchedulingPolicy.Default;

    /// <summary>How many more pods of a disruption budget may be disrupted.</summary>
    public ImmutableSortedDictionary<string, int> Budgets { get; set; } = ImmutableSortedDictionary<string, int>.Empty;

    public IReadOnlyCollection<Workload> Workloads => _workloads.Values;

    /// <summary>
    /// Pods that were preempted, came back, and were preempted again while nothing new was learned. That an expected end has passed,
    /// or a minimum runtime, is something new: the planner counted on it.
    /// </summary>
    public IReadOnlySet<string> EvictedAgain => _evictedAgain;

    public ClusterSnapshot Snapshot()
    {
        var builder = new ClusterSnapshotBuilder { Now = Now, Generation = _generation }.Add(Nodes).Add(Workloads).With(Tenants);
        foreach (var (name, allowed) in Budgets)
        {
            builder.WithBudget(name, allowed);
        }

        return builder.Build();
    }

    public Workload this[string id] => _workloads[new WorkloadId(id)];

    public void Submit(Workload workload) => _workloads.Add(workload.Id, workload with { SubmittedAt = Now });

    public void End(WorkloadId workload) => _workloads.Remove(workload);

    /// <summary>Whoever runs and has reached its expected duration ends; says whether anybody did.</summary>
    public bool EndDue()
    {
        var due = Workloads.Where(workload => workload is { StartedAt: { } start, ExpectedDuration: { } duration } && start + duration <= Now)
            .Select(workload => workload.Id).ToArray();
        foreach (var workload in due)
        {
            End(workload);
        }

        return due.Length > 0;
    }

    /// <summary>Plans once, checks the plan, and lets it take effect.</summary>
    public Plan Cycle()
    {
        _generation++;
        var snapshot = Snapshot();
        _planner ??= new CyclePlanner(Policy);
        var plan = _planner.Compute(snapshot);
        var (lived, anew) = (PlanText.Write(plan), PlanText.Write(Planner.Compute(snapshot, Policy)));
        if (lived != anew)
        {
            throw new InvalidOperationException($"a planner that lived on plans otherwise than a new one:\n{lived}\ninstead of\n{anew}");
        }

        var violations = PlanValidator.Check(snapshot, Policy, plan);
        if (!violations.IsEmpty)
        {
            throw new InvalidOperationException($"{string.Join("; ", violations)}\nin the plan of {snapshot.Now:HH:mm:ss}:\n{PlanText.Write(plan)}");
        }

        var kept = plan.Decisions.OfType<Reserve>().Where(reserve => reserve.Kind == ReservationKind.Nomination).SelectMany(reserve => reserve.Pods).ToDictionary(pod => pod.Pod);
        foreach (var workload in Workloads.ToArray())
        {
            // Nominations are renewed by every plan.
            Change(workload.Id, pod => pod.State == PodState.Pending
                ? Nominate(pod, kept.TryGetValue(pod.Id, out var at) ? new PodPlacement(at.Node, at.Devices) : null)
                : pod);
        }

        foreach (var decision in plan.Decisions)
        {
            Apply(decision);
        }

        return plan;
    }

    /// <summary>Lets time pass: whoever is past the deadline is gone, and its pods wait again.</summary>
    public void Pass(TimeSpan time)
    {
        var before = Now;
        Now += time;
        if (Workloads.Any(workload => workload.StartedAt is { } start && (IsNew(start + workload.ExpectedDuration) || IsNew(start + workload.MinRuntime))))
        {
            _evictedLately.Clear();
        }

        foreach (var workload in Workloads.ToArray())
        {
            if (workload.Pods.Any(HasLeft))
            {
                _evictions[workload.Id] = _evictions.GetValueOrDefault(workload.Id) + 1;
                _evictedAgain.UnionWith(workload.Pods.Where(HasLeft).Select(NameOf).Where(name => !_evictedLately.Add(name)));

                Change(workload.Id, pod => HasLeft(pod)
                    ? new Pod { Id = new PodId($"{NameOf(pod)}#{_evictions[workload.Id]}"), Name = pod.Name, Shape = pod.Shape }
                    : pod);
                var after = _workloads[workload.Id];
                _workloads[workload.Id] = after with { StartedAt = after.CountPods(PodState.Placed) == 0 ? null : after.StartedAt };
            }
        }

        bool IsNew(DateTimeOffset? moment) => moment > before && moment <= Now;

        bool HasLeft(Pod pod) => pod.State == PodState.Leaving || pod.Notice is { } notice && notice.Deadline <= Now;
    }

    private static string NameOf(Pod pod) => pod.Id.Value.Split('#')[0];

    private static Pod Nominate(Pod pod, PodPlacement? nomination) =>
        pod.Nomination is null && nomination is null ? pod : pod with { Nomination = nomination };

    private void Apply(Decision decision)
    {
        switch (decision)
        {
            case Bind bind:
                var bindings = bind.Pods.ToDictionary(pod => pod.Pod);
                Change(bind.Workload, pod => bindings.TryGetValue(pod.Id, out var at)
                    ? pod with { State = PodState.Placed, Placement = new PodPlacement(at.Node, at.Devices), Nomination = null }
                    : pod);
                _workloads[bind.Workload] = _workloads[bind.Workload] with { StartedAt = _workloads[bind.Workload].StartedAt ?? Now };
                break;
            case Evict evict:
                Change(evict.Workload, pod => evict.Pods.Contains(pod.Id)
                    ? pod with { Notice = new PreemptionNotice(evict.Beneficiary, evict.Deadline) }
                    : pod);
                break;
            case Withdraw withdraw:
                Change(withdraw.Workload, pod => withdraw.Pods.Contains(pod.Id) ? pod with { Notice = null } : pod);
                break;
        }
    }

    private void Change(WorkloadId id, Func<Pod, Pod> change)
    {
        // What does not change keeps its object, as in a host.
        var workload = _workloads[id];
        ImmutableArray<Pod> pods = [.. workload.Pods.Select(change).OrderBy(pod => pod.Id)];
        if (pods.Length != workload.Pods.Length || pods.Zip(workload.Pods).Any(pair => !ReferenceEquals(pair.First, pair.Second)))
        {
            _workloads[id] = workload with { Pods = pods };
        }
    }
}
