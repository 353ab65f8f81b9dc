using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Wire;
using WirePod = Scheduler.Daemon.Kubernetes.Wire.PodObject;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>Which pods are ours, and what one gets that does not say.</summary>
internal sealed record PodMappingSettings
{
    public string SchedulerName { get; init; } = "weir";

    /// <summary>Schedulers that ask the extender about their pods with GPUs; empty where it is not served.</summary>
    public ImmutableArray<string> ExtenderSchedulers { get; init; } = [];
    public TimeSpan DefaultMinRuntime { get; init; }
    public TimeSpan DefaultPreemptionGrace { get; init; }

    /// <summary>Labels of nodes that a pod's topology wish may name.</summary>
    public ImmutableArray<string> TopologyLevels { get; init; } = [];
}

/// <summary>From a pod of the API to a <see cref="PodRecord"/>. Pure.</summary>
/// <remarks>
/// Everything that cannot be read is collected in <see cref="PodRecord.Errors"/>. A waiting pod with an error is
/// <see cref="PodDisposition.Invalid"/>; a placed one holds its room all the same, with defaults for what cannot be read.
/// </remarks>
internal static class PodMapping
{
    private const int MaxDevices = 1024;

    public static PodRecord Map(WirePod pod, PodMappingSettings settings)
    {
        var errors = new List<PodError>();
        var meta = pod.Metadata;
        var values = new AnnotationReader(meta.Annotations, errors);
        var labels = LabelSet.Of(meta.Labels);
        var workloadGroup = WorkloadGroup(pod.Spec.WorkloadRef);
        var group = Group(meta, pod.Spec.WorkloadRef, values, errors);
        var shape = Shape(pod.Spec, values, errors).With(PodRulesMapping.Map(meta, pod.Spec, labels, errors));

        // A fraction is no resource that kube-scheduler knows, so it does not ask about such a pod.
        var isThroughExtender = shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Mig
            && pod.Spec.SchedulerName is { } scheduler && settings.ExtenderSchedulers.Contains(scheduler);
        var isManaged = isThroughExtender || pod.Spec.SchedulerName == settings.SchedulerName;
        var placement = Placement(pod, shape, values, isManaged);
        var record = new PodRecord
        {
            Id = new PodId(meta.Uid ?? $"{meta.Namespace}/{meta.Name}"),
            Namespace = meta.Namespace ?? "",
            Name = meta.Name ?? "",
            Disposition = PodDisposition.Pending,
            IsManaged = isManaged,
            IsThroughExtender = isThroughExtender,
            Shape = shape,
            Placement = placement,
            Priority = pod.Spec.Priority ?? 0,
            Group = group,
            WorkloadGroup = workloadGroup,
            MayPreempt = pod.Spec.PreemptionPolicy != "Never",
            Claims = Claims(pod),
            MinMember = MinMember(group, values, errors),
            IsPreemptible = IsPreemptible(meta, values),
            ExpectedDuration = values.Duration(Annotations.ExpectedDuration, isZeroAllowed: false),
            MinRuntime = values.Duration(Annotations.MinRuntime) ?? settings.DefaultMinRuntime,
            PreemptionGrace = values.Duration(Annotations.PreemptionGrace) ?? settings.DefaultPreemptionGrace,
            CheckpointedAt = values.Time(Annotations.CheckpointedAt),
            Topology = values.Topology(settings.TopologyLevels),
            Labels = labels,
            Controller = Controller(meta)?.Uid,
            HasSucceeded = pod.Status.Phase == "Succeeded",
            HasRun = pod.Status.Phase == "Running",
            Rejection = Rejection(pod.Status),
            Reservation = values.Text(Annotations.Reservation),
            ReservedRoom = ReservedRoom(shape, values),
            CreatedAt = meta.CreationTimestamp ?? DateTimeOffset.UnixEpoch,
            StartedAt = placement is null ? null : StartedAt(pod),
            PreemptBy = values.OwnTime(Annotations.PreemptBy),
            PreemptedFor = values.Text(Annotations.PreemptedFor),
            UnscheduledBecause = UnscheduledBecause(pod.Status),
        };
        return record with { Disposition = Disposition(pod, placement is not null, isManaged && errors.Count > 0), Errors = [.. errors] };
    }

