using System.Collections.Immutable;

namespace Scheduler.Cli.Views;

/// <summary>A GPU, or a node as a whole.</summary>
internal sealed record GpuView
{
    public required string Node { get; init; }

    /// <summary>Its number on the node; null for the node as a whole.</summary>
    public int? Device { get; init; }

    public string Model { get; init; } = "";

    public string Uuid { get; init; } = "";

    /// <summary>Healthy, Suspect, Quarantined or Probation.</summary>
    public required string Health { get; init; }

    /// <summary>Why, in one word; empty if healthy.</summary>
    public required string Cause { get; init; }

    /// <summary>Why, in words; empty if healthy.</summary>
    public required string Reason { get; init; }

    public required DateTimeOffset Since { get; init; }

    /// <summary>Whether the node's exporter was not heard for too long.</summary>
    public bool IsSilent { get; init; }

    public double? TemperatureCelsius { get; init; }

    /// <summary>How busy, 0 to 1.</summary>
    public double? Activity { get; init; }

    public double? MemoryUsedMebibytes { get; init; }

    public double? MemoryTotalMebibytes { get; init; }

    /// <summary>As NAMESPACE/NAME.</summary>
    public ImmutableArray<string> Pods { get; init; } = [];

    public ImmutableArray<string> Tenants { get; init; } = [];
}
