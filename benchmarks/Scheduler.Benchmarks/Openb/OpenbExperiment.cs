namespace Scheduler.Benchmarks.Openb;

/// <summary>What came of one run.</summary>
/// <param name="AllocationAt">Mean GPU allocation in percent, by arrived percent.</param>
/// <param name="PlacedOfSeveral">Of the pods that ask for several GPUs, the percentage that was placed.</param>
internal sealed record OpenbResult(double[] AllocationAt, double PlacedOfSeveral)
{
    /// <summary>Arrived percent at the end of an order.</summary>
    public const int Last = 130;
}

/// <summary>
/// Pods arrive one at a time; each is placed at once or dropped for good, and nothing leaves. The result at X is the mean
/// allocation over all arrivals after which X percent (rounded half to even) of the cluster's GPU have been asked for.
/// </summary>
internal static class OpenbExperiment
{
    public static OpenbResult Run(OpenbTrace trace, int[] arrivals, OpenbPolicy policy)
    {
        var scores = new long[trace.Shapes.Length][];
        var seen = new int[trace.Shapes.Length];
        var changes = new List<int>();
        var capacity = (double)trace.CapacityMilliGpu;
        var sums = new double[OpenbResult.Last + 70];
        var events = new int[sums.Length];
        var arrived = 0L;
        var used = 0L;
        var several = 0;
        var severalPlaced = 0;
        foreach (var shape in arrivals)
        {
            if (policy.Arrive(shape))
            {
                Array.Clear(scores);
            }

            // Only nodes that changed since the shape was last seen are asked again.
            if (scores[shape] is not { } mine)
            {
                scores[shape] = mine = new long[trace.Nodes.Length];
                for (var node = 0; node < mine.Length; node++)
                {
                    mine[node] = policy.Score(node, shape);
                }
            }
            else if (changes.Count - seen[shape] < mine.Length)
            {
                for (var change = seen[shape]; change < changes.Count; change++)
                {
                    mine[changes[change]] = policy.Score(changes[change], shape);
                }
            }
            else
            {
                foreach (var node in changes.Skip(seen[shape]).Distinct())
                {
                    mine[node] = policy.Score(node, shape);
                }
            }

            seen[shape] = changes.Count;
            several += trace.Shapes[shape].Devices > 1 ? 1 : 0;
            arrived += trace.Shapes[shape].MilliGpu;
            if (policy.Choose(mine) is >= 0 and var chosen)
            {
                policy.Place(chosen, shape);
                changes.Add(chosen);
                severalPlaced += trace.Shapes[shape].Devices > 1 ? 1 : 0;
                used += trace.Shapes[shape].MilliGpu;
            }

            var percent = (int)Math.Round(arrived / capacity * 100, MidpointRounding.ToEven);
            sums[percent] += used / capacity * 100;
            events[percent]++;
        }

        return new OpenbResult(
            [.. sums.Select((sum, percent) => events[percent] == 0 ? double.NaN : sum / events[percent])],
            several == 0 ? 100 : severalPlaced * 100.0 / several);
    }
}