    private static PodDisposition Disposition(WirePod pod, bool hasNode, bool isInvalid)
    {
        if (pod.Status.Phase is "Succeeded" or "Failed")
            return PodDisposition.Finished;
        if (pod.Metadata.DeletionTimestamp is not null)
            return hasNode ? PodDisposition.Leaving : PodDisposition.Finished;
        if (hasNode)
            return PodDisposition.Placed;
        if (pod.Spec.SchedulingGates is { Count: > 0 })
            return PodDisposition.Gated;
        return isInvalid ? PodDisposition.Invalid : PodDisposition.Pending;
    }

    /// <summary>The words with which a kubelet refuses a pod that was bound to it. Other failures are those of the pod.</summary>
    private static string? Rejection(PodStatus status) =>
        status is { Phase: "Failed", Reason: { } reason }
        && (reason is "UnexpectedAdmissionError" or "TopologyAffinityError" || reason.StartsWith("OutOf", StringComparison.Ordinal))
            ? reason
            : null;

    private static string? WorkloadGroup(WorkloadReference? reference) =>
        reference is { Name: { Length: > 0 } name } ? $"{name}:{reference.PodGroup}" : null;

    private static ImmutableArray<string> Claims(WirePod pod) =>
    [
        .. (pod.Spec.Volumes ?? [])
            .Select(volume => volume.PersistentVolumeClaim?.ClaimName ?? (volume.Ephemeral is null ? null : $"{pod.Metadata.Name}-{volume.Name}"))
            .OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];

    /// <summary>A reference to a Workload object goes before label and annotation; each replica of a pod group is a gang of its own.</summary>
    private static string? Group(ObjectMeta meta, WorkloadReference? reference, AnnotationReader values, List<PodError> errors)
    {
        if (WorkloadGroup(reference) is { } declared)
            return string.IsNullOrEmpty(reference!.PodGroupReplicaKey) ? declared : $"{declared}:{reference.PodGroupReplicaKey}";
        var label = meta.Labels?.GetValueOrDefault(Annotations.PodGroupLabel);
        var annotation = values.Text(Annotations.PodGroup);
        if (label is not null && annotation is not null && label != annotation)
            errors.Add(new PodError(Annotations.PodGroup, annotation, $"differs from the label {Annotations.PodGroupLabel}='{label}'; keep one of them"));
        var group = label ?? annotation;
        if (group is { Length: 0 })
            errors.Add(new PodError(label is null ? Annotations.PodGroup : Annotations.PodGroupLabel, "", "is empty; name the group, or leave it out"));
        return string.IsNullOrEmpty(group) ? null : group;
    }

    private static int? MinMember(string? group, AnnotationReader values, List<PodError> errors)
    {
        var minMember = values.PositiveInteger(Annotations.MinMember, most: 100_000);
        if (minMember is not null && group is null)
            errors.Add(new PodError(Annotations.MinMember, $"{minMember}", $"needs {Annotations.PodGroup} beside it, to say which pods belong together"));
        return minMember;
    }

    /// <summary>Something recreates the pod, or it opted in; and it did not opt out.</summary>
    private static bool IsPreemptible(ObjectMeta meta, AnnotationReader values) =>
        values.Boolean(Annotations.Preemptible) ?? Controller(meta) is not null;

    private static OwnerReference? Controller(ObjectMeta meta) => meta.OwnerReferences?.Find(owner => owner.Controller == true);

    private static PodShape Shape(PodSpec spec, AnnotationReader values, List<PodError> errors)
    {
        var (vector, gpus, mig, scalars) = PodRequests.Split(PodRequests.Total(spec, errors));
        return PodShape.Create(
            vector,
            Gpu(gpus, mig, values, errors),
            scalars,
            spec.NodeSelector,
            NodeConstraintMapping.Required(spec.Affinity?.NodeAffinity, errors),
            NodeConstraintMapping.Preferred(spec.Affinity?.NodeAffinity, errors),
            NodeConstraintMapping.Tolerations(spec.Tolerations));
    }

