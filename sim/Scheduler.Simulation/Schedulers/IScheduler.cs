using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Schedulers;

/// <summary>
/// What decides in a simulation: Weir's planner, or a baseline to compare it with. Sees what a host would show it, never what is
/// still to come. Made anew for each run; it may remember what it decided.
/// </summary>
public interface IScheduler
{
    /// <summary>The name on the command line and in results: <c>weir</c>, <c>fifo</c>, …</summary>
    string Name { get; }

    /// <summary>
    /// The policy under which its plans keep every invariant that the planner promises (docs/invariants.md); null for a baseline,
    /// of which only what any scheduler must keep is checked.
    /// </summary>
    SchedulingPolicy? Promises => null;

    /// <summary>Decides one cycle. The simulator lets the decisions take effect as the daemon would: in order, a gang whole.</summary>
    Plan Decide(ClusterSnapshot snapshot);

    /// <summary>
    /// A moment at which it wants to decide although nothing happens until then, such as the end of a round; null if only events
    /// matter. Asked after each cycle.
    /// </summary>
    DateTimeOffset? NextRound(DateTimeOffset now) => null;
}
