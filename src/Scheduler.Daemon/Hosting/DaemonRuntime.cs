using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Hosting;

/// <summary>A part of the daemon that runs until it is stopped.</summary>
internal sealed record DaemonPart(string Name, Func<CancellationToken, Task> RunAsync);

/// <summary>
/// Runs the parts and stops them in the order that keeps every promise: first the loop (no new decisions), then the bindings
/// (what was decided is finished, within <see cref="DrainFor"/>), then the other writers, then the lease (another may write), then
/// the watches. A part that ends without being asked takes the daemon down, visibly.
/// </summary>
internal sealed class DaemonRuntime(
    IReadOnlyList<DaemonPart> watches, DaemonPart election, IReadOnlyList<DaemonPart> writers, SchedulingLoop loop, BindQueue binds,
    Task synced, TimeProvider time, ILogger logger)
{
    public static readonly TimeSpan DrainFor = TimeSpan.FromSeconds(10);

    /// <summary>Runs until <paramref name="stop"/> is cancelled or a part fails.</summary>
    /// <exception cref="InvalidOperationException">A part ended by itself; its own exception is inside.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var stopWriters = new CancellationTokenSource();
        using var stopBinds = new CancellationTokenSource();
        using var stopElection = new CancellationTokenSource();
        using var stopWatches = new CancellationTokenSource();

        var watchTasks = Start(watches, stopWatches.Token);
        var electionTask = Start([election], stopElection.Token);
        var writerTasks = Start(writers, stopWriters.Token);
        var bindTask = Start([new DaemonPart("bind queue", binds.RunAsync)], stopBinds.Token);
        var loopTask = Start([new DaemonPart("scheduling loop", token => loop.RunAsync(synced, token))], stopping.Token);

        (string Name, Task Task)[] all = [.. watchTasks, .. electionTask, .. writerTasks, .. bindTask, .. loopTask];
        await Task.WhenAny(all.Select(part => part.Task)).ConfigureAwait(false);
        var failed = stop.IsCancellationRequested ? default : all.First(part => part.Task.IsCompleted);
        if (failed.Task is not null)
            Log.PartEnded(logger, failed.Task.Exception?.GetBaseException(), failed.Name);

        await stopping.CancelAsync().ConfigureAwait(false);
        await QuietlyAsync(loopTask).ConfigureAwait(false);
        await DrainBindsAsync(bindTask, stopBinds).ConfigureAwait(false);
        await stopWriters.CancelAsync().ConfigureAwait(false);
        await QuietlyAsync(writerTasks).ConfigureAwait(false);
        await stopElection.CancelAsync().ConfigureAwait(false);
        await QuietlyAsync(electionTask).ConfigureAwait(false);
        await stopWatches.CancelAsync().ConfigureAwait(false);
        await QuietlyAsync(watchTasks).ConfigureAwait(false);
        if (failed.Task is not null)
            throw new InvalidOperationException($"the {failed.Name} ended though nobody stopped it", failed.Task.Exception?.GetBaseException());
    }

    private async Task DrainBindsAsync((string Name, Task Task)[] bindTask, CancellationTokenSource stopBinds)
    {
        binds.Complete();
        try
        {
            await bindTask[0].Task.WaitAsync(DrainFor, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Log.BindingsCutOff(logger, binds.Waiting, DrainFor.TotalSeconds);
        }
        catch (Exception) when (bindTask[0].Task.IsFaulted)
        {
            // Reported as the part that ended, above.
        }

        await stopBinds.CancelAsync().ConfigureAwait(false);
        await QuietlyAsync(bindTask).ConfigureAwait(false);
    }

    private static (string Name, Task Task)[] Start(IEnumerable<DaemonPart> parts, CancellationToken stop) =>
        [.. parts.Select(part => (part.Name, Task.Run(() => part.RunAsync(stop), CancellationToken.None)))];

    /// <summary>Waits for parts that were told to stop. What they throw now was either reported as the cause, or follows from it.</summary>
    private async Task QuietlyAsync((string Name, Task Task)[] parts)
    {
        foreach (var (name, task) in parts)
        {
            await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (task.IsFaulted)
                Log.PartEnded(logger, task.Exception?.GetBaseException(), name);
        }
    }
}
