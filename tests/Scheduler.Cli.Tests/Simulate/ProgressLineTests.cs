using Scheduler.Cli.Commands;
using Scheduler.Cli.Simulate;

namespace Scheduler.Cli.Tests.Simulate;

public sealed class ProgressLineTests
{
    [Fact]
    public void A_log_gets_a_line_after_two_seconds_and_then_every_ten()
    {
        using var error = new StringWriter();
        var time = new OneTimer();
        using (var progress = new ProgressLine(new Terminal { Out = TextWriter.Null, Error = error, LogsProgress = true }, time))
        {
            progress.Begin("reading cluster.yaml");
            Assert.Equal("", error.ToString());
            Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10)), (time.Due, time.Period));
            time.Ring();
            progress.Simulate(2);
            time.Ring();
        }

        Assert.True(time.IsDisposed);
        time.Ring();
        Assert.Equal(
            ["weir: progress: reading cluster.yaml", "weir: progress: 0 %, 0.0s simulated in 0 cycles", ""],
            error.ToString().Split('\n'));
    }

    [Fact]
    public void A_terminal_shows_at_once_what_is_done_and_is_clean_in_the_end()
    {
        using var error = new StringWriter();
        using (var progress = new ProgressLine(new Terminal { Out = TextWriter.Null, Error = error, IsErrorTerminal = true }, TimeProvider.System))
        {
            progress.Begin("reading cluster.yaml");
            Assert.Equal("\rreading cluster.yaml", error.ToString());
            progress.Note(["one pod waits again"]);
            Assert.EndsWith($"\r{new string(' ', 20)}\rweir: note: one pod waits again\n", error.ToString(), StringComparison.Ordinal);
            progress.Simulate(1);
            Assert.EndsWith($"\r{new string('░', 40)}   0 %", error.ToString(), StringComparison.Ordinal);
        }

        Assert.EndsWith($"\r{new string(' ', 46)}\r", error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>A clock with one timer, which rings when it is told to.</summary>
    private sealed class OneTimer : TimeProvider, ITimer
    {
        private Action? _ring;

        public TimeSpan Due { get; private set; }

        public TimeSpan Period { get; private set; }

        public bool IsDisposed { get; private set; }

        public void Ring() => _ring!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_ring, Due, Period) = (() => callback(state), dueTime, period);
            return this;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => IsDisposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
