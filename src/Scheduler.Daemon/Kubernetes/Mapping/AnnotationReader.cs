using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>Reads the values of a pod's annotations; what it cannot read becomes an error that says what was expected.</summary>
internal sealed class AnnotationReader(Dictionary<string, string>? annotations, List<PodError> errors)
{
    private const int MaxDeviceIndex = 1023;

    public string? Text(string name) => annotations?.GetValueOrDefault(name);

    public TimeSpan? Duration(string name, bool isZeroAllowed = true)
    {
        if (Text(name) is not { } text)
            return null;
        if (Durations.TryParse(text, out var duration) && (isZeroAllowed || duration > TimeSpan.Zero))
            return duration;
        return Refuse<TimeSpan>(name, text, isZeroAllowed
            ? "is not a duration such as 90s, 1h30m or 2d, at most ten years"
            : "is not a duration above zero such as 90s, 1h30m or 2d, at most ten years");
    }

    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
            return null;
        return TryTime(text) ?? Refuse<DateTimeOffset>(name, text, "is not a time in RFC 3339 with its zone, such as 2026-01-31T08:00:00Z");
    }

    /// <summary>A time that Weir itself writes: unreadable, it counts as not there, and is written anew.</summary>
    public DateTimeOffset? OwnTime(string name) => Text(name) is { } text ? TryTime(text) : null;

    public bool? Boolean(string name) => Text(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        var text => Refuse<bool>(name, text, "is neither \"true\" nor \"false\""),
    };

    public int? PositiveInteger(string name, int most)
    {
        if (Text(name) is not { } text)
            return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= 1 && value <= most
            ? value
            : Refuse<int>(name, text, $"is not a whole number from 1 to {most}");
    }

    /// <summary>gpu-fraction: a decimal between 0 and 1, at most three digits after the point; as milli-GPU.</summary>
    public int? FractionMilli()
    {
        if (Text(Annotations.GpuFraction) is not { } text)
            return null;
        var isDecimal = text.Length is >= 3 and <= 5 && text.StartsWith("0.", StringComparison.Ordinal) && text.AsSpan(2).IndexOfAnyExceptInRange('0', '9') < 0;
        var milli = isDecimal ? int.Parse(text[2..].PadRight(3, '0'), CultureInfo.InvariantCulture) : 0;
        return milli > 0
            ? milli
            : Refuse<int>(Annotations.GpuFraction, text, "is not a decimal between 0 and 1 with at most three digits after the point, such as 0.25");
    }

    /// <summary>
    /// topology: <c>required=LEVEL</c> or <c>preferred=LEVEL</c>, where a level is one of those that the administrator configured, by
    /// its label or by what comes after the label's slash.
    /// </summary>
    public TopologyRequest? Topology(ImmutableArray<string> levels)
    {
        if (Text(Annotations.Topology) is not { } text)
            return null;
        var separator = text.IndexOf('=', StringComparison.Ordinal);
        var level = separator < 0 ? "" : text[(separator + 1)..].Trim();
        var strength = separator < 0 ? text : text[..separator].Trim();
        if (level.Length == 0 || strength is not ("required" or "preferred"))
        {
            errors.Add(new PodError(Annotations.Topology, text, "is neither required=LEVEL nor preferred=LEVEL, such as required=rack"));
            return null;
        }

        foreach (var label in levels)
        {
            if (label == level || label.EndsWith("/" + level, StringComparison.Ordinal))
                return new TopologyRequest(label, strength == "required");
        }

        errors.Add(new PodError(Annotations.Topology, text, levels.IsEmpty
            ? "names a level, but the scheduler has none: scheduling.topologyLevels is empty"
            : $"names no level of the scheduler; they are {string.Join(", ", levels)}"));
        return null;
    }

    /// <summary>reservation, which Weir writes: <c>NODE</c> or <c>NODE:0,1</c>. Null where it is absent or unreadable.</summary>
    public PodPlacement? Reservation()
    {
        if (Text(Annotations.Reservation) is not { Length: > 0 } text)
            return null;
        var separator = text.IndexOf(':', StringComparison.Ordinal);
        var node = separator < 0 ? text : text[..separator];
        var devices = separator < 0 ? [] : Devices(text[(separator + 1)..]);
        return node.Length == 0 || (separator >= 0 && devices.IsEmpty) ? null : new PodPlacement(new NodeName(node), devices);
    }

    /// <summary>gpu-devices, which Weir writes: ascending indices. Empty where it is absent or unreadable.</summary>
    public ImmutableArray<int> Devices() => Text(Annotations.GpuDevices) is { Length: > 0 } text ? Devices(text) : [];

    private static ImmutableArray<int> Devices(string text)
    {
        var devices = ImmutableArray.CreateBuilder<int>();
        foreach (var part in text.Split(','))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                || index > MaxDeviceIndex || (devices.Count > 0 && devices[^1] >= index))
            {
                return [];
            }

            devices.Add(index);
        }

        return devices.ToImmutable();
    }

    private static DateTimeOffset? TryTime(string text)
    {
        // "A zone must be there": without one the value would mean whatever the machine's zone is.
        var hasZone = text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-');
        return hasZone && text.Contains('T', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var time)
                ? time
                : null;
    }

    private T? Refuse<T>(string name, string text, string remedy)
        where T : struct
    {
        errors.Add(new PodError(name, text, remedy));
        return null;
    }
}
