using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Web;

/// <summary>Which part of the queue is asked for.</summary>
/// <param name="Tenant">Of this tenant only; empty for all.</param>
/// <param name="Search">Whose name or namespace contains this; empty for all.</param>
/// <param name="Count">At most so many, 1 to <see cref="MaxCount"/>.</param>
internal sealed record QueueFilter(string Tenant, string Search, int Count)
{
    /// <summary>The most that one answer has.</summary>
    public const int MaxCount = 1000;

    /// <summary>The first hundred of all.</summary>
    public static readonly QueueFilter Default = new("", "", 100);

    /// <summary>Whether an entry is asked for.</summary>
    public bool Matches(QueueEntry entry) =>
        (Tenant.Length == 0 || entry.Workload.Tenant?.Value == Tenant)
        && (Search.Length == 0 || entry.Workload.Id.Value.Contains(Search, StringComparison.OrdinalIgnoreCase));
}

/// <summary>From a published cycle to what the page shows. Pure.</summary>
internal static class PageStateBuilder
{
    private const int MaxUnqueued = 100;

    public static PageState Build(PublishedCycle cycle, ImmutableArray<RecentDecision> recent, QueueFilter filter)
    {
        var tree = cycle.Snapshot.Tenants;
        var (nodes, capacity) = Nodes(cycle);
        var matching = cycle.Queue.Where(filter.Matches).ToList();
        return new PageState(
            cycle.Number, cycle.Snapshot.Now, cycle.Leader, cycle.IsApplied, cycle.Duration.TotalMilliseconds, capacity,
            [.. tree.Nodes.Select(node => Tenant(node, cycle.Plan.Accounts[node.Index]))],
            new PageQueue(cycle.Queue.Length, matching.Count, [.. matching.Take(filter.Count).Select(Entry)]),
            [.. cycle.Unqueued.Take(MaxUnqueued).Select(pod => new PageUnqueued(pod.Namespace, pod.Name, pod.Reason, pod.Message))],
            cycle.Unqueued.Length,
            nodes,
            [.. recent.Select(Decision)]);
    }

    private static PageTenant Tenant(TenantNode node, TenantAccount account)
    {
        var depth = 0;
        for (var parent = node.Parent; parent is not null; parent = parent.Parent)
            depth++;
        var total = account.Total;
        return new PageTenant(
            node.Id.Value, depth, node.Children.IsEmpty, node.IsSuspended, total.GuaranteedMilliGpu, total.LimitMilliGpu, total.EntitlementMilliGpu,
            total.UsedGuaranteedMilliGpu, total.UsedBurstMilliGpu, total.PendingMilliGpu, account.PendingWorkloads);
    }

    private static PageEntry Entry(QueueEntry entry)
    {
        var workload = entry.Workload;
        return new PageEntry(
            workload.Id.Value, workload.Name, workload.Namespace, workload.Tenant?.Value ?? "", entry.Place.Overall, entry.Place.InTenant, workload.Priority,
            workload.Pods.Sum(pod => pod.State == PodState.Pending ? pod.Shape.Gpu.MilliGpu : 0), workload.CountPods(PodState.Pending),
            workload.SubmittedAt, entry.Reason.ToString(), entry.Message);
    }

    private static (List<PageNode> Nodes, PageCapacity Capacity) Nodes(PublishedCycle cycle)
    {
        var snapshot = cycle.Snapshot;
        var uses = new Dictionary<(int Node, int Device), DeviceUse>();
        foreach (var workload in snapshot.Workloads)
        {
            var tenant = TenantIndex(workload, snapshot);
            foreach (var pod in workload.Pods)
            {
                if (pod is { Placement: { } at, Shape.Gpu.IsAny: true } && snapshot.TryGetNodeIndex(at.Node, out var node))
                    Count(uses, node, pod, at, tenant);
            }
        }

        // What this cycle bound is not in its snapshot yet.
        foreach (var bind in cycle.IsApplied ? cycle.Plan.Decisions.OfType<Bind>() : [])
        {
            if (cycle.Refused.Contains(bind) || !snapshot.TryGetWorkload(bind.Workload, out var workload))
                continue;
            var tenant = TenantIndex(workload, snapshot);
            foreach (var place in bind.Pods)
            {
                if (workload.Pods.FirstOrDefault(pod => pod.Id == place.Pod) is { Shape.Gpu.IsAny: true } pod && snapshot.TryGetNodeIndex(place.Node, out var node))
                    Count(uses, node, pod, new PodPlacement(place.Node, place.Devices), tenant);
            }
        }

        var pages = new List<PageNode>();
        var (installed, healthy, quarantined) = (0L, 0L, 0);
        for (var index = 0; index < snapshot.Nodes.Length; index++)
        {
            var node = snapshot.Nodes[index];
            if (!node.HasGpus)
                continue;
            installed += node.InstalledMilliGpu;
            healthy += node.HealthyMilliGpu;
            quarantined += node.Devices.Count(device => device.Health == DeviceHealth.Quarantined);
            var mig = node.InstalledMilliGpu - ((long)node.Devices.Length * GpuRequest.MilliPerDevice);
            pages.Add(new PageNode(
                node.Name.Value, node.Flavor.Value, node.IsSchedulable,
                [.. node.Devices.Select(device => Device(GpuRequest.MilliPerDevice, device.Health == DeviceHealth.Quarantined, uses.GetValueOrDefault((index, device.Index))))],
                mig > 0 ? Device(mig, isQuarantined: false, uses.GetValueOrDefault((index, DeviceUse.Mig))) : null));
        }

        return (pages, new PageCapacity(installed, healthy, uses.Values.Sum(use => use.Total), quarantined));
    }

