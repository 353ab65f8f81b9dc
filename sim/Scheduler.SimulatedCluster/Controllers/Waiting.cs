namespace Scheduler.SimulatedCluster.Controllers;

internal static class Waiting
{
    /// <summary>Waits until one of the tasks completes or the time is up.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task ForAnyAsync(TimeProvider clock, TimeSpan atMost, CancellationToken ct, params IReadOnlyList<Task> tasks)
    {
        if (tasks.Any(t => t.IsCompleted) || atMost == TimeSpan.Zero)
            return;
        using var done = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny([.. tasks, Task.Delay(atMost, clock, done.Token)]);
        await done.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }
}
