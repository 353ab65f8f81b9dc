using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Scheduler.Daemon.Options;

/// <summary>Section <c>telemetry</c>: how the exporters of GPU metrics are read, and what makes a GPU sick.</summary>
public sealed class TelemetryOptions
{
    /// <summary>Whether exporters are read at all. Without them health is what operators and kubelets say. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// Label selectors of the exporters' pods, at most 8. Default: those of NVIDIA's GPU operator and of the chart dcgm-exporter.
    /// </summary>
    public IReadOnlyList<string> ExporterSelectors { get; set; } = ["app=nvidia-dcgm-exporter", "app.kubernetes.io/name=dcgm-exporter"];

    /// <summary>Addresses to read besides the pods, such as <c>http://10.0.0.7:9400/metrics</c> or a Prometheus' <c>/federate</c>; at most 10000. Default none.</summary>
    public IReadOnlyList<string> Targets { get; set; } = [];

    /// <summary>The port of an exporter's pod that says none, 1 to 65535. Default 9400.</summary>
    [Range(1, 65_535)]
    public int ExporterPort { get; set; } = 9400;

    /// <summary>Seconds between two reads of an exporter, 1 to 600; each wait is up to a tenth longer or shorter. Default 15.</summary>
    [Range(1, 600)]
    public int IntervalSeconds { get; set; } = 15;

    /// <summary>Seconds that one read may take, 1 to 60. Default 5.</summary>
    [Range(1, 60)]
    public int TimeoutSeconds { get; set; } = 5;

    /// <summary>Reads under way at once, 1 to 1024. Default 32.</summary>
    [Range(1, 1024)]
    public int Concurrency { get; set; } = 32;

    /// <summary>The most that is read of one answer, in MiB, 1 to 256; the rest is left out and told. Default 16.</summary>
    [Range(1, 256)]
    public int MaxBodyMebibytes { get; set; } = 16;

    /// <summary>Seconds without a read after which an exporter is silent, 10 to 86400. Default 90.</summary>
    [Range(10, 86_400)]
    public int StaleSeconds { get; set; } = 90;

    /// <summary>A device at this temperature is suspect, in °C, 30 to 150. Default 90.</summary>
    [Range(30, 150)]
    public int HotCelsius { get; set; } = 90;

    /// <summary>Seconds without trouble after which a quarantined device is tried again, 1 to 604800; each further offence doubles it, up to a day or this if it is longer. Default 1800.</summary>
    [Range(1, 604_800)]
    public int CleanSeconds { get; set; } = 1800;

    /// <summary>Seconds on probation until a device is healthy again, 1 to 604800. Default 3600.</summary>
    [Range(1, 604_800)]
    public int ProbationSeconds { get; set; } = 3600;

    /// <summary>A node that turns so many pods away, and starts none between them, gets no more, 1 to 100. Default 3.</summary>
    [Range(1, 100)]
    public int RejectionLimit { get; set; } = 3;

    /// <summary>
    /// What XIDs lead to, over the built-in table: the code, then <c>note</c>, <c>device</c> (quarantine it) or <c>node</c> (quarantine
    /// all of it), a colon and the reason, as in <c>"79": "node: the device fell off the bus"</c>. Default none.
    /// </summary>
    public IReadOnlyDictionary<string, string> Xids { get; set; } = new Dictionary<string, string>();

    /// <summary>A pod whose GPUs did nothing for so many seconds is idle, and costs least where one has to make way, 60 to 86400. Default 600.</summary>
    [Range(60, 86_400)]
    public int IdleWindowSeconds { get; set; } = 600;

    /// <summary>The most that a GPU that does nothing is busy, in percent, 0 to 50. Default 2.</summary>
    [Range(0, 50)]
    public int IdleActivityPercent { get; set; } = 2;

    /// <summary>The most of its memory that a GPU that does nothing has in use, in percent, 0 to 100. Default 10.</summary>
    [Range(0, 100)]
    public int IdleMemoryPercent { get; set; } = 10;

    /// <summary>Whether preemptible pods on a quarantined device are told to go, with their grace, and evicted. Default true.</summary>
    public bool MoveWork { get; set; } = true;
}

/// <summary>Checks the ranges on <see cref="TelemetryOptions"/>.</summary>
[OptionsValidator]
public sealed partial class TelemetryOptionsRangeValidator : IValidateOptions<TelemetryOptions>;
