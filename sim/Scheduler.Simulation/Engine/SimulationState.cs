using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// The simulated cluster as it is: who holds what, and what is broken. Makes the snapshots that the scheduler sees; in them what
/// did not change is the same object as before, which is what makes the planner fast.
/// </summary>
public sealed class SimulationState
{
    private readonly NodeBooks[] _nodes;
    private readonly Dictionary<NodeName, int> _nodeIndex = [];
    private readonly Dictionary<WorkloadId, SimulatedJob> _active = [];
    private readonly long[] _usedByTenant;
    private readonly long[] _unusableOfNode;
    private readonly ShapeHistory? _shapes;
    private readonly List<SimulatedJob> _changedJobs = [];
    private readonly List<WorkloadId> _removed = [];
    private readonly SortedSet<int> _changedNodes = [];
    private ClusterSnapshot _snapshot;
    private bool _hasNewMix;

    internal SimulationState(SimulationSetup setup)
    {
        Setup = setup;
        _nodes = [.. setup.Nodes.OrderBy(node => node.Name).Select((node, index) => new NodeBooks(index, node))];
        foreach (var books in _nodes)
        {
            _nodeIndex.Add(books.Node.Name, books.Index);
            InstalledMilliGpu += books.Node.InstalledMilliGpu;
            HealthyMilliGpu += books.WorkingMilliGpu;
        }

        _usedByTenant = new long[setup.Tenants.Nodes.Length];
        _unusableOfNode = new long[_nodes.Length];
        var builder = new ClusterSnapshotBuilder { Now = setup.Start }.Add(setup.Nodes).With(setup.Tenants);
        if (setup.LearnsShapes)
        {
            _shapes = new ShapeHistory(setup.Nodes);
            builder.With(_shapes.Mix);
        }

        _snapshot = builder.Build();
        foreach (var books in _nodes)
        {
            CountUnusable(books);
        }
    }

    /// <summary>What it began with.</summary>
    public SimulationSetup Setup { get; }

    /// <summary>Time from the beginning.</summary>
    public TimeSpan Now => TimeSpan.FromMilliseconds(NowMilliseconds);

    /// <summary>All jobs, in the order of submission.</summary>
    public ImmutableArray<SimulatedJob> Jobs { get; internal set; } = [];

    /// <summary>Jobs that wait for a start.</summary>
    public int WaitingJobs { get; internal set; }

    /// <summary>Jobs that run.</summary>
    public int RunningJobs { get; internal set; }

    /// <summary>Jobs that are done.</summary>
    public int EndedJobs { get; internal set; }

    /// <summary>All GPUs there are.</summary>
    public long InstalledMilliGpu { get; }

    /// <summary>GPUs that work, on nodes that work.</summary>
    public long HealthyMilliGpu { get; private set; }

    /// <summary>GPUs in use.</summary>
    public long UsedMilliGpu { get; private set; }

    /// <summary>Idle GPU that is expected to stay unused with pods such as come, in micro-GPU.</summary>
    public long UnusableMicroGpu { get; private set; }

    /// <summary>GPUs that a tenant, with all below it, uses.</summary>
    public long UsedMilliGpuOf(TenantNode tenant)
    {
        ArgumentNullException.ThrowIfNull(tenant);
        return _usedByTenant[tenant.Index];
    }

    /// <summary>Finds a job that waits or runs.</summary>
    public bool TryGetActive(WorkloadId workload, [NotNullWhen(true)] out SimulatedJob? job) => _active.TryGetValue(workload, out job);

    internal long NowMilliseconds { get; set; }

    internal DateTimeOffset NowMoment => Setup.Start.AddMilliseconds(NowMilliseconds);

    internal IReadOnlyList<NodeBooks> Nodes => _nodes;

    /// <summary>Jobs with a pod that waits for a node.</summary>
    internal int JobsWithPendingPods { get; set; }

    internal bool TryGetNode(NodeName name, [NotNullWhen(true)] out NodeBooks? node)
    {
        node = _nodeIndex.TryGetValue(name, out var index) ? _nodes[index] : null;
        return node is not null;
    }

