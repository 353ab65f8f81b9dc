using System.Collections.Immutable;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Cli.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Clusters;
using Weir.V1;
using Enum = System.Enum;
using Tenant = Scheduler.Core.Quota.Tenant;

namespace Scheduler.Cli.Hosting;

/// <summary>Puts the parts of an export together. A daemon of another version may say what this one does not know: that is an error, not a guess.</summary>
internal sealed class ExportReader
{
    private readonly List<Tenant> _tenants = [];
    private readonly List<Node> _nodes = [];
    private readonly List<PodShape> _shapes = [];
    private readonly List<ExportedWorkload> _workloads = [];
    private readonly List<EndedWorkload> _history = [];
    private ExportHeader? _header;

    public void Add(ExportPart part)
    {
        _header ??= part.Header;
        _tenants.AddRange(part.Tenants.Select(ToTenant));
        _nodes.AddRange(part.Nodes.Select(ToNode));
        _shapes.AddRange(part.Shapes.Select(ToShape));
        foreach (var workload in part.Workloads)
        {
            if (_workloads.Count > 0 && _workloads[^1].Id == workload.Id)
            {
                _workloads[^1].Pods.AddRange(workload.Pods);
            }
            else
            {
                _workloads.Add(workload);
            }
        }

        _history.AddRange(part.History.Select(ToEnded));
    }

    /// <exception cref="UserErrorException">Not all of it has come, or its tenants are no tree.</exception>
    public ClusterState Finish(string address)
    {
        if (_header is not { } header || header.Tenants != _tenants.Count || header.Nodes != _nodes.Count
            || header.Workloads != _workloads.Count || header.History != _history.Count)
        {
            throw new UserErrorException($"the daemon at {address} has sent only a part of its cluster; try again");
        }

        if (!TenantTree.TryCreate(_tenants, out var tree, out var mistakes))
        {
            throw new UserErrorException($"the tenants that the daemon at {address} has sent are no tree: {string.Join("; ", mistakes)}; use a weir of the daemon's version");
        }

        return new ClusterState
        {
            Name = "cluster",
            TakenAt = header.AsOf.ToDateTimeOffset(),
            HistorySince = header.HistorySince?.ToDateTimeOffset(),
            Nodes = [.. _nodes.OrderBy(node => node.Name)],
            Tenants = tree,
            Policy = ToPolicy(header.Policy),
            Workloads = [.. _workloads.Select(workload => ToWorkload(workload, tree)).OrderBy(workload => workload.Id)],
            History = [.. _history.OrderBy(ended => ended.EndedAt).ThenBy(ended => ended.Id)],
        };
    }

    private static SchedulingPolicy ToPolicy(ExportedPolicy policy) => new()
    {
        MaxShareOfClusterPermille = policy.HasMaxShareOfClusterPermille ? policy.MaxShareOfClusterPermille : null,
        RestartCost = Span(policy.RestartCost) ?? TimeSpan.Zero,
        HasFairShareReclaim = policy.FairShareReclaim,
        ReservationsPerTenant = policy.ReservationsPerTenant,
        TopologyLevels = [.. policy.TopologyLevels],
        BurstNodes = Labels(policy.BurstNodes),
        Scores = new ScoreWeights { Fragmentation = policy.FragmentationWeight, Packing = policy.PackingWeight, Preference = policy.PreferenceWeight },
    };

    private static Tenant ToTenant(ExportedTenant tenant) => new()
    {
        Id = new TenantId(tenant.Name),
        Parent = tenant.Parent.Length == 0 ? null : new TenantId(tenant.Parent),
        Namespaces = [.. tenant.Namespaces],
        Quotas = [.. tenant.Quotas.Select(quota => new FlavorQuota
        {
            Flavor = new FlavorId(quota.Flavor),
            GuaranteedMilliGpu = quota.GuaranteedMilliGpu,
            BurstMilliGpu = quota.HasBurstMilliGpu ? quota.BurstMilliGpu : null,
            LendingLimitMilliGpu = quota.HasLendingLimitMilliGpu ? quota.LendingLimitMilliGpu : null,
        })],
        Weight = tenant.HasWeight ? tenant.Weight : null,
        Order = Word<QueueOrder>(tenant.Order),
        IsSuspended = tenant.Suspended,
        SharesDevices = tenant.SharesDevices,
        NodePool = Labels(tenant.NodePool),
    };

