namespace Scheduler.SimulatedCluster;

/// <summary>A taint of a simulated node.</summary>
/// <param name="Key">The key, a qualified name.</param>
/// <param name="Value">The value; may be empty.</param>
/// <param name="Effect">NoSchedule, PreferNoSchedule or NoExecute.</param>
public sealed record SimulatedTaint(string Key, string Value, string Effect);

/// <summary>A node that exists from the start, with the GPUs that it has.</summary>
public sealed record SimulatedNode
{
    /// <summary>The name, a DNS subdomain.</summary>
    public required string Name { get; init; }

    /// <summary>CPU in thousandths of a core. Default 96,000.</summary>
    public long CpuMillis { get; init; } = 96_000;

    /// <summary>Memory in bytes. Default 1 TiB.</summary>
    public long MemoryBytes { get; init; } = 1L << 40;

    /// <summary>The most pods at a time. Default 110.</summary>
    public int Pods { get; init; } = 110;

    /// <summary>Whole GPUs (<c>nvidia.com/gpu</c>). Default 0.</summary>
    public int Gpus { get; init; }

    /// <summary>The GPU product, as in the label <c>nvidia.com/gpu.product</c>. Null if the node has no GPUs or does not say.</summary>
    public string? GpuModel { get; init; }

    /// <summary>MIG instances by profile: <c>1g.5gb</c> becomes the resource <c>nvidia.com/mig-1g.5gb</c>.</summary>
    public IReadOnlyDictionary<string, int> MigProfiles { get; init; } = new Dictionary<string, int>();

    /// <summary>More labels; they win over the ones that are set by themselves.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Taints.</summary>
    public IReadOnlyList<SimulatedTaint> Taints { get; init; } = [];
}
