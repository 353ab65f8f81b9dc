namespace Scheduler.Simulation.Results;

/// <summary>Turns the exact sums of a simulation into figures with few digits, the same in every process.</summary>
internal static class Figures
{
    private const decimal MilliGpuMillisecondsPerGpuHour = 1000m * 3_600_000m;

    public static decimal GpuHours(Int128 milliGpuMilliseconds) => Round((decimal)milliGpuMilliseconds / MilliGpuMillisecondsPerGpuHour, 3);

    public static decimal Gpus(long milliGpu) => Trim(milliGpu / 1000m);

    public static decimal Seconds(long milliseconds) => Trim(milliseconds / 1000m);

    public static decimal Seconds(TimeSpan time) => Trim(time.Ticks / (decimal)TimeSpan.TicksPerSecond);

    public static decimal Percent(Int128 part, Int128 whole) => whole == 0 ? 0 : Round(100m * (decimal)part / (decimal)whole, 2);

    public static decimal Round(decimal value, int digits) => Trim(Math.Round(value, digits, MidpointRounding.AwayFromZero));

    /// <summary>What 1.50 and 1.5 have in common: a decimal keeps its zeros, and would write them.</summary>
    private static decimal Trim(decimal value) => value / 1.0000000000000000000000000000m;
}
