namespace Scheduler.Core.Model;

/// <summary>Name of a tenant. Ordered ordinally, like every id here.</summary>
public readonly record struct TenantId(string Value) : IComparable<TenantId>
{
    /// <inheritdoc />
    public int CompareTo(TenantId other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc />
    public override string ToString() => Value;
}

/// <summary>Name of a node, unique in the cluster.</summary>
public readonly record struct NodeName(string Value) : IComparable<NodeName>
{
    /// <inheritdoc />
    public int CompareTo(NodeName other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc />
    public override string ToString() => Value;
}

/// <summary>Identity of a pod: its UID, which no second pod of the same name shares.</summary>
public readonly record struct PodId(string Value) : IComparable<PodId>
{
    /// <inheritdoc />
    public int CompareTo(PodId other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc />
    public override string ToString() => Value;
}

/// <summary>Identity of a workload: a single pod, or a gang.</summary>
public readonly record struct WorkloadId(string Value) : IComparable<WorkloadId>
{
    /// <inheritdoc />
    public int CompareTo(WorkloadId other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc />
    public override string ToString() => Value;
}

/// <summary>A GPU product as a quota unit, such as <c>NVIDIA-H100-80GB-HBM3</c>.</summary>
public readonly record struct FlavorId(string Value) : IComparable<FlavorId>
{
    /// <summary>The quota name that stands for any GPU. Never the flavor of a node.</summary>
    public static readonly FlavorId Any = new("*");

    /// <summary>The flavor of GPUs on a node that does not say which product it has.</summary>
    public static readonly FlavorId Unlabelled = new("unlabelled");

    /// <inheritdoc />
    public int CompareTo(FlavorId other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc />
    public override string ToString() => Value;
}
