using Scheduler.Cli.Commands;
using Scheduler.Cli.Rendering;
using Spectre.Console;

namespace Scheduler.Cli.Up;

/// <summary>Shows the dashboard on a terminal, four times a second, sized to it.</summary>
internal static class LiveView
{
    private static readonly TimeSpan DrawEvery = TimeSpan.FromMilliseconds(250);

    public static async Task RunAsync(Terminal terminal, Func<DashboardModel> model, TimeProvider time, CancellationToken stop)
    {
        var console = TerminalWriter.ConsoleOf(terminal);
        using var timer = new PeriodicTimer(DrawEvery, time);
        await console.Live(TerminalWriter.ToRenderable(Lines())).StartAsync(async context =>
        {
            try
            {
                while (true)
                {
                    console.Profile.Width = terminal.Size().Columns;
                    context.UpdateTarget(TerminalWriter.ToRenderable(Lines()));
                    await timer.WaitForNextTickAsync(stop);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                context.UpdateTarget(TerminalWriter.ToRenderable(Lines()));
            }
        });

        IEnumerable<StyledLine> Lines()
        {
            var (columns, rows) = terminal.Size();
            return Dashboard.Render(model(), columns, rows);
        }
    }
}
