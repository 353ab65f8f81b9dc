namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>Names of the annotations and labels that make up the contract with pods.</summary>
internal static class Annotations
{
    public const string Prefix = "weir.scheduler/";

    // What a pod may say.
    public const string PodGroup = Prefix + "pod-group";
    public const string MinMember = Prefix + "min-member";
    public const string ExpectedDuration = Prefix + "expected-duration";
    public const string PreemptionGrace = Prefix + "preemption-grace";
    public const string MinRuntime = Prefix + "min-runtime";
    public const string CheckpointedAt = Prefix + "checkpointed-at";
    public const string Preemptible = Prefix + "preemptible";
    public const string GpuFraction = Prefix + "gpu-fraction";
    public const string Topology = Prefix + "topology";

    // What Weir writes.
    public const string GpuDevices = Prefix + "gpu-devices";
    public const string PreemptBy = Prefix + "preempt-by";
    public const string PreemptedFor = Prefix + "preempted-for";
    public const string Reservation = Prefix + "reservation";
    public const string GpuHealth = Prefix + "gpu-health";
    public const string CommittedAt = Prefix + "committed-at";

    /// <summary>The label by which the scheduling SIG's PodGroup finds its pods.</summary>
    public const string PodGroupLabel = "scheduling.x-k8s.io/pod-group";

    public const string GpuResource = "nvidia.com/gpu";
    public const string MigResourcePrefix = "nvidia.com/mig-";
    public const string DefaultFlavorLabel = "nvidia.com/gpu.product";
}
