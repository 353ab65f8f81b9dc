using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Scheduler.Daemon.Options;

/// <summary>Section <c>kubernetes</c>: how the API server is talked to.</summary>
public sealed class KubernetesOptions
{
    /// <summary>Pods with this schedulerName are placed. Default <c>weir</c>.</summary>
    [Required, StringLength(253, MinimumLength = 1)]
    public string SchedulerName { get; set; } = "weir";

    /// <summary>The node label that names the GPU product. Default <c>nvidia.com/gpu.product</c>.</summary>
    [Required, StringLength(317, MinimumLength = 1)]
    public string FlavorLabel { get; set; } = "nvidia.com/gpu.product";

    /// <summary>Objects in one page of a list, 50 to 5000. Default 500.</summary>
    [Range(50, 5000)]
    public int ListPageSize { get; set; } = 500;

    /// <summary>Seconds of silence after which a watch counts as dead, 10 to 3600. Default 120; the API server sends a bookmark about every minute.</summary>
    [Range(10, 3600)]
    public int StalledWatchSeconds { get; set; } = 120;

    /// <summary>The longest wait between two attempts to list or watch, in seconds, 1 to 300. Default 30.</summary>
    [Range(1, 300)]
    public int WatchBackoffCapSeconds { get; set; } = 30;

    /// <summary>Seconds that one request may take, 1 to 300. Default 15.</summary>
    [Range(1, 300)]
    public int RequestTimeoutSeconds { get; set; } = 15;

    /// <summary>Bindings under way at once, 1 to 1024. Default 64.</summary>
    [Range(1, 1024)]
    public int BindConcurrency { get; set; } = 64;

    /// <summary>Attempts at one binding before it is given up, 1 to 20. Default 5.</summary>
    [Range(1, 20)]
    public int BindAttempts { get; set; } = 5;

    /// <summary>The longest wait of a pod whose binding fails again and again, in seconds, 1 to 3600. Default 300.</summary>
    [Range(1, 3600)]
    public int BindBackoffCapSeconds { get; set; } = 300;

    /// <summary>Seconds that the watch may take to show a binding, 1 to 600. Default 30.</summary>
    [Range(1, 600)]
    public int ConfirmBindingSeconds { get; set; } = 30;

    /// <summary>Conditions and Events written per second, 1 to 10000. Default 50. What is beyond waits; only the newest state of a pod is written.</summary>
    [Range(1, 10_000)]
    public int StatusWritesPerSecond { get; set; } = 50;
}

/// <summary>Section <c>scheduling</c>: the loop and the policy.</summary>
public sealed class SchedulingOptions
{
    /// <summary>The least time between the starts of two cycles in milliseconds, 0 to 60000, to plan what arrives together in one go. Default 20.</summary>
    [Range(0, 60_000)]
    public int MinCycleIntervalMilliseconds { get; set; } = 20;

    /// <summary>The most time between two cycles in seconds, whether or not anything happens, 1 to 3600: protection times run out without an event. Default 10.</summary>
    [Range(1, 3600)]
    public int MaxCycleIntervalSeconds { get; set; } = 10;

    /// <summary>The most of the cluster's GPUs that one top-level tenant may use, in thousandths, 1 to 1000. Unset: no such cap.</summary>
    [Range(1, 1000)]
    public int? MaxShareOfClusterPermille { get; set; }

    /// <summary>Protection from reclaim after a start, in seconds, for pods that do not say, 0 to 86400. Default 0.</summary>
    [Range(0, 86_400)]
    public int DefaultMinRuntimeSeconds { get; set; }

    /// <summary>Time between notice and eviction, in seconds, for pods that do not say, 0 to 86400. Default 0.</summary>
    [Range(0, 86_400)]
    public int DefaultPreemptionGraceSeconds { get; set; }

    /// <summary>What a preemption costs besides the work since the last checkpoint, in seconds, 0 to 86400: the time to start again. Default 60.</summary>
    [Range(0, 86_400)]
    public int RestartCostSeconds { get; set; } = 60;

    /// <summary>Whether a tenant below its entitlement may take from one above it though neither has a guarantee at stake. Default true.</summary>
    public bool FairShareReclaim { get; set; } = true;

    /// <summary>Blocked workloads of each tenant for which room is reserved ahead of time, the first in order first, 0 to 100. Default 1.</summary>
    [Range(0, 100)]
    public int ReservationsPerTenant { get; set; } = 1;

    /// <summary>Node labels that name topology domains, the widest first, such as zone, rack, NVLink island; at most 8. Default none.</summary>
    public IReadOnlyList<string> TopologyLevels { get; set; } = [];

    /// <summary>Labels of nodes that every tenant may use, whatever its node pool. Default none.</summary>
    public IReadOnlyDictionary<string, string> BurstNodes { get; set; } = new Dictionary<string, string>();

