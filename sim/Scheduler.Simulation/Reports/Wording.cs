using System.Globalization;
using Scheduler.Input;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>Figures and outcomes in words, the same wherever the report is made.</summary>
internal static class Wording
{
    /// <summary>A number with at most one digit behind the point.</summary>
    public static string Number(decimal value) => value.ToString("#,0.#", NumberFormatInfo.InvariantInfo);

    /// <summary>A number of things.</summary>
    public static string Count(long value) => value.ToString("#,0", NumberFormatInfo.InvariantInfo);

    /// <summary>So many of these; the plural is with an s unless given.</summary>
    public static string Count(long value, string one, string? many = null) => $"{Count(value)} {(value == 1 ? one : many ?? one + "s")}";

    public static string Percent(decimal value) => Number(value) + " %";

    /// <summary>A share of a whole in per cent; of nothing, 0.</summary>
    public static string Share(decimal part, decimal whole) => Percent(whole == 0 ? 0 : 100 * part / whole);

    /// <summary>A duration in at most two units, without those of which there are none.</summary>
    public static string Time(decimal seconds)
    {
        if (seconds == 0)
        {
            return "0s";
        }

        var text = DurationText.Short(TimeSpan.FromMilliseconds((long)(seconds * 1000))).Replace(".0s", "s", StringComparison.Ordinal);
        return text.Length > 3 && text[^2] == '0' && char.IsAsciiLetter(text[^3]) ? text[..^2] : text;
    }

    /// <summary>A mark on an axis of times: as short as it can be said.</summary>
    public static string Mark(decimal seconds)
    {
        var text = "";
        var left = (long)seconds;
        foreach (var (unit, letter) in (ReadOnlySpan<(long, char)>)[(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')])
        {
            text += left >= unit ? string.Create(NumberFormatInfo.InvariantInfo, $"{left / unit}{letter}") : "";
            left %= unit;
        }

        return text.Length == 0 ? "0" : text;
    }

    /// <summary>GPU-hours without which the same work would have been done.</summary>
    public static decimal Lost(JobResult jobs) => jobs.LostToPreemptionGpuHours + jobs.LostToFailureGpuHours + jobs.RestartGpuHours;

    public static string HowItEnded(SimulationResult result)
    {
        var after = Time(result.EndSeconds);
        return result.Outcome switch
        {
            SimulationOutcome.AllDone => $"All jobs were done after {after}.",
            SimulationOutcome.HorizonReached =>
                $"The simulated period ended after {after}, with {Count(result.Jobs.StillRunning, "job")} running and {Count(result.Jobs.StillWaiting)} waiting.",
            SimulationOutcome.NothingCanStart => $"After {after} nothing more could start; {Count(result.Jobs.StillWaiting, "job")} would wait for ever.",
            _ => $"The simulation was stopped at {after}.",
        };
    }

    public static string HowItEnded(StopCause? cause) => cause switch
    {
        StopCause.Done => "done",
        StopCause.Preempted => "preempted",
        StopCause.PreemptedAfterCheckpoint => "preempted after a checkpoint",
        StopCause.NodeFailure => "stopped by a node failure",
        StopCause.DeviceFailure => "stopped by a GPU failure",
        _ => "still running at the end",
    };
}
