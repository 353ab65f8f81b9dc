using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Scheduler.Daemon.Tests.Support;

/// <summary>
/// A clock that stands still until a test moves it, and that tells when a timer was armed: a test waits for that before it moves the
/// clock, so that no timer is missed.
/// </summary>
internal sealed class BarrierTimeProvider : TimeProvider
{
    private readonly FakeTimeProvider _fake = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly Channel<TimeSpan> _armed = Channel.CreateUnbounded<TimeSpan>();

    public override long TimestampFrequency => _fake.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _fake.GetUtcNow();

    public override long GetTimestamp() => _fake.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, _fake.CreateTimer(callback, state, dueTime, period));
        Note(dueTime);
        return timer;
    }

    public void Advance(TimeSpan by) => _fake.Advance(by);

    /// <summary>Waits until a timer is armed that is due after exactly <paramref name="due"/>, then moves the clock there.</summary>
    public async Task AdvanceWhenArmedAsync(TimeSpan due)
    {
        await UntilArmedAsync(due);
        Advance(due);
    }

    public async Task UntilArmedAsync(TimeSpan due)
    {
        while (await _armed.Reader.ReadAsync(TestContext.Current.CancellationToken).Soon() != due)
        {
        }
    }

    private void Note(TimeSpan due)
    {
        if (due != Timeout.InfiniteTimeSpan)
            _armed.Writer.TryWrite(due);
    }

    private sealed class Timer(BarrierTimeProvider owner, ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var changed = inner.Change(dueTime, period);
            owner.Note(dueTime);
            return changed;
        }

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

/// <summary>Bounds on waiting, so that a test that would hang fails instead.</summary>
internal static class Waiting
{
    public static Task<T> Soon<T>(this ValueTask<T> task) =>
        task.AsTask().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
}
