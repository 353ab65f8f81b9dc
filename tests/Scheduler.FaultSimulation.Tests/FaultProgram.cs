using System.Diagnostics;

namespace Scheduler.FaultSimulation.Tests;

/// <summary>The fault simulation as a person starts it: in a process of its own, because its thread pool has one worker.</summary>
internal static class FaultProgram
{
    // Far more than the longest run takes on a busy machine.
    private static readonly TimeSpan EndsWithin = TimeSpan.FromMinutes(30);

    /// <summary>Runs it to its end.</summary>
    /// <returns>The exit code and all that it printed.</returns>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.ChangeExtension(typeof(Running.FaultRun).Assembly.Location, null))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(EndsWithin);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }
}
