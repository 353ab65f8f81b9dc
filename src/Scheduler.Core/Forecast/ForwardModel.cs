using System.Text;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Forecast;

/// <summary>
/// A cluster as forward runs see it: numbers in arrays. Nodes on which the same requests can run form a group; of a node only its
/// idle devices, the milli-GPU beside them, CPU and memory are told.
/// </summary>
internal sealed class ForwardModel
{
    private readonly Session _session;
    private readonly DurationHistory _history;
    private readonly Dictionary<PodNeed, int> _needIndex = [];
    private readonly Dictionary<(PlacementRequest, int), bool[]> _groupsOf = [];
    private readonly Dictionary<string, WaitingForm> _forms = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Tenant, int Priority, bool MayBurst, bool MayPreempt, int Form), int> _classIndex = [];
    private readonly Dictionary<(int Tenant, int Priority, bool MayPreempt, long MilliGpu, int Idle, int Pods), int> _searches = [];
    private readonly Dictionary<(DurationKind, TimeSpan?), DurationSource> _sources = [];
    private readonly Dictionary<DurationKind, long[]> _ages = [];
    private readonly Dictionary<DurationKind, List<long>> _running = [];

    public ForwardModel(Session session, DurationHistory history)
    {
        _session = session;
        _history = history;
        Nodes = session.Nodes;
        Tree = session.Snapshot.Tenants;
        FindGroups();
        NoteRunning();
        AddRunning();
        FirstWaiting = Units.Count;
        AddWaiting();
    }

    /// <summary>Nodes, as the snapshot says.</summary>
    public NodeState[] Nodes { get; }

    /// <summary>The tenants.</summary>
    public TenantTree Tree { get; }

    /// <summary>The policy.</summary>
    public SchedulingPolicy Policy => _session.Policy;

    /// <summary>The flavors and what there is of them.</summary>
    public QuotaLedger Quota => _session.Ledger;

    /// <summary>The group of each node.</summary>
    public int[] GroupOf { get; private set; } = [];

    /// <summary>The flavor of each group's nodes, or -1.</summary>
    public int[] FlavorOf { get; private set; } = [];

    /// <summary>Groups of nodes.</summary>
    public int Groups { get; private set; }

    /// <summary>The most devices that a node has.</summary>
    public int MaxDevices { get; private set; }

    /// <summary>Kinds of pods.</summary>
    public List<PodNeed> Needs { get; } = [];

    /// <summary>What runs, then what waits in the order of the queues.</summary>
    public List<ForwardUnit> Units { get; } = [];

    /// <summary>The first unit that waits.</summary>
    public int FirstWaiting { get; }

    /// <summary>Workloads that wait, in the order of their units.</summary>
    public List<Workload> Waiting { get; } = [];

    /// <summary>Classes of waiting workloads, by tenant in the tree.</summary>
    public List<WaitingClass> Classes { get; } = [];

    /// <summary>Kinds of cores that wait, or would wait again.</summary>
    public List<WaitingForm> Forms { get; } = [];

    /// <summary>Kinds of searches for victims.</summary>
    public int Searches => _searches.Count;

    /// <summary>Where durations are drawn from: so many.</summary>
    public int Sources => _sources.Count;

    /// <summary>Workloads that wait and are held back: when that ends nobody knows.</summary>
    public int Held => _session.Roster.Held.Count;

    private static long Seconds(TimeSpan span) => span.Ticks / TimeSpan.TicksPerSecond;

    /// <summary>Divides nodes by the requests of the waiting pods: each request in turn parts those that it can run on from the others.</summary>
    private void FindGroups()
    {
        GroupOf = new int[Nodes.Length];
        Groups = 1;
        foreach (var node in Nodes)
        {
            MaxDevices = Math.Max(MaxDevices, node.Node.Devices.Length);
        }

        var parts = new Dictionary<(int Group, bool Passes, int Flavor), int>();
        var passes = new List<(RequestClass Kind, bool[] Passes)>();
        foreach (var kind in WaitingKinds())
        {
            parts.Clear();
            var passing = new bool[Nodes.Length];
            for (var node = 0; node < Nodes.Length; node++)
            {
                passing[node] = NodeFilters.FirstStaticRejection(Nodes[node].Now, kind.Request) is null;
                var key = (GroupOf[node], passing[node], Nodes[node].Flavor);
                if (!parts.TryGetValue(key, out var part))
                {
                    parts.Add(key, part = parts.Count);
                }

                GroupOf[node] = part;
            }

            Groups = Math.Max(1, parts.Count);
            passes.Add((kind, passing));
        }

        FlavorOf = new int[Groups];
        for (var node = 0; node < Nodes.Length; node++)
        {
            FlavorOf[GroupOf[node]] = Nodes[node].Flavor;
        }

        foreach (var (kind, passing) in passes)
        {
            var groups = new bool[Groups];
            for (var node = 0; node < Nodes.Length; node++)
            {
                groups[GroupOf[node]] = passing[node];
            }

            _groupsOf[(kind.Request, 0)] = groups;
        }
    }

    private IEnumerable<RequestClass> WaitingKinds()
    {
        var seen = new HashSet<RequestClass>();
        foreach (var queue in _session.Tenants)
        {
            foreach (var applicant in queue.Applicants)
            {
                foreach (var pod in applicant.Pending)
                {
                    if (seen.Add(pod.Kind))
                    {
                        yield return pod.Kind;
                    }
                }
            }
        }
    }

    /// <summary>How long what runs has run so far, by kind: that is known of its duration already.</summary>
    private void NoteRunning()
    {
        var now = _session.Snapshot.Now;
        foreach (var workload in _session.Snapshot.Workloads)
        {
            if (workload is { StartedAt: { } started, ExpectedDuration: null } && started < now)
            {
                var kind = DurationKind.Of(workload);
                if (!_running.TryGetValue(kind, out var ages))
                {
                    _running.Add(kind, ages = []);
                }

                ages.Add(Seconds(now - started));
            }
        }
    }

    private long[] RunningOf(DurationKind kind)
    {
        if (!_ages.TryGetValue(kind, out var ages))
        {
            ages = _running.TryGetValue(kind, out var list) ? list.ToArray() : [];
            Array.Sort(ages);
            _ages.Add(kind, ages);
        }

        return ages;
    }

    private void AddRunning()
    {
        var now = _session.Snapshot.Now;
        var seen = new HashSet<RunningWorkload>();
        foreach (var node in Nodes)
        {
            foreach (var occupant in node.Occupants)
            {
                var running = occupant.Owner;
                if (!seen.Add(running))
                {
                    continue;
                }

                var workload = running.Workload;
                var isGoing = running.Pods.All(pod => pod.IsGoing);
                var leaves = isGoing ? Math.Max(0, running.Pods.Max(pod => pod.LeavesAt > now ? Seconds(pod.LeavesAt - now) : 0)) : (long?)null;
                var milliGpu = running.Pods.Sum(pod => pod.Pod.Shape.Gpu.MilliGpu);
                var ran = workload.StartedAt is { } started && started < now ? Seconds(now - started) : 0;
                Units.Add(new ForwardUnit
                {
                    Tenant = running.Tenant?.Index ?? -1,
                    Class = ClassOfRunning(running),
                    Salt = Draw.Salt(workload.Id.Value),
                    Durations = SourceOf(workload),
                    Priority = workload.Priority,
                    IsPreemptible = workload is { IsManaged: true, IsPreemptible: true } && running.Tenant is not null,
                    MinRuntimeSeconds = Seconds(workload.MinRuntime),
                    GraceSeconds = Seconds(workload.PreemptionGrace),
                    RanSeconds = ran + (milliGpu > 0 ? workload.AttainedMilliGpuSeconds / milliGpu : 0),
                    LeavesAt = leaves,
                    IsGuaranteed = running.CoreEntry is { IsGuaranteed: true },
                    Places = [.. running.Pods.Select(pod => (pod.Node.Index, NeedOf(pod.Pod.Shape)))],
                });
            }
        }
    }

    private void AddWaiting()
    {
        foreach (var queue in _session.Tenants)
        {
            foreach (var applicant in queue.Applicants)
            {
                if (applicant.Missing == 0)
                {
                    continue;
                }

                var workload = applicant.Workload;
                var pods = applicant.Pending.Take(applicant.Missing).ToArray();
                var index = ClassOf(
                    applicant.Tenant, workload, applicant.MayBurst, [.. pods.Select(pod => NeedOf(pod.Pod.Shape))],
                    [.. pods.Select(pod => _groupsOf[(pod.Kind.Request, 0)])]);
                Classes[index].Units.Add(Units.Count);
                Waiting.Add(workload);
                Units.Add(new ForwardUnit
                {
                    Tenant = applicant.Tenant.Index,
                    Class = index,
                    Salt = Draw.Salt(workload.Id.Value),
                    Durations = SourceOf(workload),
                    Priority = workload.Priority,
                    IsPreemptible = workload.IsPreemptible,
                    MinRuntimeSeconds = Seconds(workload.MinRuntime),
                    GraceSeconds = Seconds(workload.PreemptionGrace),
                });
            }
        }
    }

    /// <summary>Who has to make way waits again, for the places that others of its size can have.</summary>
    private int ClassOfRunning(RunningWorkload running)
    {
        if (running.Tenant is not { } tenant || !running.Workload.IsManaged)
        {
            return -1;
        }

        var pods = running.Pods.Select(pod => NeedOf(pod.Pod.Shape)).ToArray();
        var groups = running.Pods.Select(pod => GroupsOf(pod.Pod.Shape, tenant)).ToArray();
        return ClassOf(tenant, running.Workload, running.Workload.IsPreemptible || !running.HasGpu, pods, groups);
    }

    /// <summary>Groups of one of whose nodes the pod passes.</summary>
    private bool[] GroupsOf(PodShape shape, TenantNode tenant)
    {
        var request = _session.RequestFor(shape, tenant);
        if (_groupsOf.TryGetValue((request, 1), out var groups))
        {
            return groups;
        }

        groups = new bool[Groups];
        for (var node = 0; node < Nodes.Length; node++)
        {
            groups[GroupOf[node]] |= NodeFilters.FirstStaticRejection(Nodes[node].Now, request) is null;
        }

        _groupsOf.Add((request, 1), groups);
        return groups;
    }

    private int ClassOf(TenantNode tenant, Workload workload, bool mayBurst, int[] pods, bool[][] groups)
    {
        var form = FormOf(pods, groups);
        var key = (tenant.Index, workload.Priority, mayBurst, workload.MayPreempt, form.Index);
        if (!_classIndex.TryGetValue(key, out var index))
        {
            _classIndex.Add(key, index = Classes.Count);
            var searched = (tenant.Index, workload.Priority, workload.MayPreempt, form.MilliGpu, pods.Length == 0 ? 0 : Needs[pods[0]].Idle, pods.Length);
            if (!_searches.TryGetValue(searched, out var search))
            {
                _searches.Add(searched, search = _searches.Count);
            }

            Classes.Add(new WaitingClass
            {
                Tenant = tenant.Index,
                Priority = workload.Priority,
                MayBurst = mayBurst,
                MayPreempt = workload.MayPreempt,
                Form = form,
                Search = search,
            });
        }

        return index;
    }

    private WaitingForm FormOf(int[] pods, bool[][] groups)
    {
        var key = new StringBuilder();
        for (var pod = 0; pod < pods.Length; pod++)
        {
            key.Append(pods[pod]).Append(':');
            foreach (var passes in groups[pod])
            {
                key.Append(passes ? '1' : '0');
            }

            key.Append(',');
        }

        if (!_forms.TryGetValue(key.ToString(), out var form))
        {
            form = new WaitingForm { Index = _forms.Count, Pods = pods, Groups = groups, MilliGpu = pods.Sum(pod => Needs[pod].MilliGpu) };
            _forms.Add(key.ToString(), form);
            Forms.Add(form);
        }

        return form;
    }

    private int NeedOf(PodShape shape)
    {
        var isWhole = shape.Gpu.Kind == GpuRequestKind.Whole;
        var need = new PodNeed(
            isWhole ? shape.Gpu.Count : 0, isWhole ? 0 : (int)shape.Gpu.MilliGpu, shape.Requests.MilliCpu, shape.Requests.MemoryBytes, shape.Gpu.MilliGpu);
        if (!_needIndex.TryGetValue(need, out var index))
        {
            _needIndex.Add(need, index = Needs.Count);
            Needs.Add(need);
        }

        return index;
    }

    private DurationSource SourceOf(Workload workload)
    {
        var key = (DurationKind.Of(workload), workload.ExpectedDuration);
        if (!_sources.TryGetValue(key, out var source))
        {
            _sources.Add(key, source = _history.SourceOf(key.Item1, workload.ExpectedDuration, RunningOf(key.Item1), _sources.Count));
        }

        return source;
    }
}
