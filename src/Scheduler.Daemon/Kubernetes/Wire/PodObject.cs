namespace Scheduler.Daemon.Kubernetes.Wire;

internal sealed record PodObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public PodSpec Spec { get; set; } = new();
    public PodStatus Status { get; set; } = new();
}

internal sealed record PodSpec
{
    public string? NodeName { get; init; }
    public string? SchedulerName { get; init; }
    public int? Priority { get; init; }
    public string? PriorityClassName { get; init; }
    public string? PreemptionPolicy { get; init; }
    public long? TerminationGracePeriodSeconds { get; init; }
    public Dictionary<string, string>? NodeSelector { get; init; }
    public Affinity? Affinity { get; init; }
    public List<Toleration>? Tolerations { get; init; }
    public List<SchedulingGate>? SchedulingGates { get; init; }
    public List<Container>? Containers { get; init; }
    public List<Container>? InitContainers { get; init; }
    public List<TopologySpreadConstraint>? TopologySpreadConstraints { get; init; }
    public List<PodVolume>? Volumes { get; init; }

    /// <summary>The Workload object that says how pods start together (Kubernetes 1.35 and later).</summary>
    public WorkloadReference? WorkloadRef { get; init; }
    public Dictionary<string, QuantityText>? Overhead { get; init; }

    /// <summary>Requests of the pod as a whole (Kubernetes 1.32 and later); they replace the sum of the containers, resource by resource.</summary>
    public ResourceRequirements? Resources { get; init; }
}

internal sealed record Container
{
    public string? Name { get; init; }
    public ResourceRequirements? Resources { get; init; }
    public List<ContainerPort>? Ports { get; init; }

    /// <summary>"Always" on an init container makes it a sidecar: it starts before the containers and stays.</summary>
    public string? RestartPolicy { get; init; }
}

internal sealed record ResourceRequirements
{
    public Dictionary<string, QuantityText>? Requests { get; init; }
    public Dictionary<string, QuantityText>? Limits { get; init; }
}

internal sealed record SchedulingGate
{
    public string? Name { get; init; }
}

internal sealed record Toleration
{
    public string? Key { get; init; }
    public string? Operator { get; init; }
    public string? Value { get; init; }
    public string? Effect { get; init; }
}

internal sealed record Affinity
{
    public NodeAffinity? NodeAffinity { get; init; }
    public PodAffinity? PodAffinity { get; init; }
    public PodAffinity? PodAntiAffinity { get; init; }
}

/// <summary>Affinity and anti-affinity have the same form.</summary>
internal sealed record PodAffinity
{
    public List<PodAffinityTerm>? RequiredDuringSchedulingIgnoredDuringExecution { get; init; }
    public List<WeightedPodAffinityTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; init; }
}

internal sealed record WeightedPodAffinityTerm
{
    public int Weight { get; init; }
    public PodAffinityTerm? PodAffinityTerm { get; init; }
}

internal sealed record PodAffinityTerm
{
    public LabelSelector? LabelSelector { get; init; }
    public List<string>? Namespaces { get; init; }
    public LabelSelector? NamespaceSelector { get; init; }
    public string? TopologyKey { get; init; }
    public List<string>? MatchLabelKeys { get; init; }
    public List<string>? MismatchLabelKeys { get; init; }
}

internal sealed record TopologySpreadConstraint
{
    public int MaxSkew { get; init; }
    public string? TopologyKey { get; init; }
    public string? WhenUnsatisfiable { get; init; }
    public LabelSelector? LabelSelector { get; init; }
    public int? MinDomains { get; init; }
    public string? NodeAffinityPolicy { get; init; }
    public string? NodeTaintsPolicy { get; init; }
    public List<string>? MatchLabelKeys { get; init; }
}

internal sealed record ContainerPort
{
    public string? Name { get; init; }

    [System.Text.Json.Serialization.JsonPropertyName("containerPort")]
    public int? Number { get; init; }
    public int? HostPort { get; init; }
    public string? HostIP { get; init; }
    public string? Protocol { get; init; }
}

internal sealed record PodVolume
{
    public string? Name { get; init; }
    public ClaimSource? PersistentVolumeClaim { get; init; }

    /// <summary>A claim of the pod's own, which a controller makes from a template and names after pod and volume.</summary>
    public EphemeralSource? Ephemeral { get; init; }
}

internal sealed record ClaimSource
{
    public string? ClaimName { get; init; }
}

internal sealed record EphemeralSource;

internal sealed record WorkloadReference
{
    public string? Name { get; init; }
    public string? PodGroup { get; init; }
    public string? PodGroupReplicaKey { get; init; }
}

internal sealed record NodeAffinity
{
    public NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; init; }
    public List<PreferredTerm>? PreferredDuringSchedulingIgnoredDuringExecution { get; init; }
}

internal sealed record NodeSelector
{
    public List<NodeSelectorTerm>? NodeSelectorTerms { get; init; }
}

internal sealed record NodeSelectorTerm
{
    public List<SelectorRequirement>? MatchExpressions { get; init; }
    public List<SelectorRequirement>? MatchFields { get; init; }
}

internal sealed record SelectorRequirement
{
    public string? Key { get; init; }
    public string? Operator { get; init; }
    public List<string>? Values { get; init; }
}

internal sealed record PreferredTerm
{
    public int Weight { get; init; }
    public NodeSelectorTerm? Preference { get; init; }
}

internal sealed record PodStatus
{
    public string? Phase { get; init; }

    /// <summary>One word; of a pod that its kubelet turned away, why.</summary>
    public string? Reason { get; init; }
    public string? PodIP { get; init; }
    public string? NominatedNodeName { get; init; }
    public DateTimeOffset? StartTime { get; init; }
    public List<Condition>? Conditions { get; init; }
}

/// <summary>A strategic merge patch of pods/status: conditions are merged by type. The uid is a precondition, as in <see cref="MetadataPatch"/>.</summary>
internal sealed record PodStatusPatch
{
    public required PatchedMeta Metadata { get; init; }
    public required PodConditionsPatch Status { get; init; }
}

internal sealed record PodConditionsPatch
{
    public required List<Condition> Conditions { get; init; }
}

/// <summary>A merge patch of an object's metadata. A uid in it is a precondition: another object of the same name is not touched.</summary>
internal sealed record MetadataPatch
{
    public required PatchedMeta Metadata { get; init; }
}

internal sealed record PatchedMeta
{
    public string? Uid { get; init; }

    /// <summary>A null value removes the annotation.</summary>
    public Dictionary<string, string?>? Annotations { get; init; }
}
