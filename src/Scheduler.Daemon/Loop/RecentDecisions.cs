using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Daemon.Loop;

/// <summary>Something that the scheduler did, for people to read.</summary>
/// <param name="Cycle">The cycle that decided it.</param>
/// <param name="At">When.</param>
/// <param name="Decision">A <see cref="Bind"/>, an <see cref="Evict"/> or a <see cref="Withdraw"/>.</param>
/// <param name="Workload">Whom it was about, as the cycle saw it.</param>
public sealed record RecentDecision(long Cycle, DateTimeOffset At, Decision Decision, Workload Workload);

/// <summary>The last things that were done, newest first. Decisions that were not carried out are left out.</summary>
internal static class RecentDecisions
{
    /// <summary>How many are remembered.</summary>
    public const int Capacity = 60;

    /// <summary>Puts those of a cycle before the ones that were known.</summary>
    public static ImmutableArray<RecentDecision> Add(ImmutableArray<RecentDecision> known, PublishedCycle cycle)
    {
        if (!cycle.IsApplied)
            return known;
        var added = new List<RecentDecision>();
        foreach (var decision in cycle.Plan.Decisions)
        {
            if (decision is Bind or Evict or Withdraw && !cycle.Refused.Contains(decision) && cycle.Snapshot.TryGetWorkload(decision.Workload, out var workload))
                added.Add(new RecentDecision(cycle.Number, cycle.Snapshot.Now, decision, workload));
        }

        if (added.Count == 0)
            return known;
        added.Reverse();
        return [.. added.Concat(known).Take(Capacity)];
    }
}
