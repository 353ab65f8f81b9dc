using Scheduler.Telemetry.Health;
using Scheduler.Telemetry.Tests.Devices;

namespace Scheduler.Telemetry.Tests.Health;

/// <summary>A node with an exporter that is scraped every half minute.</summary>
internal sealed class Bench
{
    public static readonly DateTimeOffset Start = new(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    public Bench(HealthPolicy? policy = null)
    {
        Policy = policy ?? HealthPolicy.Default;
        Health = new GpuHealth(Policy, Start);
    }

    public HealthPolicy Policy { get; }

    public GpuHealth Health { get; }

    public DateTimeOffset Now { get; private set; } = Start;

    /// <summary>Changes as text: <c>0 Healthy→Quarantined Xid79</c>.</summary>
    public List<string> Changes { get; } = [];

    public HealthState this[int device] => Health.Devices[device].State;

    /// <summary>Scrapes a body in which <c>@N</c> stands for the labels of device N; then time goes on.</summary>
    public Bench Scrape(params string[] lines)
    {
        var body = string.Join('\n', lines.Select(line => System.Text.RegularExpressions.Regex.Replace(line, "@(\\d+)", "{gpu=\"$1\",UUID=\"GPU-$1\"}")));
        Note(Health.Observe(Now, Readings.From(body)));
        Note(Health.Tick(Now));
        Now += Interval;
        return this;
    }

    /// <summary>Scrapes the same body for a time.</summary>
    public Bench ScrapeFor(TimeSpan time, params string[] lines)
    {
        for (var end = Now + time; Now < end;)
        {
            Scrape(lines);
        }

        return this;
    }

    /// <summary>Nothing is heard for a time.</summary>
    public Bench SilentFor(TimeSpan time)
    {
        for (var end = Now + time; Now < end; Now += Interval)
        {
            Note(Health.Tick(Now));
        }

        return this;
    }

    public Bench Note(IEnumerable<HealthTransition> changes)
    {
        Changes.AddRange(changes.Select(change => $"{change.Device?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "node"} {change.From}→{change.To} {change.Cause}"));
        return this;
    }
}
