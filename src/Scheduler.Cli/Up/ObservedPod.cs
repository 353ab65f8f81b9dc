using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Scheduler.Cli.Workloads;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Cli.Up;

/// <summary>A pod as the API server shows it, as far as the view and the audit need it.</summary>
internal sealed record ObservedPod
{
    public required string Uid { get; init; }

    public required string Namespace { get; init; }

    public required string Name { get; init; }

    /// <summary>Null while it is not bound.</summary>
    public string? Node { get; init; }

    public ImmutableArray<int> Devices { get; init; } = [];

    /// <summary>Milli-GPU that it takes of each of its devices: 1000, or its fraction, or 0.</summary>
    public long MilliPerDevice { get; init; }

    /// <summary>What it takes of its node by resource: milli-CPU, bytes, milli-GPU (fractions included), MIG instances.</summary>
    public ImmutableDictionary<string, long> Requests { get; init; } = ImmutableDictionary<string, long>.Empty;

    public string Phase { get; init; } = "Pending";

    public bool IsDeleting { get; init; }

    /// <summary>For whom, or because of what, Weir told it to go; null if it did not.</summary>
    public string? PreemptedFor { get; init; }

    /// <summary>Whether Weir told it to go.</summary>
    public bool IsPreempted => PreemptedFor is not null;

    /// <summary>Whether that was because its GPU is sick, and nobody else gets its room.</summary>
    public bool IsMovedForHealth => PreemptedFor == PreemptionNotice.GpuHealth.Value;

    public bool IsFinished => Phase is "Succeeded" or "Failed";

    /// <summary>Bound and neither finished nor gone: holds its room.</summary>
    public bool HoldsRoom => Node is not null && !IsFinished;

    public bool IsPending => Node is null && !IsFinished;

    public string FullName => $"{Namespace}/{Name}";

    /// <summary>Reads a pod of the API.</summary>
    public static ObservedPod Of(JsonElement pod)
    {
        var metadata = pod.GetProperty("metadata");
        var spec = pod.GetProperty("spec");
        var status = pod.TryGetProperty("status", out var given) ? given : default;
        var requests = RequestsOf(spec);
        var fraction = Annotation(metadata, Manifests.FractionAnnotation) is { } text && AmountText.TryMilli(text, out var milli) ? milli : 0;
        var whole = requests.GetValueOrDefault(Manifests.GpuResource);
        return new ObservedPod
        {
            Uid = metadata.GetProperty("uid").GetString()!,
            Namespace = metadata.GetProperty("namespace").GetString()!,
            Name = metadata.GetProperty("name").GetString()!,
            Node = Text(spec, "nodeName"),
            Devices = DevicesOf(Annotation(metadata, Manifests.DevicesAnnotation)),
            MilliPerDevice = whole > 0 ? GpuRequest.MilliPerDevice : fraction,
            Requests = whole > 0 || fraction == 0 ? requests : requests.SetItem(Manifests.GpuResource, fraction),
            Phase = Text(status, "phase") ?? "Pending",
            IsDeleting = Text(metadata, "deletionTimestamp") is not null,
            PreemptedFor = Annotation(metadata, Manifests.AnnotationPrefix + "preempted-for"),
        };
    }

    /// <summary>A resource list of the API in whole numbers: thousandths of CPU and of GPUs, bytes, instances.</summary>
    public static IEnumerable<KeyValuePair<string, long>> Amounts(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        foreach (var property in list.EnumerateObject())
        {
            var text = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : property.Value.GetRawText();
            var isMilli = property.Name is "cpu" or Manifests.GpuResource;
            if (isMilli ? AmountText.TryMilli(text, out var amount) : AmountText.TryBytes(text, out amount))
            {
                yield return new(property.Name, amount);
            }
        }
    }

    private static ImmutableDictionary<string, long> RequestsOf(JsonElement spec)
    {
        var sums = ImmutableDictionary.CreateBuilder<string, long>();
        foreach (var container in spec.GetProperty("containers").EnumerateArray())
        {
            if (container.TryGetProperty("resources", out var resources) && resources.TryGetProperty("requests", out var requests))
            {
                foreach (var (name, amount) in Amounts(requests))
                {
                    sums[name] = sums.GetValueOrDefault(name) + amount;
                }
            }
        }

        return sums.ToImmutable();
    }

    private static ImmutableArray<int> DevicesOf(string? text) => string.IsNullOrEmpty(text)
        ? []
        : [.. text.Split(',').Select(part => int.TryParse(part, NumberStyles.None, NumberFormatInfo.InvariantInfo, out var index) ? index : -1)];

    private static string? Annotation(JsonElement metadata, string name) =>
        metadata.TryGetProperty("annotations", out var annotations) ? Text(annotations, name) : null;

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