    /// <summary>Weight of the fragmentation score, 0 (ignored) to 100. Default 100.</summary>
    [Range(0, 100)]
    public int FragmentationWeight { get; set; } = 100;

    /// <summary>Weight of filling nodes that are in use, 0 to 100. Default 1: a tie-break.</summary>
    [Range(0, 100)]
    public int PackingWeight { get; set; } = 1;

    /// <summary>Weight of the pods' own preferences, 0 to 100. Default 50.</summary>
    [Range(0, 100)]
    public int PreferenceWeight { get; set; } = 50;
}

/// <summary>Section <c>leadership</c>: which of several replicas writes.</summary>
public sealed class LeadershipOptions
{
    /// <summary>Whether replicas elect a leader. False only where there can be one: two without election would both write. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Name of the Lease. Default <c>weir</c>, the one that deploy/base/rbac.yaml allows.</summary>
    [Required, StringLength(253, MinimumLength = 1)]
    public string LeaseName { get; set; } = "weir";

    /// <summary>Namespace of the Lease. Default <c>weir-system</c>.</summary>
    [Required, StringLength(63, MinimumLength = 1)]
    public string LeaseNamespace { get; set; } = "weir-system";

    /// <summary>This replica's name, unique among all. Empty: the host name and a random part.</summary>
    [StringLength(200)]
    public string Identity { get; set; } = "";

    /// <summary>Seconds after the last sign of life before another replica takes over, 3 to 600. Default 15.</summary>
    [Range(3, 600)]
    public int LeaseDurationSeconds { get; set; } = 15;

    /// <summary>Seconds after its last renewal that a leader still writes, 2 to 599, less than the lease duration. Default 10.</summary>
    [Range(2, 599)]
    public int RenewDeadlineSeconds { get; set; } = 10;

    /// <summary>Seconds between two attempts, 1 to 300, less than the renew deadline. Default 2.</summary>
    [Range(1, 300)]
    public int RetryPeriodSeconds { get; set; } = 2;
}

/// <summary>Section <c>api</c>: what the daemon serves.</summary>
public sealed class ApiOptions
{
    /// <summary>Address that the ports are opened on. Default <c>127.0.0.1</c>: what is served is for this machine unless said otherwise.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Port of /healthz, /readyz and /metrics (HTTP/1), 0 to 65535; 0 takes a free one. Default 8080.</summary>
    [Range(0, 65_535)]
    public int HttpPort { get; set; } = 8080;

    /// <summary>Port of gRPC (HTTP/2), 0 to 65535; 0 takes a free one. Default 7461, which <c>weir queue</c> asks.</summary>
    [Range(0, 65_535)]
    public int GrpcPort { get; set; } = 7461;

    /// <summary>Streams of WatchPosition and ExportCluster open at once, 1 to 100000; beyond it RESOURCE_EXHAUSTED. Default 1000.</summary>
    [Range(1, 100_000)]
    public int MaxWatchers { get; set; } = 1000;

    /// <summary>Certificate of the gRPC port in PEM, the issuers after it; read again when it changes. Empty: no TLS, on a loopback address only. Default empty.</summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>The certificate's private key in PEM, without a password. Default empty.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>Authorities in PEM: callers may show a certificate of one of them instead of a token. Read at the start. Default empty.</summary>
    public string ClientAuthorityFile { get; set; } = "";

    /// <summary>Requests that one caller may make in a second, 1 to 100000; twice as many at once. Default 50.</summary>
    [Range(1, 100_000)]
    public int RequestsPerSecond { get; set; } = 50;

    /// <summary>Connections open at once on all ports together, 10 to 1000000. Default 4000.</summary>
    [Range(10, 1_000_000)]
    public int MaxConnections { get; set; } = 4000;

    /// <summary>Workloads that have ended and are remembered, for <c>weir export</c>, 0 to 1000000; the oldest are forgotten first. Default 10000.</summary>
    [Range(0, 1_000_000)]
    public int HistoryWorkloads { get; set; } = 10_000;

    /// <summary>Whether gRPC reflection is served. Default true.</summary>
    public bool Reflection { get; set; } = true;
}

/// <summary>Checks the ranges on <see cref="KubernetesOptions"/>.</summary>
[OptionsValidator]
public sealed partial class KubernetesOptionsValidator : IValidateOptions<KubernetesOptions>;

/// <summary>Checks the ranges on <see cref="SchedulingOptions"/>.</summary>
[OptionsValidator]
public sealed partial class SchedulingOptionsValidator : IValidateOptions<SchedulingOptions>;

/// <summary>Checks the ranges on <see cref="LeadershipOptions"/>.</summary>
[OptionsValidator]
public sealed partial class LeadershipOptionsRangeValidator : IValidateOptions<LeadershipOptions>;

/// <summary>Checks the ranges on <see cref="ApiOptions"/>.</summary>
[OptionsValidator]
public sealed partial class ApiOptionsRangeValidator : IValidateOptions<ApiOptions>;
