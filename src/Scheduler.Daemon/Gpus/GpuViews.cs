using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Telemetry.Devices;
using Scheduler.Telemetry.Health;

namespace Scheduler.Daemon.Gpus;

/// <summary>A device and what is known of it.</summary>
/// <param name="Index">Its number on the node.</param>
/// <param name="Health">Its health.</param>
/// <param name="Reading">The last that its exporter said of the device itself; null if it is not known, or stale.</param>
internal sealed record DeviceView(int Index, SubjectHealth Health, GpuReading? Reading);

/// <summary>A node with GPUs and what is known of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Health">Its health as a whole.</param>
/// <param name="HeardAt">When its exporter was last heard; null if it never was.</param>
/// <param name="IsSilent">Whether it has an exporter that was not heard for too long.</param>
/// <param name="Devices">Its devices by number.</param>
internal sealed record NodeView(NodeName Name, SubjectHealth Health, DateTimeOffset? HeardAt, bool IsSilent, ImmutableArray<DeviceView> Devices);

/// <summary>A node whose annotation does not say what is known of it.</summary>
internal sealed record HealthChange(NodeName Node, string Uid, string? Text);
