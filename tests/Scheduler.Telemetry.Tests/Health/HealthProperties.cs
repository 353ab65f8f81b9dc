using System.Globalization;
using Scheduler.Telemetry.Health;
using Scheduler.Telemetry.Tests.Devices;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Telemetry.Tests.Health;

/// <summary>
/// Any order of scrapes, silences, rejections and an operator's words, from a seed: the changes that are told are those that
/// happen, no state is lost, and whatever is in quarantine has a cause and comes back when the cause is gone. 200 stories
/// in the usual run; WEIR_CASES sets another number, WEIR_SEED the first seed.
/// </summary>
public class HealthProperties(ITestOutputHelper output)
{
    private const int UsualCases = 200;
    private const int Gpus = 3;

    private static readonly HashSet<(HealthState From, HealthState To)> Edges =
    [
        (HealthState.Healthy, HealthState.Suspect), (HealthState.Healthy, HealthState.Quarantined), (HealthState.Suspect, HealthState.Healthy),
        (HealthState.Suspect, HealthState.Quarantined), (HealthState.Quarantined, HealthState.Probation), (HealthState.Probation, HealthState.Healthy),
        (HealthState.Probation, HealthState.Quarantined),
    ];

    [Fact]
    public void No_story_loses_a_state_or_leaves_a_device_out_without_cause()
    {
        var cases = int.TryParse(Environment.GetEnvironmentVariable("WEIR_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : UsualCases;
        var first = ulong.TryParse(Environment.GetEnvironmentVariable("WEIR_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : 20261124;
        var seen = new HashSet<(HealthState, HealthState)>();
        for (var number = 0; number < cases; number++)
        {
            try
            {
                Story(new SplitMix64(first + (ulong)number), seen);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"WEIR_CASES=1 WEIR_SEED={first + (ulong)number} replays it", exception);
            }
        }

        output.WriteLine($"{cases} stories from seed {first}: {string.Join(", ", seen.Order())}");
        Assert.True(cases < UsualCases || Edges.IsSubsetOf(seen), "some changes of state never happen in these stories");
    }

    private static void Story(SplitMix64 random, HashSet<(HealthState, HealthState)> edges)
    {
        var now = Bench.Start;
        var health = new GpuHealth(HealthPolicy.Default with { StaleAfter = TimeSpan.FromMinutes(30) }, now);
        var told = new Dictionary<int, HealthState>();
        for (var step = random.Between(20, 200); step > 0; step--)
        {
            // Clocks are set back at times.
            now += random.Chance(3) ? -TimeSpan.FromMinutes(random.Below(30)) : TimeSpan.FromSeconds(random.Pick(1, 30, 30, 300, 3600, 100_000));
            var device = random.Chance(30) ? (int?)null : random.Below(Gpus);
            var changes = random.Below(20) switch
            {
                0 => health.PodRejected(now, "no"),
                1 => health.Quarantine(now, device, "because"),
                2 => health.Release(now, device, "because"),
                < 8 => health.Tick(now),
                _ => health.Observe(now, Readings.From(Body(random))),
            };
            Check(health, told, changes, edges);
        }

        // The operator lets go and nothing happens any more: however it was, all is healthy in bounded time.
        for (var device = 0; device < Gpus; device++)
        {
            Check(health, told, Released(health, now, device), edges);
        }

        Check(health, told, Released(health, now, null), edges);
        var isHeard = random.Chance(50);
        var quiet = Readings.From(string.Join('\n', Enumerable.Range(0, Gpus).Select(gpu => $"DCGM_FI_DEV_GPU_TEMP{{gpu=\"{gpu}\",UUID=\"u{gpu}\"}} 40")));
        for (var end = now + TimeSpan.FromDays(4); now < end; now += isHeard ? TimeSpan.FromMinutes(20) : TimeSpan.FromMinutes(30))
        {
            Check(health, told, isHeard ? health.Observe(now, quiet) : [], edges);
            Check(health, told, health.Tick(now), edges);
        }

        Assert.Equal(HealthState.Healthy, health.Node.State);
        Assert.All(health.Devices, device => Assert.Equal((device.Key, HealthState.Healthy), (device.Key, device.Value.State)));
    }

    private static IReadOnlyList<HealthTransition> Released(GpuHealth health, DateTimeOffset now, int? device) =>
        (device is { } index ? health.Devices.GetValueOrDefault(index) : health.Node) is { IsByOperator: true } ? health.Release(now, device, "end") : [];

    private static void Check(GpuHealth health, Dictionary<int, HealthState> told, IReadOnlyList<HealthTransition> changes, HashSet<(HealthState, HealthState)> edges)
    {
        foreach (var change in changes)
        {
            var subject = change.Device ?? -1;
            Assert.Equal(told.GetValueOrDefault(subject), change.From);
            Assert.True(change.From == change.To || change.Cause == "Replaced" || Edges.Contains((change.From, change.To)), $"{change}");
            Assert.NotEmpty(change.Cause);
            Assert.NotEmpty(change.Reason);
            told[subject] = change.To;
            edges.Add((change.From, change.To));
        }

        var all = health.Devices.Select(device => (Subject: device.Key, Health: device.Value)).Append((Subject: -1, Health: health.Node)).ToArray();
        Assert.All(all, subject => Assert.Equal((subject.Subject, told.GetValueOrDefault(subject.Subject)), (subject.Subject, subject.Health.State)));
        Assert.All(all, subject => Assert.Equal(subject.Health.State == HealthState.Healthy, subject.Health.Cause.Length == 0));
        Assert.True(told.Keys.All(subject => subject < 0 || health.Devices.ContainsKey(subject)), "a device is lost");
    }

    private static string Body(SplitMix64 random)
    {
        var lines = new List<string>();
        for (var gpu = 0; gpu < Gpus; gpu++)
        {
            if (random.Chance(5))
            {
                continue;
            }

            var labels = $"{{gpu=\"{gpu}\",UUID=\"{(random.Chance(2) ? "other" : "u" + gpu)}\"}}";
            lines.Add($"DCGM_FI_DEV_GPU_TEMP{labels} {(random.Chance(10) ? 95 : 40)}");
            lines.Add($"DCGM_FI_DEV_XID_ERRORS{labels} {random.Pick(0, 0, 0, 0, 0, 0, 31, 79)}");
            lines.Add($"DCGM_FI_DEV_ROW_REMAP_FAILURE{labels} {(random.Chance(2) ? 1 : 0)}");
        }

        return string.Join('\n', lines);
    }
}
