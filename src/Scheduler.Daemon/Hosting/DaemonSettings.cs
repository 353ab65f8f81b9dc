using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Options;

namespace Scheduler.Daemon.Hosting;

/// <summary>How log lines look.</summary>
public enum LogFormat
{
    /// <summary>For people, one line for each message.</summary>
    Text,

    /// <summary>One JSON object on each line.</summary>
    Json,
}

/// <summary>
/// Everything that a daemon is made from. Which API server: <see cref="Server"/>, else <see cref="KubeconfigPath"/>, else
/// <see cref="InCluster"/>; with none of them, KUBECONFIG, then the kubeconfig in the home folder, then the cluster that it runs in.
/// </summary>
public sealed record DaemonSettings
{
    /// <summary>Address of an API server that asks for no credentials, such as the embedded one.</summary>
    public Uri? Server { get; init; }

    /// <summary>Path of a kubeconfig.</summary>
    public string? KubeconfigPath { get; init; }

    /// <summary>A context of the kubeconfig; null for its current one.</summary>
    public string? KubeContext { get; init; }

    /// <summary>Use the service account of the pod that the daemon runs in.</summary>
    public bool InCluster { get; init; }

    /// <summary>Section <c>kubernetes</c>.</summary>
    public KubernetesOptions Kubernetes { get; init; } = new();

    /// <summary>Section <c>scheduling</c>.</summary>
    public SchedulingOptions Scheduling { get; init; } = new();

    /// <summary>Section <c>leadership</c>.</summary>
    public LeadershipOptions Leadership { get; init; } = new();

    /// <summary>Section <c>api</c>.</summary>
    public ApiOptions Api { get; init; } = new();

    /// <summary>Section <c>extender</c>.</summary>
    public ExtenderOptions Extender { get; init; } = new();

    /// <summary>Section <c>telemetry</c>.</summary>
    public TelemetryOptions Telemetry { get; init; } = new();

    /// <summary>Section <c>journal</c>.</summary>
    public JournalOptions Journal { get; init; } = new();

    /// <summary>
    /// Serve everybody on the gRPC port without asking who it is. On loopback addresses only; for a cluster in this process, as
    /// <c>weir up</c> has it. No configuration file can set it. Default false.
    /// </summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>Form of the log, which goes to stderr. Default text.</summary>
    public LogFormat LogFormat { get; init; }

    /// <summary>The least level that is logged. <see cref="LogLevel.None"/> for silence, as under a live view. Default Information.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Spreads waits that many would end together: numbers from 0 up to 1. Default random.</summary>
    internal Func<double> Jitter { get; init; } = Backoff.RandomJitter;

    /// <summary>Whether forecasts are made. They take a thread of their own, which a host on virtual time cannot give. Default true.</summary>
    internal bool MakesForecasts { get; init; } = true;
}