    private static int TenantIndex(Workload workload, ClusterSnapshot snapshot) =>
        workload.Tenant is { } id && snapshot.Tenants.TryGet(id, out var owner) ? owner.Index : -1;

    private static void Count(Dictionary<(int Node, int Device), DeviceUse> uses, int node, Pod pod, PodPlacement at, int tenant)
    {
        var gpu = pod.Shape.Gpu;
        if (gpu.Kind == GpuRequestKind.Mig)
        {
            Add(DeviceUse.Mig, gpu.MilliGpu);
            return;
        }

        foreach (var device in at.Devices)
            Add(device, gpu.MilliEach);

        void Add(int device, long milli)
        {
            if (!uses.TryGetValue((node, device), out var use))
                uses.Add((node, device), use = new DeviceUse());
            use.Add(tenant, milli, pod.IsIdle);
        }
    }

    private static PageDevice Device(long milli, bool isQuarantined, DeviceUse? use) =>
        new(milli, isQuarantined, use?.ByTenant() ?? [], use is { IsIdle: true });

    private static PageDecision Decision(RecentDecision recent)
    {
        var workload = recent.Workload;
        var text = recent.Decision switch
        {
            Bind bind => $"{Who(workload)} starts on {Places(bind)}, {(bind.Standing == Standing.Guaranteed ? "inside its guarantee" : "on borrowed GPUs")}",
            Evict evict => string.Create(CultureInfo.InvariantCulture,
                $"{Who(workload)} is asked to leave by {evict.Deadline.UtcDateTime:HH:mm:ss} UTC for {evict.Beneficiary.Value}, {Cause(evict.Cause)}"),
            _ => $"{Who(workload)} may stay after all: its room is needed no more",
        };
        return new PageDecision(recent.At, recent.Decision.GetType().Name, text);
    }

    private static string Who(Workload workload) => workload.Tenant is { } tenant
        ? $"{workload.Namespace}/{workload.Name} of {tenant.Value}"
        : $"{workload.Namespace}/{workload.Name}";

    private static string Places(Bind bind)
    {
        var nodes = bind.Pods.Select(pod => pod.Node.Value).Distinct(StringComparer.Ordinal).ToList();
        var pods = bind.Pods.Length == 1 ? "" : $" with {bind.Pods.Length} pods";
        return nodes.Count <= 3 ? $"{string.Join(", ", nodes)}{pods}" : $"{nodes[0]}, {nodes[1]} and {nodes.Count - 2} more nodes{pods}";
    }

    private static string Cause(EvictionCause cause) => cause switch
    {
        EvictionCause.Guarantee => "which claims its tenant's guarantee",
        EvictionCause.Priority => "which has a higher priority",
        _ => "whose tenant has less than its fair share",
    };

    /// <summary>Who uses one device.</summary>
    private sealed class DeviceUse
    {
        /// <summary>Stands for all MIG instances of a node.</summary>
        public const int Mig = -1;

        private readonly SortedDictionary<int, long> _byTenant = [];
        private bool _isBusy;

        public bool IsIdle => !_isBusy;

        public long Total => _byTenant.Values.Sum();

        public void Add(int tenant, long milli, bool isIdle)
        {
            _byTenant[tenant] = _byTenant.GetValueOrDefault(tenant) + milli;
            _isBusy |= !isIdle;
        }

        public IReadOnlyList<long[]> ByTenant() => [.. _byTenant.Select(pair => new[] { pair.Key, pair.Value })];
    }
}
