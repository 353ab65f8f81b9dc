namespace Scheduler.Daemon.Gpus;

/// <summary>An exporter that is read.</summary>
/// <param name="Address">Where.</param>
/// <param name="Node">The node that it speaks of; null if its answer says so, as that of a Prometheus does.</param>
internal sealed record ExporterTarget(Uri Address, string? Node);
