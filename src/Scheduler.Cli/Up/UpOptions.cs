using Scheduler.Cli.Commands;

namespace Scheduler.Cli.Up;

/// <summary>What the user asked <c>weir up</c> for.</summary>
internal sealed record UpOptions
{
    public string? NodeFile { get; init; }

    public string? TenantFile { get; init; }

    public string? WorkloadFile { get; init; }

    public string? PolicyFile { get; init; }

    /// <summary>Rows of a pod list to take.</summary>
    public int? Limit { get; init; }

    public int? Port { get; init; }

    public int? ApiPort { get; init; }

    public double? Speed { get; init; }

    public TimeSpan? For { get; init; }

    /// <summary>Faults to inject, as they were written.</summary>
    public IReadOnlyList<string> Injections { get; init; } = [];

    public OutputFormat Output { get; init; }

    public bool IsVerbose { get; init; }

    /// <summary>Whether it ends by itself once its workload has settled.</summary>
    public bool EndsWhenSettled => For is null && Output == OutputFormat.Json;
}
