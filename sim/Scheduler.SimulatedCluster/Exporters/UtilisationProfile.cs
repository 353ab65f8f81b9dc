using System.Globalization;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Exporters;

/// <summary>
/// How busy a pod keeps its GPUs, by the annotation <c>simulation.weir.scheduler/gpu-utilisation</c>: levels from 0 to 1, each with
/// the time that it lasts, over and over, as in <c>0.95:10m,0.02:5m</c>. A level without a time stays.
/// </summary>
internal sealed record UtilisationProfile(IReadOnlyList<(double Level, TimeSpan? Lasts)> Steps)
{
    public const string Annotation = "simulation.weir.scheduler/gpu-utilisation";

    /// <summary>A pod that says nothing, or nothing that can be read, trains.</summary>
    public static readonly UtilisationProfile Default = new([(0.9, null)]);

    public static bool TryParse(string? text, out UtilisationProfile profile)
    {
        profile = Default;
        if (text is null)
            return false;
        var steps = new List<(double, TimeSpan?)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var words = part.Split(':', 2);
            if (!double.TryParse(words[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var level) || level is < 0 or > 1)
                return false;
            if (words.Length == 1)
            {
                steps.Add((level, null));
                continue;
            }

            if (!GoDuration.TryParse(words[1], out var lasts) || lasts <= TimeSpan.Zero)
                return false;
            steps.Add((level, lasts));
        }

        profile = new UtilisationProfile(steps);
        return true;
    }

    /// <summary>The level at a time after the pod's start.</summary>
    public double At(TimeSpan sinceStart)
    {
        var left = sinceStart;
        if (Steps.All(step => step.Lasts is not null))
            left = TimeSpan.FromTicks(sinceStart.Ticks % Steps.Sum(step => step.Lasts!.Value.Ticks));
        foreach (var (level, lasts) in Steps)
        {
            if (lasts is not { } time || left < time)
                return level;
            left -= time;
        }

        return Steps[^1].Level;
    }
}
