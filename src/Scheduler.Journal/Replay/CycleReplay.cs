using System.Collections.Immutable;
using Scheduler.Core.Planning;
using Scheduler.Journal.Serialization;
using Scheduler.Journal.Storage;

namespace Scheduler.Journal.Replay;

/// <summary>A cycle planned again.</summary>
/// <param name="Cycle">What the journal has of it.</param>
/// <param name="Plan">The plan that this program makes of the same snapshot under the same policy.</param>
/// <param name="Digest">SHA-256 of its canonical text.</param>
/// <param name="Missing">Effects that the journal has and this plan has not.</param>
/// <param name="Added">Effects that this plan has and the journal has not.</param>
public sealed record ReplayedCycle(ReadCycle Cycle, Plan Plan, string Digest, ImmutableArray<string> Missing, ImmutableArray<string> Added)
{
    /// <summary>Whether both plans are the same, byte for byte.</summary>
    public bool IsIdentical => Digest == Cycle.Record.PlanDigest;
}

/// <summary>
/// Plans cycles of a journal again. Like the daemon it keeps one planner for cycles in a row; a new segment, which may be another run
/// of the daemon under another policy, gets a new one.
/// </summary>
public sealed class CycleReplay
{
    private readonly CanonicalPlan _canonical = new();
    private CyclePlanner? _planner;
    private SegmentHeader? _header;

    /// <summary>Plans a cycle again.</summary>
    public ReplayedCycle Run(ReadCycle cycle)
    {
        ArgumentNullException.ThrowIfNull(cycle);
        if (_planner is null || !ReferenceEquals(_header, cycle.Header))
            (_planner, _header) = (new CyclePlanner(cycle.Header.Policy), cycle.Header);
        var plan = _planner.Compute(cycle.Snapshot);
        ImmutableArray<string> effects = [.. plan.Decisions.Where(JournalWriter.IsEffect).Select(_canonical.Line)];
        return new ReplayedCycle(
            cycle, plan, _canonical.Digest(plan),
            [.. cycle.Record.Effects.Except(effects, StringComparer.Ordinal)],
            [.. effects.Except(cycle.Record.Effects, StringComparer.Ordinal)]);
    }
}
