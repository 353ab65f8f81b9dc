using Google.Protobuf.WellKnownTypes;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Loop;
using Weir.V1;
using Tenant = Scheduler.Core.Quota.Tenant;

namespace Scheduler.Daemon.Api;

/// <summary>From the model to the messages of an export. Pure.</summary>
internal static class ExportMapping
{
    private const int PodsOfPiece = 1000;

    public static ExportedPolicy Policy(SchedulingPolicy policy)
    {
        var mapped = new ExportedPolicy
        {
            RestartCost = Duration.FromTimeSpan(policy.RestartCost),
            FairShareReclaim = policy.HasFairShareReclaim,
            ReservationsPerTenant = policy.ReservationsPerTenant,
            FragmentationWeight = policy.Scores.Fragmentation,
            PackingWeight = policy.Scores.Packing,
            PreferenceWeight = policy.Scores.Preference,
        };
        if (policy.MaxShareOfClusterPermille is { } share)
            mapped.MaxShareOfClusterPermille = share;
        mapped.TopologyLevels.AddRange(policy.TopologyLevels);
        mapped.BurstNodes.Add(policy.BurstNodes);
        return mapped;
    }

    public static ExportedTenant Tenant(Tenant tenant)
    {
        var mapped = new ExportedTenant
        {
            Name = tenant.Id.Value,
            Parent = tenant.Parent?.Value ?? "",
            Order = tenant.Order.ToString(),
            Suspended = tenant.IsSuspended,
            SharesDevices = tenant.SharesDevices,
        };
        if (tenant.Weight is { } weight)
            mapped.Weight = weight;
        mapped.Namespaces.AddRange(tenant.Namespaces);
        mapped.NodePool.Add(tenant.NodePool);
        foreach (var quota in tenant.Quotas)
        {
            var each = new ExportedQuota { Flavor = quota.Flavor.Value, GuaranteedMilliGpu = quota.GuaranteedMilliGpu };
            if (quota.BurstMilliGpu is { } burst)
                each.BurstMilliGpu = burst;
            if (quota.LendingLimitMilliGpu is { } lending)
                each.LendingLimitMilliGpu = lending;
            mapped.Quotas.Add(each);
        }

        return mapped;
    }

    public static ExportedNode Node(Node node)
    {
        var mapped = new ExportedNode
        {
            Name = node.Name.Value,
            Allocatable = Amounts(node.Allocatable, node.Scalars),
            MaxPods = node.MaxPods,
            Gpus = node.Devices.Length,
            Flavor = node.Flavor.Value,
            Ready = node.IsReady,
            // To the planner a node in quarantine is a cordoned one.
            Cordoned = node.IsCordoned || node.IsQuarantined,
            UsedByOthers = Amounts(node.UsedByOthers, node.ScalarsUsedByOthers),
            PodsOfOthers = node.PodsOfOthers,
        };
        mapped.Quarantined.AddRange(node.Devices.Where(device => device.Health != DeviceHealth.Healthy).Select(device => device.Index));
        foreach (var (profile, count) in node.MigCapacities)
            mapped.Mig[profile] = count;
        mapped.Labels.Add(node.Labels);
        mapped.Taints.AddRange(node.Taints.Select(taint => new ExportedTaint { Key = taint.Key, Value = taint.Value, Effect = taint.Effect.ToString() }));
        return mapped;
    }

    /// <summary>Shapes that got no number yet, which they get now.</summary>
    public static IEnumerable<ExportedShape> NewShapes(IEnumerable<PodShape> shapes, Dictionary<PodShape, int> numbers)
    {
        foreach (var shape in shapes)
        {
            if (numbers.TryAdd(shape, numbers.Count))
                yield return Shape(shape);
        }
    }

    public static IEnumerable<ExportedWorkload> Workload(Workload workload, Dictionary<PodShape, int> shapes)
    {
        var isFirst = true;
        foreach (var pods in workload.Pods.Chunk(PodsOfPiece))
        {
            var piece = new ExportedWorkload { Id = workload.Id.Value };
            if (isFirst)
            {
                piece.Wishes = Wishes(workload);
                piece.CheckpointedAt = workload.CheckpointedAt is { } at ? Timestamp.FromDateTimeOffset(at) : null;
                piece.Managed = workload.IsManaged;
            }

            piece.Pods.AddRange(pods.Select(pod => Pod(pod, shapes)));
            isFirst = false;
            yield return piece;
        }
    }