    private static GpuRequest Gpu(long gpus, ImmutableArray<(string Profile, long Count)> mig, AnnotationReader values, List<PodError> errors)
    {
        var fraction = values.FractionMilli();
        var forms = (gpus > 0 ? 1 : 0) + mig.Length + (fraction is null ? 0 : 1);
        if (fraction is not null && gpus > 0)
        {
            errors.Add(new PodError(Annotations.GpuFraction, values.Text(Annotations.GpuFraction)!,
                $"stands beside {Annotations.GpuResource}={gpus}; ask for whole GPUs or for a fraction of one, not both"));
        }
        else if (forms > 1)
        {
            var asked = mig.Select(instance => Annotations.MigResourcePrefix + instance.Profile);
            errors.Add(new PodError("resources", string.Join(", ", gpus > 0 ? asked.Prepend(Annotations.GpuResource) : asked),
                "asks for several forms of GPU; a pod has whole GPUs, one fraction, or instances of one MIG profile"));
        }

        if (gpus > 0)
            return Bounded(Annotations.GpuResource, gpus, errors) is { } devices ? GpuRequest.Whole(devices) : GpuRequest.None;
        if (fraction is { } milli)
            return GpuRequest.Fraction(milli);
        if (mig.IsEmpty)
            return GpuRequest.None;
        var (profile, count) = mig[0];
        if (!GpuRequest.TryMigMilliGpu(profile, out _))
        {
            errors.Add(new PodError("resources", Annotations.MigResourcePrefix + profile, "is not a MIG profile: it starts with 1g to 7g, like 3g.40gb"));
            return GpuRequest.None;
        }

        return Bounded(Annotations.MigResourcePrefix + profile, count, errors) is { } instances ? GpuRequest.Mig(profile, instances) : GpuRequest.None;
    }

    private static int? Bounded(string resource, long count, List<PodError> errors)
    {
        if (count <= MaxDevices)
            return (int)count;
        errors.Add(new PodError($"resources.{resource}", $"{count}", $"is more than a node can have; the most is {MaxDevices}"));
        return null;
    }

    /// <summary>
    /// Its node; or, for a pod of another scheduler, the one that it was nominated to: room is being made for it there, which is
    /// not ours to give away.
    /// </summary>
    private static PodPlacement? Placement(WirePod pod, PodShape shape, AnnotationReader values, bool isManaged)
    {
        if (string.IsNullOrEmpty(pod.Spec.NodeName))
        {
            return isManaged || string.IsNullOrEmpty(pod.Status.NominatedNodeName) || pod.Metadata.DeletionTimestamp is not null
                ? null
                : new PodPlacement(new NodeName(pod.Status.NominatedNodeName), []);
        }

        // A record of devices that does not go with the request was written by somebody else: not knowing is safer than believing.
        var devices = values.Devices();
        return new PodPlacement(new NodeName(pod.Spec.NodeName), devices.Length == DevicesOf(shape) ? devices : []);
    }

    private static PodPlacement? ReservedRoom(PodShape shape, AnnotationReader values) =>
        values.Reservation() is { } room && room.Devices.Length == DevicesOf(shape) ? room : null;

    private static int DevicesOf(PodShape shape) => shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction ? shape.Gpu.Count : 0;

    private static DateTimeOffset? StartedAt(WirePod pod) =>
        pod.Status.StartTime
        ?? pod.Status.Conditions?.Find(condition => condition is { Type: "PodScheduled", Status: "True" })?.LastTransitionTime
        ?? pod.Metadata.CreationTimestamp;

    private static (string, string)? UnscheduledBecause(PodStatus status)
    {
        var condition = status.Conditions?.Find(condition => condition.Type == "PodScheduled");
        return condition is { Status: "False" } ? (condition.Reason ?? "", condition.Message ?? "") : null;
    }
}
