using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// What one attempt at a cycle shows that the next should know from the beginning. Some choices of victims are made around
/// something that does not last until the end of the cycle; with that known, the cycle is planned once more.
/// </summary>
internal sealed class Hindsight
{
    private readonly SortedSet<WorkloadId> _late = [];
    private readonly SortedSet<WorkloadId> _unreserved = [];
    private readonly SortedSet<WorkloadId> _overruled = [];
    private int _known;

    /// <summary>
    /// Workloads that are bound only after all others had their turn: bound earlier, they would be in the way of somebody's
    /// victims, and make way themselves in the end.
    /// </summary>
    public IReadOnlySet<WorkloadId> Late => _late;

    /// <summary>
    /// Workloads that get no reservation inside their tenant's guarantee: others fill that guarantee, and would send somebody
    /// away because of what is reserved.
    /// </summary>
    public IReadOnlySet<WorkloadId> Unreserved => _unreserved;

    /// <summary>
    /// Workloads that get no reservation at all: it would not last. As soon as the plan is in effect, somebody who was held up by it
    /// would send others away.
    /// </summary>
    public IReadOnlySet<WorkloadId> Overruled => _overruled;

    public void AddLate(WorkloadId workload) => _late.Add(workload);

    public void AddUnreserved(WorkloadId workload) => _unreserved.Add(workload);

    /// <summary>The plan that would follow this one at once sends somebody away, who should have been sent away in this one.</summary>
    public void AddOverruled(Plan plan)
    {
        foreach (var reserve in plan.Decisions.OfType<Reserve>().Where(reserve => reserve.Kind == ReservationKind.Timed))
        {
            _overruled.Add(reserve.Workload);
        }
    }

    /// <summary>Whether anything was added since the last time.</summary>
    public bool Learn()
    {
        var before = _known;
        _known = _late.Count + _unreserved.Count + _overruled.Count;
        return _known > before;
    }
}
