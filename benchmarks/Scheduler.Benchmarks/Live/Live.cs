using Scheduler.Benchmarks.Commands;
using Xunit.Sdk;

namespace Scheduler.Benchmarks.Live;

/// <summary>What the measurements of running programs have in common.</summary>
internal static class Live
{
    /// <summary>A program that does not start, or an answer that was not expected, becomes one clear message.</summary>
    public static async Task<T> RunAsync<T>(Func<Task<T>> measure)
    {
        try
        {
            return await measure();
        }
        catch (Exception exception) when (exception is InvalidOperationException or HttpRequestException or IOException or TimeoutException or XunitException)
        {
            throw new MeasurementException(exception.Message);
        }
    }
}
