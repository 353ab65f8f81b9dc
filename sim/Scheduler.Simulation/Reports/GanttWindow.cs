using System.Collections.Immutable;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>A stretch of a simulation that is short enough to be seen run by run.</summary>
/// <param name="FromSeconds">Where it begins.</param>
/// <param name="ToSeconds">Where it ends.</param>
internal readonly record struct GanttWindow(decimal FromSeconds, decimal ToSeconds)
{
    /// <summary>More bars cannot be told apart.</summary>
    public const int MostRuns = 400;

    private static readonly int[] Lengths = [60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 1_209_600, 2_419_200];

    /// <summary>
    /// The busiest stretch: the one in which most runs begin or end, those that were cut short counting three times; of equal ones
    /// the first. It is as long as it can be without too many runs in it; of a cluster with more nodes than are drawn, there may be more.
    /// </summary>
    public static GanttWindow Busiest(ImmutableArray<RunSpan> runs, decimal end, int nodes)
    {
        var most = MostRuns * Math.Max(1, nodes / GanttPlot.MostNodes);
        if (runs.Length <= most)
        {
            return new GanttWindow(0, end);
        }

        var begins = runs.Select(run => run.FromSeconds).Order().ToArray();
        var ends = runs.Select(run => run.ToSeconds).Order().ToArray();
        var cuts = runs.Where(GanttPlot.IsCutShort).Select(run => run.ToSeconds).Order().ToArray();
        var best = new GanttWindow(0, Math.Min(end, Lengths[0]));
        foreach (var length in Lengths.Where(length => length < end))
        {
            var (found, activity, overlapping) = (best, -1, 0);
            for (var from = 0m; from + length <= end; from += length / 4m)
            {
                var to = from + length;
                var happening = Between(begins, from, to) + Between(ends, from, to) + (2 * Between(cuts, from, to));
                if (happening > activity)
                {
                    (found, activity, overlapping) = (new GanttWindow(from, to), happening, Before(begins, to) - Before(ends, from));
                }
            }

            if (overlapping > most && length > Lengths[0])
            {
                break;
            }

            best = found;
        }

        return best;
    }

    private static int Between(decimal[] sorted, decimal from, decimal to) => Before(sorted, to) - Before(sorted, from);

    /// <summary>How many are less.</summary>
    private static int Before(decimal[] sorted, decimal limit)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] < limit ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
