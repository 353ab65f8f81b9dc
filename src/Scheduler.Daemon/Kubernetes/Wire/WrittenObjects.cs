using System.Globalization;

namespace Scheduler.Daemon.Kubernetes.Wire;

internal sealed record LeaseObject : IWireObject
{
    public string ApiVersion { get; set; } = "coordination.k8s.io/v1";
    public string Kind { get; set; } = "Lease";
    public ObjectMeta Metadata { get; set; } = new();
    public LeaseSpec Spec { get; set; } = new();
}

/// <summary>Times are text because the API server reads them with exactly six fraction digits (<see cref="MicroTime"/>).</summary>
internal sealed record LeaseSpec
{
    public string? HolderIdentity { get; init; }
    public int? LeaseDurationSeconds { get; init; }
    public string? AcquireTime { get; init; }
    public string? RenewTime { get; init; }
    public int? LeaseTransitions { get; init; }
}

internal static class MicroTime
{
    /// <summary>RFC 3339 with microseconds, the only form that the API server takes for the times of a Lease or Event.</summary>
    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>RFC 3339 with whole seconds, for annotations that people read.</summary>
    public static string FormatSeconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

internal sealed record BindingObject
{
    public string ApiVersion { get; set; } = "v1";
    public string Kind { get; set; } = "Binding";
    public required ObjectMeta Metadata { get; init; }
    public required ObjectReference Target { get; init; }
}

internal sealed record EvictionObject
{
    public required string ApiVersion { get; init; }
    public string Kind { get; set; } = "Eviction";
    public required ObjectMeta Metadata { get; init; }
    public required DeleteOptions DeleteOptions { get; init; }
}

internal sealed record DeleteOptions
{
    public Preconditions? Preconditions { get; init; }
    public long? GracePeriodSeconds { get; init; }
}

internal sealed record Preconditions
{
    public string? Uid { get; init; }
}

internal sealed record EventObject
{
    public string ApiVersion { get; set; } = "v1";
    public string Kind { get; set; } = "Event";
    public required ObjectMeta Metadata { get; init; }
    public required ObjectReference InvolvedObject { get; init; }
    public required string Type { get; init; }
    public required string Reason { get; init; }
    public required string Message { get; init; }
    public required string Action { get; init; }
    public required string ReportingComponent { get; init; }
    public required string ReportingInstance { get; init; }
    public required DateTimeOffset FirstTimestamp { get; init; }
    public required DateTimeOffset LastTimestamp { get; init; }
    public required EventSource Source { get; init; }
    public int Count { get; set; } = 1;
}

internal sealed record EventSource
{
    public required string Component { get; init; }
}
