using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;

namespace Scheduler.Simulation.Checking;

/// <summary>
/// Checks the invariants of docs/invariants.md after every event and every plan. Slow, and meant to be: it counts everything
/// anew each time.
/// </summary>
/// <param name="scheduler">Who is checked; of a baseline only what any scheduler must keep.</param>
public sealed class InvariantChecker(IScheduler scheduler) : ISimulationSink
{
    /// <summary>The most violations that are kept; the others are counted.</summary>
    public const int MostKept = 1000;

    private readonly ImmutableArray<SimulationViolation>.Builder _violations = ImmutableArray.CreateBuilder<SimulationViolation>();
    private readonly HashSet<(string Invariant, string Message)> _told = [];
    private SimulationState _state = null!;
    private ClusterAudit _cluster = null!;
    private PlanAudit _plans = null!;
    private StoryAudit _story = null!;
    private SimulationEventKind _what;
    private long _event;

    /// <summary>What was broken, in the order in which it was found; what is still broken the same way is told once.</summary>
    public ImmutableArray<SimulationViolation> Violations => _violations.ToImmutable();

    /// <summary>How many violations there were, those that are not kept included.</summary>
    public int Count { get; private set; }

    /// <inheritdoc/>
    public void Begin(SimulationState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _state = state;
        _cluster = new ClusterAudit(state, scheduler.Promises is not null, Report);
        _plans = new PlanAudit(state, scheduler.Promises, Report);
        _story = new StoryAudit(state, scheduler.Promises, Report);
        _cluster.Count();
    }

    /// <inheritdoc/>
    public void Elapsed(TimeSpan from, TimeSpan to) => _cluster.Elapsed((to - from).Ticks / TimeSpan.TicksPerMillisecond);

    /// <inheritdoc/>
    public void Submitted(SimulatedJob job) => _story.Changed();

    /// <inheritdoc/>
    public void NodeChanged(Node node) => _story.Disturbed();

    /// <inheritdoc/>
    public void Stopped(SimulatedJob job, in Stop stop)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (stop.Cause == StopCause.Done)
        {
            _story.Changed();
        }
        else if (stop is { IsWhole: true, Cause: StopCause.Preempted or StopCause.PreemptedAfterCheckpoint })
        {
            _story.Preempted(job);
        }
    }

    /// <inheritdoc/>
    public void Planned(ClusterSnapshot snapshot, Plan plan)
    {
        _what = SimulationEventKind.Cycle;
        _plans.Planned(snapshot, plan);
        _story.Planned(snapshot, plan);
    }

    /// <inheritdoc/>
    public void Refused(Decision decision, string why)
    {
        ArgumentNullException.ThrowIfNull(decision);
        Report("W1", $"{decision.GetType().Name} of {decision.Workload} cannot take effect: {why}");
    }

    /// <inheritdoc/>
    public void Applied(ClusterSnapshot snapshot, Plan plan)
    {
        _plans.Applied();
        _story.Applied(plan);
    }

    /// <inheritdoc/>
    public void Happened(SimulationEventKind what)
    {
        (_what, _event) = (what, _event + 1);
        _cluster.Count();
    }

    /// <inheritdoc/>
    public void End(SimulationEnd end)
    {
        _cluster.End();
        _story.End(end);
    }

    private void Report(string invariant, string message)
    {
        if (!_told.Add((invariant, message)))
        {
            return;
        }

        Count++;
        if (_violations.Count < MostKept)
        {
            _violations.Add(new SimulationViolation(invariant, _state.Now, _event, _what, message, _state.Setup.Seed));
        }
    }
}
