using System.Globalization;
using Scheduler.Telemetry.Devices;

namespace Scheduler.Telemetry.Health;

/// <summary>Something that a scrape shows about a device.</summary>
/// <param name="Action">Note, or what follows; null for a symptom.</param>
/// <param name="Cause">One word.</param>
/// <param name="Reason">In words.</param>
/// <param name="IsLasting">Whether it is told at every scrape as long as it lasts.</param>
internal sealed record Finding(FaultAction? Action, string Cause, string Reason, bool IsLasting = false);

/// <summary>What is remembered of a device from one scrape to the next. Counters and the last XID say something only when they change.</summary>
internal sealed class DeviceTrack(int index, SubjectHealth health)
{
    private const int HighestXid = 100_000;

    private Dictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    public int Index { get; } = index;

    public SubjectHealth Health { get; set; } = health;

    public string Uuid { get; set; } = "";

    /// <summary>Whole scrapes in a row that did not show it.</summary>
    public int Missed { get; set; }

    /// <summary>Another device is in its place: what was counted before means nothing.</summary>
    public void Forget() => _seen = new(StringComparer.Ordinal);

    /// <summary>Compares the device and its MIG instances with the scrape before.</summary>
    public List<Finding> Compare(IReadOnlyCollection<GpuReading> readings, HealthPolicy policy)
    {
        var findings = new List<Finding>();
        var codes = new SortedSet<int>();
        var seen = new Dictionary<string, Seen>(StringComparer.Ordinal);
        foreach (var reading in readings)
        {
            var last = _seen.GetValueOrDefault(reading.MigInstance);
            var next = Seen.Of(reading, last);
            seen[reading.MigInstance] = next;
            if (last is not null)
            {
                AddNewXids(codes, last, next);
                AddCounters(findings, last, next);
            }

            if (reading[GpuMetric.RowRemapFailure] > 0)
            {
                findings.Add(new Finding(FaultAction.QuarantineDevice, "RowRemapFailure", "a memory row could not be remapped", IsLasting: true));
            }

            if (reading[GpuMetric.GpuTemp] is { } celsius && celsius >= policy.HotCelsius)
            {
                findings.Add(new Finding(null, "Hot", string.Create(CultureInfo.InvariantCulture, $"{celsius} °C, {policy.HotCelsius} or more is hot")));
            }
        }

        foreach (var code in codes)
        {
            var rule = policy.Xids.GetValueOrDefault(code, policy.UnknownXid);
            findings.Add(new Finding(
                rule.Action, string.Create(CultureInfo.InvariantCulture, $"Xid{code}"), string.Create(CultureInfo.InvariantCulture, $"XID {code}: {rule.Meaning}")));
        }

        _seen = seen;
        return findings;
    }

    private static void AddNewXids(SortedSet<int> codes, Seen last, Seen next)
    {
        if (last.Xid is { } before && next.Xid is { } now && now != before && now is > 0 and < HighestXid)
        {
            codes.Add((int)now);
        }

        foreach (var (code, count) in next.Counts)
        {
            if (count > last.Counts.GetValueOrDefault(code) && code is > 0 and < HighestXid)
            {
                codes.Add(code);
            }
        }
    }

    private static void AddCounters(List<Finding> findings, Seen last, Seen next)
    {
        if (next.DoubleBit > last.DoubleBit)
        {
            findings.Add(new Finding(FaultAction.QuarantineDevice, "EccDoubleBit", "new double-bit memory errors"));
        }

        if (next.Remapped > last.Remapped)
        {
            findings.Add(new Finding(null, "RowRemapped", "a memory row was remapped for an error that could not be corrected"));
        }

        if (next.Throttled > last.Throttled)
        {
            findings.Add(new Finding(null, "ThermalThrottling", "slowed down for heat"));
        }
    }

    /// <summary>What is compared. A value that a scrape does not have stays as it was last known.</summary>
    private sealed record Seen(double? Xid, Dictionary<int, double> Counts, double? DoubleBit, double? Remapped, double? Throttled)
    {
        public static Seen Of(GpuReading reading, Seen? last) => new(
            reading[GpuMetric.XidErrors] ?? last?.Xid,
            reading.XidCounts.ToDictionary(count => count.Code, count => count.Count),
            reading[GpuMetric.EccDbeVolTotal] ?? last?.DoubleBit,
            reading[GpuMetric.UncorrectableRemappedRows] ?? last?.Remapped,
            reading[GpuMetric.ThermalViolation] ?? last?.Throttled);
    }
}
