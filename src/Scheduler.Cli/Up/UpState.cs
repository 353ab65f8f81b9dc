using System.Collections.Immutable;
using Scheduler.Cli.Rendering;
using Scheduler.Cli.Views;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Loop;

namespace Scheduler.Cli.Up;

/// <summary>
/// What is known while <c>weir up</c> runs: the pods as the API server shows them and the scheduler's last cycle. Makes the
/// models of view and summary from them. Safe for concurrent use.
/// </summary>
internal sealed class UpState(UpInputs inputs, TenantTree tree, PodBook book, Narrator narrator, Func<TimeSpan> elapsed)
{
    private PublishedCycle? _cycle;
    private long _lostMilliGpuSeconds;

    /// <summary>The scheduler's last cycle; null before the first.</summary>
    public PublishedCycle? Cycle => Volatile.Read(ref _cycle);

    /// <summary>Work that preemptions threw away, as the planner estimates it, the time to start again included.</summary>
    private decimal LostGpuHours => Math.Round(Interlocked.Read(ref _lostMilliGpuSeconds) / 3_600_000m, 4);

    /// <summary>Takes the next cycle. Each must be given, or what it threw away is not counted.</summary>
    public void Tell(PublishedCycle cycle)
    {
        Volatile.Write(ref _cycle, cycle);
        if (cycle.IsApplied)
        {
            Interlocked.Add(ref _lostMilliGpuSeconds, cycle.Plan.Decisions.OfType<Evict>().Where(evict => !cycle.Refused.Contains(evict)).Sum(evict => evict.LostMilliGpuSeconds));
        }
    }

    public DashboardModel Dashboard(string kubectl, string ending, DateTimeOffset now)
    {
        var cycle = Cycle;
        var counts = book.Counts;
        return new DashboardModel
        {
            Kubectl = kubectl,
            Story = inputs.Story,
            Ending = ending,
            Elapsed = elapsed(),
            Now = now,
            CapacityMilli = inputs.Nodes.MilliGpu,
            UsedMilli = book.Audit.UsedMilliGpu,
            Nodes = cycle?.Snapshot.Nodes.Length ?? inputs.Nodes.Nodes.Length,
            Running = counts.Running,
            Finished = counts.Succeeded + counts.Failed,
            Evicted = counts.Evicted,
            LostGpuHours = LostGpuHours,
            Tenants = Tenants(cycle),
            Queue = Queue(cycle),
            Events = narrator.Recent,
        };
    }

    /// <summary>Whether each pod that exists has been placed, or waits with a reason after a cycle that changed nothing.</summary>
    public bool IsSettled(Submitter submitter)
    {
        var counts = book.Counts;
        if (!submitter.IsDone || counts.Seen < submitter.ExpectedPods)
        {
            return false;
        }

        if (counts.Pending == 0)
        {
            return true;
        }

        if (Cycle is not { } cycle || cycle.Plan.Decisions.Any(decision => decision is Bind or Evict or Withdraw or Reserve { Kind: ReservationKind.Nomination }))
        {
            return false;
        }

        // The cycle must have seen exactly the pods that wait now; then each of them has its reason in it.
        var waiting = cycle.Snapshot.Workloads
            .SelectMany(workload => workload.Pods)
            .Where(pod => pod.State == PodState.Pending)
            .Select(pod => pod.Id.Value)
            .ToHashSet(StringComparer.Ordinal);
        return waiting.Count + cycle.Unqueued.Length == counts.Pending && waiting.IsSubsetOf(book.PendingUids());
    }

    public UpSummary Summary(Submitter submitter)
    {
        var cycle = Cycle;
        var counts = book.Counts;
        var audit = book.Audit;
        var pendingOf = book.PendingByNamespace();
        var unqueued = cycle?.Unqueued ?? [];
        return new UpSummary
        {
            Pods = counts.Seen,
            Bound = counts.Bound,
            Running = counts.Running,
            Pending = counts.Pending,
            Succeeded = counts.Succeeded,
            Failed = counts.Failed,
            Evicted = counts.Evicted,
            LostGpuHours = LostGpuHours,
            Refused = submitter.Refusals.Count + unqueued.Length,
            OvercommittedDevices = audit.Devices,
            OvercommittedNodes = audit.Nodes,
            Seconds = Math.Round(elapsed().TotalSeconds, 3),
            ArrivalSeconds = Math.Round(inputs.Schedule.Length.TotalSeconds, 3),
            Gpus = inputs.Nodes.MilliGpu / 1000m,
            Used = audit.UsedMilliGpu / 1000m,
            Settled = IsSettled(submitter),
            Tenants = [.. Tenants(cycle).Select(tenant => Summarize(tenant, pendingOf))],
            WaitReasons = (cycle?.Queue ?? [])
                .CountBy(entry => entry.Reason.ToString())
                .Concat(unqueued.CountBy(pod => pod.Reason))
                .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                .ToDictionary(),
        };
    }

    private TenantSummary Summarize(TenantView tenant, IReadOnlyDictionary<string, int> pendingOf) => new()
    {
        Name = tenant.Name,
        Parent = tenant.Parent,
        Depth = tenant.Depth,
        Guaranteed = tenant.GuaranteedMilli / 1000m,
        Limit = tenant.LimitMilli / 1000m,
        Used = tenant.UsedMilli / 1000m,
        UsedGuaranteed = tenant.UsedGuaranteedMilli / 1000m,
        UsedBurst = tenant.UsedBurstMilli / 1000m,
        Pending = tree.TryGet(new TenantId(tenant.Name), out var node) ? Below(node).Sum(name => pendingOf.GetValueOrDefault(name)) : 0,
        PendingWorkloads = tenant.PendingWorkloads,
    };

    /// <summary>The namespaces of a tenant and of all below it.</summary>
    private static IEnumerable<string> Below(TenantNode node) => node.Tenant.Namespaces.Concat(node.Children.SelectMany(Below));

    private ImmutableArray<TenantView> Tenants(PublishedCycle? cycle) => cycle is null
        ? TenantView.Of(tree, [])
        : TenantView.Of(cycle.Snapshot.Tenants, cycle.Plan.Accounts);

    private static ImmutableArray<QueueView> Queue(PublishedCycle? cycle) => cycle is null
        ? []
        :
        [
            .. cycle.Queue.Select(entry => new QueueView(
                entry.Workload.Tenant?.Value ?? "",
                $"{entry.Workload.Namespace}/{entry.Workload.Name}",
                entry.Place.InTenant,
                entry.Place.Overall,
                entry.Workload.Pods.Sum(pod => pod.Shape.Gpu.MilliGpu),
                entry.Workload.Pods.Length,
                entry.Workload.SubmittedAt,
                entry.Reason.ToString(),
                entry.Message)),
            .. cycle.Unqueued.Select(pod => new QueueView("", $"{pod.Namespace}/{pod.Name}", 0, 0, 0, 1, null, pod.Reason, pod.Message)),
        ];
}
