namespace Scheduler.Daemon.Kubernetes.Wire;

internal sealed record NodeObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public NodeSpec Spec { get; set; } = new();
    public NodeStatus Status { get; set; } = new();
}

internal sealed record NodeSpec
{
    public bool? Unschedulable { get; init; }
    public List<Taint>? Taints { get; init; }
}

internal sealed record Taint
{
    public string? Key { get; init; }
    public string? Value { get; init; }
    public string? Effect { get; init; }
}

internal sealed record NodeStatus
{
    public Dictionary<string, QuantityText>? Allocatable { get; init; }
    public Dictionary<string, QuantityText>? Capacity { get; init; }
    public List<Condition>? Conditions { get; init; }
}

internal sealed record NamespaceObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
}

/// <summary>weir.scheduler/v1 Tenant.</summary>
internal sealed record TenantObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public TenantSpec Spec { get; set; } = new();
    public TenantStatus? Status { get; init; }
}

internal sealed record TenantSpec
{
    public string? Parent { get; init; }
    public List<string>? Namespaces { get; init; }
    public int? Weight { get; init; }
    public string? Order { get; init; }
    public bool? Suspended { get; init; }
    public bool? SharesDevices { get; init; }
    public Dictionary<string, string>? NodePool { get; init; }
    public List<TenantQuota>? Quotas { get; init; }
}

internal sealed record TenantQuota
{
    public string? Flavor { get; init; }
    public QuantityText? Guaranteed { get; init; }
    public QuantityText? Burst { get; init; }
    public QuantityText? LendingLimit { get; init; }
}

internal sealed record TenantStatus
{
    public long? ObservedGeneration { get; init; }
    public string? Guaranteed { get; init; }
    public string? Limit { get; init; }
    public string? Used { get; init; }
    public int? PendingWorkloads { get; init; }
    public List<Condition>? Conditions { get; init; }
}

/// <summary>A merge patch of tenants/status.</summary>
internal sealed record TenantStatusPatch
{
    public required TenantStatus Status { get; init; }
}

/// <summary>scheduling.x-k8s.io/v1alpha1 PodGroup.</summary>
internal sealed record PodGroupObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public PodGroupSpec Spec { get; set; } = new();
}

internal sealed record PodGroupSpec
{
    public int? MinMember { get; init; }
    public int? ScheduleTimeoutSeconds { get; init; }
}

/// <summary>scheduling.k8s.io/v1alpha1 Workload.</summary>
internal sealed record WorkloadObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public WorkloadSpec Spec { get; set; } = new();
}

internal sealed record WorkloadSpec
{
    public List<WorkloadPodGroup>? PodGroups { get; init; }
}

internal sealed record WorkloadPodGroup
{
    public string? Name { get; init; }
    public PodGroupPolicy? Policy { get; init; }
}

/// <summary>Either gang or basic, which lets each pod start by itself.</summary>
internal sealed record PodGroupPolicy
{
    public GangPolicy? Gang { get; init; }
}

internal sealed record GangPolicy
{
    public int? MinCount { get; init; }
}

/// <summary>policy/v1 or policy/v1beta1 PodDisruptionBudget.</summary>
internal sealed record DisruptionBudgetObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public DisruptionBudgetSpec Spec { get; set; } = new();
    public DisruptionBudgetStatus Status { get; set; } = new();
}

internal sealed record DisruptionBudgetSpec
{
    public LabelSelector? Selector { get; init; }
}

internal sealed record LabelSelector
{
    public Dictionary<string, string>? MatchLabels { get; init; }
    public List<SelectorRequirement>? MatchExpressions { get; init; }
}

internal sealed record DisruptionBudgetStatus
{
    public int? DisruptionsAllowed { get; init; }
}
