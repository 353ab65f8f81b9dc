using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Scenarios;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>A question about the size of a cluster or its quotas, and the way to its answer.</summary>
internal sealed class CapacityPlan
{
    /// <summary>Runs that are made without being asked for by number.</summary>
    public const int UsualMostRuns = 1000;

    /// <summary>Settings that are made at the most, run or not: each is a whole cluster in memory.</summary>
    private const int MostSettings = 2000;

    private readonly SettingSpace _space;

    public CapacityPlan(Scenario scenario, ImmutableArray<Goal> goals, ImmutableArray<Knob> knobs)
    {
        (Scenario, Goals, Knobs) = (scenario, goals, knobs);
        _space = new SettingSpace(scenario, knobs);
    }

    /// <summary>The scenario.</summary>
    public Scenario Scenario { get; }

    /// <summary>What is to be met; at least one.</summary>
    public ImmutableArray<Goal> Goals { get; }

    /// <summary>What may be changed; at least one.</summary>
    public ImmutableArray<Knob> Knobs { get; }

    /// <summary>Who decides: the scenario's first policy.</summary>
    public string Scheduler => Scenario.Schedulers[0];

    /// <summary>The first seed; the others follow it.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How many seeds each setting is run with; at least 2.</summary>
    public required int Seeds { get; init; }

    /// <summary>The most runs that may be made.</summary>
    public int MostRuns { get; init; } = UsualMostRuns;

    /// <summary>Whether every setting is run, even where bisection would do.</summary>
    public bool RunsAll { get; init; }

    private bool UsesBisection => !RunsAll && Frontier.UsesBisection(Knobs, Goals, (int)Math.Min(_space.Count, int.MaxValue));

    /// <summary>The runs that it takes at the most, unless bisection turns out not to do.</summary>
    public decimal Runs => Seeds * (UsesBisection ? Frontier.MostByBisection((int)_space.Count) : _space.Count);

    /// <summary>What makes it unanswerable: one line each.</summary>
    public IEnumerable<string> Check()
    {
        var isKnown = true;
        foreach (var mistake in _space.Check())
        {
            isKnown = false;
            yield return $"--knob {mistake}";
        }

        foreach (var goal in Goals)
        {
            if (goal.Tenant is { } tenant && !Scenario.Tenants.TryGet(tenant, out _))
            {
                isKnown = false;
                var remedy = SettingSpace.Remedy(tenant.Value, Scenario.Tenants.Nodes.Select(node => node.Id.Value), "the tenants are");
                yield return $"--goal {new GrammarError(goal.Text, goal.TenantColumn, $"there is no tenant '{tenant}'; {remedy}")}";
            }
        }

        if (isKnown && _space.Count > MostSettings)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"the knobs have {_space.Count} settings, and at most {MostSettings} can be compared; take greater steps");
        }
        else if (isKnown && Runs > MostRuns)
        {
            var product = string.Join(" × ", Knobs.Select(knob => knob.Count));
            var settings = UsesBisection ? $"bisection of {product} settings runs up to {Frontier.MostByBisection((int)_space.Count)}" : Knobs.Length == 1 ? $"there are {product} settings" : $"the knobs have {product} = {_space.Count} settings";
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{settings}, which with {Seeds} seeds is {Runs} runs, and at most {MostRuns} are made; take greater steps or fewer seeds, or ask for more with --max-runs {Runs}");
        }
    }

    /// <summary>What each seed brings to every setting; and one line for each goal that would be met by no jobs at all.</summary>
    public ImmutableArray<SimulationSetup> MakeSetups(out ImmutableArray<string> mistakes)
    {
        ImmutableArray<SimulationSetup> setups = [.. Enumerable.Range(0, Seeds).Select(index => Scenario.Make(unchecked(Seed + (ulong)index)))];
        mistakes =
        [
            .. Goals
                .Where(goal => goal.Figure == GoalFigure.Wait && !setups.Any(setup => setup.Jobs.Any(job =>
                    goal.Tenant is null || (job.Workload.Tenant is { } id && Scenario.Tenants.TryGet(id, out var tenant) && GoalCollector.IsOf(tenant, goal)))))
                .Select(goal => "--goal " + new GrammarError(goal.Text, goal.TenantColumn, "no such job is submitted with any of the seeds; give the tenant a workload in the scenario")),
        ];
        return setups;
    }

    /// <summary>Finds the cheapest setting that is enough. The same plan gives the same report, whatever runs at a time.</summary>
    /// <param name="setups">By seed.</param>
    /// <param name="mostAtATime">Runs at a time.</param>
    /// <param name="ended">Told after each run, from any thread.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public PlanReport Run(ImmutableArray<SimulationSetup> setups, int mostAtATime, Action? ended, CancellationToken stop)
    {
        var settings = _space.All();
        var sweep = new Sweep(setups, Sweep.Schedulers(Scheduler, Scenario.Policy), Goals, mostAtATime, ended);
        var frontier = UsesBisection
            ? Frontier.Bisect(settings, Goals, sweep, mayRunAll: _space.Count * Seeds <= MostRuns, stop)
            : Frontier.Grid(settings, sweep, stop);
        return PlanReport.Of(this, frontier);
    }
}
