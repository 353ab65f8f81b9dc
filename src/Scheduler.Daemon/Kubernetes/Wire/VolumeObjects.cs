namespace Scheduler.Daemon.Kubernetes.Wire;

internal sealed record ClaimObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public ClaimSpec Spec { get; set; } = new();
    public ClaimStatus Status { get; set; } = new();
}

internal sealed record ClaimSpec
{
    public string? VolumeName { get; init; }
    public string? StorageClassName { get; init; }
}

internal sealed record ClaimStatus
{
    public string? Phase { get; init; }
}

internal sealed record VolumeObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public VolumeSpec Spec { get; set; } = new();
}

internal sealed record VolumeSpec
{
    public ObjectReference? ClaimRef { get; init; }
    public CsiSource? Csi { get; init; }
    public VolumeNodeAffinity? NodeAffinity { get; init; }
}

internal sealed record CsiSource
{
    public string? Driver { get; init; }
    public string? VolumeHandle { get; init; }
}

internal sealed record VolumeNodeAffinity
{
    public NodeSelector? Required { get; init; }
}

internal sealed record StorageClassObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public string? Provisioner { get; init; }
    public string? VolumeBindingMode { get; init; }
    public List<TopologySelectorTerm>? AllowedTopologies { get; init; }
}

internal sealed record TopologySelectorTerm
{
    public List<TopologySelectorRequirement>? MatchLabelExpressions { get; init; }
}

internal sealed record TopologySelectorRequirement
{
    public string? Key { get; init; }
    public List<string>? Values { get; init; }
}

internal sealed record CsiNodeObject : IWireObject
{
    public ObjectMeta Metadata { get; set; } = new();
    public CsiNodeSpec Spec { get; set; } = new();
}

internal sealed record CsiNodeSpec
{
    public List<CsiNodeDriver>? Drivers { get; init; }
}

internal sealed record CsiNodeDriver
{
    public string? Name { get; init; }
    public CsiNodeAllocatable? Allocatable { get; init; }
}

internal sealed record CsiNodeAllocatable
{
    public int? Count { get; init; }
}