    public static ExportedEnd End(EndedWorkload ended, Dictionary<PodShape, int> shapes)
    {
        var end = new ExportedEnd
        {
            Id = ended.Workload.Id.Value,
            Wishes = Wishes(ended.Workload),
            EndedAt = Timestamp.FromDateTimeOffset(ended.EndedAt),
            Preempted = ended.WasPreempted,
        };
        end.Pods.AddRange(ended.Pods.Select(pods => new ExportedPodCount { Shape = shapes[pods.Shape], Count = pods.Count }));
        return end;
    }

    private static ExportedPod Pod(Pod pod, Dictionary<PodShape, int> shapes)
    {
        var mapped = new ExportedPod
        {
            Name = pod.Name,
            Shape = shapes[pod.Shape],
            Node = pod.Placement?.Node.Value ?? "",
            Leaving = pod.State == PodState.Leaving,
        };
        if (pod.Placement is { } placement)
            mapped.Gpus.AddRange(placement.Devices);
        return mapped;
    }

    private static ExportedWishes Wishes(Workload workload) => new()
    {
        Namespace = workload.Namespace,
        Name = workload.Name,
        Gang = workload.IsGang,
        MinMember = workload.MinMember,
        Priority = workload.Priority,
        Preemptible = workload.IsPreemptible,
        ExpectedDuration = workload.ExpectedDuration is { } duration ? Duration.FromTimeSpan(duration) : null,
        MinRuntime = Duration.FromTimeSpan(workload.MinRuntime),
        PreemptionGrace = Duration.FromTimeSpan(workload.PreemptionGrace),
        TopologyLevel = workload.Topology?.Level ?? "",
        TopologyRequired = workload.Topology?.IsRequired ?? false,
        SubmittedAt = Timestamp.FromDateTimeOffset(workload.SubmittedAt),
        StartedAt = workload.StartedAt is { } started ? Timestamp.FromDateTimeOffset(started) : null,
    };

    private static ExportedShape Shape(PodShape shape)
    {
        var mapped = new ExportedShape { Requests = Amounts(shape.Requests, shape.Scalars) };
        switch (shape.Gpu.Kind)
        {
            case GpuRequestKind.Whole:
                mapped.Gpus = shape.Gpu.Count;
                break;
            case GpuRequestKind.Fraction:
                mapped.MilliGpu = shape.Gpu.MilliEach;
                break;
            case GpuRequestKind.Mig:
                mapped.Mig = new ExportedMig { Profile = shape.Gpu.MigProfile, Count = shape.Gpu.Count };
                break;
            default:
                break;
        }

        foreach (var (key, value) in shape.NodeSelector)
            mapped.NodeSelector[key] = value;
        mapped.Affinity.AddRange(shape.RequiredTerms.Select(Term));
        mapped.Preferred.AddRange(shape.PreferredTerms.Select(term => new ExportedPreference { Weight = term.Weight, Term = Term(term.Term) }));
        mapped.Tolerations.AddRange(shape.Tolerations.Select(toleration => new ExportedToleration
        {
            Key = toleration.Key,
            AnyValue = toleration.MatchesAnyValue,
            Value = toleration.Value,
            Effect = toleration.Effect?.ToString() ?? "",
        }));
        return mapped;
    }

    private static ExportedTerm Term(NodeSelectorTerm term)
    {
        var mapped = new ExportedTerm();
        mapped.Labels.AddRange(term.Labels.Select(Requirement));
        mapped.Fields.AddRange(term.Fields.Select(Requirement));
        return mapped;
    }

    private static ExportedRequirement Requirement(SelectorRequirement requirement)
    {
        var mapped = new ExportedRequirement { Key = requirement.Key, Operator = requirement.Operator.ToString() };
        mapped.Values.AddRange(requirement.Values);
        return mapped;
    }

    private static ExportedAmounts Amounts(in ResourceVector amounts, IEnumerable<ScalarResource> resources)
    {
        var mapped = new ExportedAmounts
        {
            MilliCpu = amounts.MilliCpu,
            MemoryBytes = amounts.MemoryBytes,
            EphemeralStorageBytes = amounts.EphemeralStorageBytes,
        };
        foreach (var (name, amount) in resources)
            mapped.Resources[name] = amount;
        return mapped;
    }
}
