using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>A cluster and its quotas as they would be with the knobs at these values.</summary>
internal sealed class Setting
{
    /// <summary>The value of each knob.</summary>
    public required ImmutableArray<decimal> Values { get; init; }

    /// <summary>The cluster.</summary>
    public required ImmutableArray<Node> Nodes { get; init; }

    /// <summary>The quotas; empty where they are impossible.</summary>
    public required TenantTree Tenants { get; init; }

    /// <summary>Installed GPUs: what it costs.</summary>
    public required int Gpus { get; init; }

    /// <summary>Why it cannot be had; null if it can.</summary>
    public string? WhyImpossible { get; init; }
}
