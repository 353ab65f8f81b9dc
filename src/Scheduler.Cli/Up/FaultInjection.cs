using Scheduler.Cli.Commands;
using Scheduler.Cli.Hosting;

namespace Scheduler.Cli.Up;

/// <summary>Injects faults at their times, and those that are typed.</summary>
internal sealed class FaultInjection(EmbeddedCluster cluster, UpInputs inputs, Terminal terminal, TimeProvider time)
{
    /// <summary>Runs until all is injected; typed ones are read until the end of the input.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var typed = inputs.ReadsFaults ? ReadAsync(stop) : Task.CompletedTask;
        var start = time.GetTimestamp();
        foreach (var fault in inputs.Faults)
        {
            var wait = fault.At - time.GetElapsedTime(start);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, time, stop);
            }

            fault.Inject(cluster.Faults);
        }

        await typed;
    }

    private async Task ReadAsync(CancellationToken stop)
    {
        var input = terminal.OpenIn();
        // A terminal cannot be asked to give up a read: one that waits there when the run ends ends with the process.
        while (await Task.Run(input.ReadLine, CancellationToken.None).WaitAsync(stop) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var (command, mistake) = FaultCommand.Parse(line, isTimed: false);
            mistake ??= command!.MistakeOn(inputs.Nodes);
            if (mistake is not null)
            {
                terminal.Error.WriteLine($"weir: {mistake}");
                continue;
            }

            command!.Inject(cluster.Faults);
        }
    }
}
