using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Hosting;

public class DaemonHealthTests
{
    [Theory]
    [InlineData(10, 119, true)]
    [InlineData(10, 120, false)]
    [InlineData(3600, 7199, true)]
    [InlineData(3600, 7200, false)]
    public async Task A_loop_that_rests_for_its_longest_interval_is_not_stuck(int maxIntervalSeconds, int silentSeconds, bool isAlive)
    {
        await using var fixture = new WriterFixture();
        var health = new DaemonHealth([], fixture.Leadership, fixture.Loop, TimeSpan.FromSeconds(maxIntervalSeconds), fixture.Time);
        // The loop hangs in its first cycle.
        using var begun = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        fixture.Planning.Answer = _ =>
        {
            begun.Release();
            release.Wait(TestContext.Current.CancellationToken);
            throw new InvalidOperationException("planted");
        };
        fixture.RunLoop();
        Assert.True(await begun.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        fixture.Time.Advance(TimeSpan.FromSeconds(silentSeconds));
        var report = health.Live();
        // Only the first cycle hangs: the loop must be able to end with the test.
        fixture.Planning.Answer = _ => throw new InvalidOperationException("planted");
        release.Release();
        Assert.Equal(isAlive, report.IsOk);
    }
}
