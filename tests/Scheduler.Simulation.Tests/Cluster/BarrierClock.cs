using Microsoft.Extensions.Time.Testing;

namespace Scheduler.Simulation.Tests.Cluster;

/// <summary>
/// A clock of the test's own that says when a timer has been armed: moving it earlier would move it past a timer that is not there yet.
/// </summary>
internal sealed class BarrierClock() : FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero))
{
    private readonly Lock _sync = new();
    private readonly HashSet<TimeSpan> _armed = [];
    private readonly List<(TimeSpan DueTime, TaskCompletionSource Armed)> _waiting = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        lock (_sync)
        {
            _armed.Add(dueTime);
            foreach (var (_, armed) in _waiting.Where(w => w.DueTime == dueTime))
                armed.TrySetResult();
        }

        return timer;
    }

    /// <summary>Completes once a timer of exactly this length has been armed.</summary>
    public Task ArmedAsync(TimeSpan dueTime, CancellationToken ct)
    {
        lock (_sync)
        {
            if (_armed.Contains(dueTime))
                return Task.CompletedTask;
            var armed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((dueTime, armed));
            return armed.Task.WaitAsync(TimeSpan.FromSeconds(30), System, ct);
        }
    }
}
