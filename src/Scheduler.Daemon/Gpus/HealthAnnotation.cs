using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Telemetry.Health;

namespace Scheduler.Daemon.Gpus;

/// <summary>
/// What is kept of a node's health in its annotation <c>weir.scheduler/gpu-health</c>, so that a restart or another leader goes on
/// from it. Only what is not plainly healthy is written.
/// </summary>
internal static class HealthAnnotation
{
    // All annotations of an object together may have 256 KiB.
    private const int MaxReason = 256;

    /// <summary>The text; null where there is nothing to remember.</summary>
    public static string? Write(GpuHealth health)
    {
        var document = new HealthDocument
        {
            Node = IsWorthKeeping(health.Node) ? SubjectDocument.Of(health.Node, "") : null,
            Devices = new SortedDictionary<int, SubjectDocument>(health.Devices.Where(device => IsWorthKeeping(device.Value))
                .ToDictionary(device => device.Key, device => SubjectDocument.Of(device.Value, health.UuidOf(device.Key)))),
        };
        return document.Node is null && document.Devices.Count == 0 ? null : JsonSerializer.Serialize(document, HealthJson.Default.HealthDocument);
    }

    /// <summary>Takes what is written into a node's health. False if it cannot be read; then nothing changes.</summary>
    public static bool TryRestore(GpuHealth health, string text, DateTimeOffset now)
    {
        try
        {
            if (JsonSerializer.Deserialize(text, HealthJson.Default.HealthDocument) is not { } document)
                return false;
            health.Restore(now, document.Node?.ToHealth(now), (document.Devices ?? []).Select(device => (device.Key, device.Value.Uuid ?? "", device.Value.ToHealth(now))));
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool IsWorthKeeping(SubjectHealth health) => health.State != HealthState.Healthy || health.Offences > 0;

    internal sealed record HealthDocument
    {
        public SubjectDocument? Node { get; init; }

        public SortedDictionary<int, SubjectDocument>? Devices { get; init; }
    }

    internal sealed record SubjectDocument
    {
        public HealthState State { get; init; }
        public string? Cause { get; init; }
        public string? Reason { get; init; }
        public DateTimeOffset? Since { get; init; }
        public int Offences { get; init; }
        public bool ByOperator { get; init; }
        public string? Accepted { get; init; }
        public string? Uuid { get; init; }

        public static SubjectDocument Of(SubjectHealth health, string uuid) => new()
        {
            State = health.State,
            Cause = Text(health.Cause),
            Reason = Text(health.Reason.Length <= MaxReason ? health.Reason : string.Concat(health.Reason.AsSpan(0, MaxReason - 1), "…")),
            Since = health.Since,
            Offences = health.Offences,
            ByOperator = health.IsByOperator,
            Accepted = Text(health.Accepted),
            Uuid = Text(uuid),
        };

        public SubjectHealth ToHealth(DateTimeOffset now) => new()
        {
            State = State,
            Cause = Cause ?? "",
            Reason = Reason ?? "",
            Since = Since is { } since && since < now ? since : now,
            Heard = now,
            Offences = Math.Max(0, Offences),
            IsByOperator = ByOperator && State == HealthState.Quarantined,
            Accepted = Accepted ?? "",
        };

        private static string? Text(string text) => text.Length == 0 ? null : text;
    }
}

/// <summary>The JSON of <see cref="HealthAnnotation"/>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(HealthAnnotation.HealthDocument))]
internal sealed partial class HealthJson : JsonSerializerContext;