    internal void Add(SimulatedJob job)
    {
        _active.Add(job.Workload.Id, job);
        var isNewMix = false;
        foreach (var pod in job.Workload.Pods)
        {
            isNewMix |= _shapes?.Submitted(pod.Shape) ?? false;
        }

        // Each mix is counted once: thousands of jobs may come before the next snapshot takes it.
        if (isNewMix)
        {
            _hasNewMix = true;
            foreach (var books in _nodes)
            {
                CountUnusable(books);
            }
        }
    }

    internal void Remove(SimulatedJob job)
    {
        _active.Remove(job.Workload.Id);
        _removed.Add(job.Workload.Id);
    }

    /// <summary>Shows the scheduler a job otherwise than before.</summary>
    internal void Set(SimulatedJob job, Workload workload)
    {
        job.Workload = workload;
        if (!job.IsChanged)
        {
            job.IsChanged = true;
            _changedJobs.Add(job);
        }
    }

    internal void Take(SimulatedJob job, Pod pod, PodPlacement placement)
    {
        var books = _nodes[_nodeIndex[placement.Node]];
        HealthyMilliGpu -= books.WorkingMilliGpu;
        books.Take(job, pod.Id, pod.Shape, placement.Devices.AsSpan());
        HealthyMilliGpu += books.WorkingMilliGpu;
        Use(job, pod.Shape.Gpu.MilliGpu);
        CountUnusable(books);
    }

    internal void Give(SimulatedJob job, Pod pod)
    {
        var books = _nodes[_nodeIndex[pod.Placement!.Node]];
        HealthyMilliGpu -= books.WorkingMilliGpu;
        books.Give(job, pod.Id, pod.Shape, pod.Placement.Devices.AsSpan());
        HealthyMilliGpu += books.WorkingMilliGpu;
        Use(job, -pod.Shape.Gpu.MilliGpu);
        CountUnusable(books);
    }

    /// <summary>Counts a fault in or out; says whether the scheduler sees a difference.</summary>
    internal bool CountFault(NodeBooks node, int? device, int sign)
    {
        var before = node.WorkingMilliGpu;
        if (!node.CountFault(device, sign))
        {
            return false;
        }

        HealthyMilliGpu += node.WorkingMilliGpu - before;
        CountUnusable(node);
        _changedNodes.Add(node.Index);
        return true;
    }

    /// <summary>The same as the next snapshot, made from nothing: what lives on and what is made anew must not differ.</summary>
    internal ClusterSnapshot MakeSnapshot()
    {
        var builder = new ClusterSnapshotBuilder { Now = NowMoment, Generation = _snapshot.Generation + 1 }.With(Setup.Tenants)
            .With(_shapes?.Mix ?? _snapshot.Mix);
        foreach (var books in _nodes)
        {
            builder.Add(books.Node);
        }

        foreach (var job in _active.Values)
        {
            builder.Add(job.Workload);
        }

        return builder.Build();
    }

    /// <summary>Jobs that wait or run, in no order.</summary>
    internal IReadOnlyCollection<SimulatedJob> Active => _active.Values;

    /// <summary>What the scheduler sees now.</summary>
    internal ClusterSnapshot TakeSnapshot()
    {
        var workloads = new List<Workload>(_changedJobs.Count);
        foreach (var job in _changedJobs)
        {
            job.IsChanged = false;
            if (job.Phase != JobPhase.Ended)
            {
                workloads.Add(job.Workload);
            }
        }

        _snapshot = _snapshot.Next(_snapshot.Generation + 1, NowMoment, new SnapshotChanges
        {
            Nodes = [.. _changedNodes.Select(index => _nodes[index].Node)],
            Workloads = workloads,
            RemovedWorkloads = [.. _removed],
            Mix = _hasNewMix ? _shapes!.Mix : null,
        });
        _changedJobs.Clear();
        _removed.Clear();
        _changedNodes.Clear();
        _hasNewMix = false;
        return _snapshot;
    }

    private void Use(SimulatedJob job, long milliGpu)
    {
        UsedMilliGpu += milliGpu;
        for (var tenant = job.Tenant; tenant is not null; tenant = tenant.Parent)
        {
            _usedByTenant[tenant.Index] += milliGpu;
        }
    }

    private void CountUnusable(NodeBooks books)
    {
        var after = books.UnusableMicroGpu(_shapes?.Mix ?? _snapshot.Mix);
        UnusableMicroGpu += after - _unusableOfNode[books.Index];
        _unusableOfNode[books.Index] = after;
    }
}
