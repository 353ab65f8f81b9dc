using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Daemon.Options;
using Scheduler.Telemetry.Health;

namespace Scheduler.Daemon.Gpus;

/// <summary>What the options of section <c>telemetry</c> mean, and what is wrong with them beyond their ranges.</summary>
internal static class TelemetrySettings
{
    private const int MaxSelectors = 8;
    private const int MaxTargets = 10_000;
    private static readonly TimeSpan LeastMaxCleanPeriod = TimeSpan.FromDays(1);

    private static readonly Dictionary<string, FaultAction> Actions = new(StringComparer.Ordinal)
    {
        ["note"] = FaultAction.Note,
        ["device"] = FaultAction.QuarantineDevice,
        ["node"] = FaultAction.DrainNode,
    };

    /// <summary>Every mistake, as <c>telemetry.key: what is wrong</c>.</summary>
    public static IEnumerable<string> FindErrors(TelemetryOptions options)
    {
        if (options.ExporterSelectors.Count > MaxSelectors)
            yield return $"telemetry.exporterSelectors: are {options.ExporterSelectors.Count}; give at most {MaxSelectors}";
        for (var index = 0; index < options.ExporterSelectors.Count; index++)
        {
            if (string.IsNullOrWhiteSpace(options.ExporterSelectors[index]))
                yield return $"telemetry.exporterSelectors[{index}]: is empty and would take every pod; give labels such as app=nvidia-dcgm-exporter";
        }

        if (options.Targets.Count > MaxTargets)
            yield return $"telemetry.targets: are {options.Targets.Count}; give at most {MaxTargets}";
        for (var index = 0; index < options.Targets.Count; index++)
        {
            if (!Uri.TryCreate(options.Targets[index], UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
                yield return $"telemetry.targets[{index}]: '{options.Targets[index]}' is not an address such as http://10.0.0.7:9400/metrics";
        }

        if (options.StaleSeconds <= options.IntervalSeconds)
        {
            yield return $"telemetry.staleSeconds: is {options.StaleSeconds}; it must be more than intervalSeconds ({options.IntervalSeconds}), "
                + "or every exporter is silent between two reads";
        }

        foreach (var (code, rule) in options.Xids)
        {
            if (!TryReadRule(code, rule, out _, out _))
                yield return $"telemetry.xids: '{code}: {rule}' is not a code from 1 on with note, device or node, a colon and the reason, such as 79: \"node: the device fell off the bus\"";
        }
    }

    /// <summary>Exporters that are named in the configuration.</summary>
    public static IEnumerable<ExporterTarget> Targets(TelemetryOptions options) =>
        options.Enabled ? options.Targets.Select(target => new ExporterTarget(new Uri(target), null)) : [];

    public static ScraperSettings Scraper(TelemetryOptions options) => new()
    {
        Interval = TimeSpan.FromSeconds(options.IntervalSeconds),
        Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds),
        Concurrency = options.Concurrency,
        MaxBodyBytes = (long)options.MaxBodyMebibytes << 20,
    };

    public static IdleRule Idle(TelemetryOptions options) => new()
    {
        Window = TimeSpan.FromSeconds(options.IdleWindowSeconds),
        Activity = options.IdleActivityPercent / 100.0,
        Memory = options.IdleMemoryPercent / 100.0,
        StaleAfter = TimeSpan.FromSeconds(options.StaleSeconds),
    };

    /// <summary>The options are right: see <see cref="FindErrors"/>.</summary>
    public static HealthPolicy Policy(TelemetryOptions options)
    {
        var xids = XidTable.Standard.ToBuilder();
        foreach (var (text, rule) in options.Xids)
        {
            if (TryReadRule(text, rule, out var code, out var read))
                xids[code] = read;
        }

        var clean = TimeSpan.FromSeconds(options.CleanSeconds);
        return HealthPolicy.Default with
        {
            Xids = xids.ToImmutable(),
            HotCelsius = options.HotCelsius,
            StaleAfter = TimeSpan.FromSeconds(options.StaleSeconds),
            CleanPeriod = clean,
            MaxCleanPeriod = clean > LeastMaxCleanPeriod ? clean : LeastMaxCleanPeriod,
            ProbationPeriod = TimeSpan.FromSeconds(options.ProbationSeconds),
            RejectionLimit = options.RejectionLimit,
        };
    }

    private static bool TryReadRule(string text, string rule, out int code, out XidRule read)
    {
        var parts = rule.Split(':', 2, StringSplitOptions.TrimEntries);
        read = new XidRule(Actions.GetValueOrDefault(parts[0], FaultAction.Note), parts.Length == 2 ? parts[1] : "");
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out code) && code >= 1
            && Actions.ContainsKey(parts[0]) && read.Meaning.Length > 0;
    }
}