    private static Node ToNode(ExportedNode node) => new()
    {
        Name = new NodeName(node.Name),
        Allocatable = Vector(node.Allocatable),
        MaxPods = node.MaxPods,
        Devices = [.. Enumerable.Range(0, node.Gpus).Select(index => new GpuDevice(
            index, node.Quarantined.Contains(index) ? DeviceHealth.Quarantined : DeviceHealth.Healthy))],
        MigCapacities = [.. node.Mig.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => new MigCapacity(pair.Key, pair.Value))],
        Flavor = new FlavorId(node.Flavor),
        Scalars = Scalars(node.Allocatable),
        Labels = Labels(node.Labels),
        Taints = [.. node.Taints.Select(taint => new Taint(taint.Key, taint.Value, Word<TaintEffect>(taint.Effect)))],
        IsReady = node.Ready,
        IsCordoned = node.Cordoned,
        UsedByOthers = Vector(node.UsedByOthers),
        PodsOfOthers = node.PodsOfOthers,
        ScalarsUsedByOthers = Scalars(node.UsedByOthers),
    };

    private static PodShape ToShape(ExportedShape shape) => PodShape.Create(
        Vector(shape.Requests),
        shape.GpuCase switch
        {
            ExportedShape.GpuOneofCase.Gpus => GpuRequest.Whole(shape.Gpus),
            ExportedShape.GpuOneofCase.MilliGpu => GpuRequest.Fraction(shape.MilliGpu),
            ExportedShape.GpuOneofCase.Mig => GpuRequest.Mig(shape.Mig.Profile, shape.Mig.Count),
            _ => GpuRequest.None,
        },
        Scalars(shape.Requests),
        shape.NodeSelector,
        [.. shape.Affinity.Select(ToTerm)],
        [.. shape.Preferred.Select(preferred => new PreferredTerm(preferred.Weight, ToTerm(preferred.Term)))],
        [.. shape.Tolerations.Select(toleration => new Toleration(
            toleration.Key, toleration.AnyValue, toleration.Value, toleration.Effect.Length == 0 ? null : Word<TaintEffect>(toleration.Effect)))]);

    private static NodeSelectorTerm ToTerm(ExportedTerm term) => new([.. term.Labels.Select(ToRequirement)], [.. term.Fields.Select(ToRequirement)]);

    private static SelectorRequirement ToRequirement(ExportedRequirement requirement) =>
        new(requirement.Key, Word<SelectorOperator>(requirement.Operator), [.. requirement.Values]);

    private Workload ToWorkload(ExportedWorkload workload, TenantTree tenants)
    {
        var wishes = workload.Wishes;
        return new Workload
        {
            Id = new WorkloadId(workload.Id),
            Tenant = tenants.OwnerOf(wishes.Namespace),
            Namespace = wishes.Namespace,
            Name = wishes.Name,
            Pods = [.. workload.Pods.Select(pod => ToPod(pod, wishes.Namespace)).OrderBy(pod => pod.Id)],
            MinMember = wishes.MinMember,
            IsGang = wishes.Gang,
            Priority = wishes.Priority,
            SubmittedAt = wishes.SubmittedAt.ToDateTimeOffset(),
            StartedAt = wishes.StartedAt?.ToDateTimeOffset(),
            ExpectedDuration = Span(wishes.ExpectedDuration),
            MinRuntime = Span(wishes.MinRuntime) ?? TimeSpan.Zero,
            PreemptionGrace = Span(wishes.PreemptionGrace) ?? TimeSpan.Zero,
            CheckpointedAt = workload.CheckpointedAt?.ToDateTimeOffset(),
            Topology = Topology(wishes),
            IsPreemptible = wishes.Preemptible,
            IsManaged = workload.Managed,
        };
    }

    private Pod ToPod(ExportedPod pod, string @namespace) => new()
    {
        Id = new PodId($"{@namespace}/pod/{pod.Name}"),
        Name = pod.Name,
        Shape = _shapes[pod.Shape],
        State = pod.Node.Length == 0 ? PodState.Pending : pod.Leaving ? PodState.Leaving : PodState.Placed,
        Placement = pod.Node.Length == 0 ? null : new PodPlacement(new NodeName(pod.Node), [.. pod.Gpus]),
    };

    private EndedWorkload ToEnded(ExportedEnd ended)
    {
        var wishes = ended.Wishes;
        return new EndedWorkload
        {
            Id = new WorkloadId(ended.Id),
            Namespace = wishes.Namespace,
            Name = wishes.Name,
            IsGang = wishes.Gang,
            Pods = [.. ended.Pods.Select(pods => new PodCount(_shapes[pods.Shape], pods.Count))],
            MinMember = wishes.MinMember,
            Priority = wishes.Priority,
            IsPreemptible = wishes.Preemptible,
            ExpectedDuration = Span(wishes.ExpectedDuration),
            MinRuntime = Span(wishes.MinRuntime) ?? TimeSpan.Zero,
            PreemptionGrace = Span(wishes.PreemptionGrace) ?? TimeSpan.Zero,
            Topology = Topology(wishes),
            SubmittedAt = wishes.SubmittedAt.ToDateTimeOffset(),
            StartedAt = wishes.StartedAt?.ToDateTimeOffset(),
            EndedAt = ended.EndedAt.ToDateTimeOffset(),
            WasPreempted = ended.Preempted,
        };
    }

    private static TopologyRequest? Topology(ExportedWishes wishes) =>
        wishes.TopologyLevel.Length == 0 ? null : new TopologyRequest(wishes.TopologyLevel, wishes.TopologyRequired);

    private static TimeSpan? Span(Duration? duration) => duration?.ToTimeSpan();

    private static ResourceVector Vector(ExportedAmounts? amounts) =>
        amounts is null ? default : new(amounts.MilliCpu, amounts.MemoryBytes, amounts.EphemeralStorageBytes);

    private static ImmutableArray<ScalarResource> Scalars(ExportedAmounts? amounts) =>
        ScalarResource.Normalise(amounts?.Resources.Select(pair => new ScalarResource(pair.Key, pair.Value)) ?? []);

    private static ImmutableSortedDictionary<string, string> Labels(MapField<string, string> labels) =>
        labels.ToImmutableSortedDictionary(StringComparer.Ordinal);

    private static T Word<T>(string word)
        where T : struct, Enum =>
        Enum.TryParse<T>(word, out var value)
            ? value
            : throw new UserErrorException($"the daemon says '{word}', which this weir does not know; use a weir of the daemon's version");
}
