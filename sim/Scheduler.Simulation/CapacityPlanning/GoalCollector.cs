using System.Collections.Immutable;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>
/// Collects what goals are about. Unlike the usual figures, jobs that still wait at the end count, with their wait so far, and for
/// ever if nothing more could start: a cluster that is too small must not look good for what it never served.
/// </summary>
internal sealed class GoalCollector : ISimulationSink
{
    private readonly ResultCollector _usual = new("");
    private readonly Dictionary<int, double> _waits = [];
    private SimulationState _state = null!;
    private GuaranteeClock[] _clocks = [];
    private long[] _waitingSince = [];
    private double _longestToGuarantee;

    /// <inheritdoc/>
    public void Begin(SimulationState state)
    {
        _usual.Begin(state);
        _state = state;
        _clocks = [.. state.Setup.Tenants.Nodes.Select(tenant => new GuaranteeClock(tenant.TotalGuaranteedMilliGpu))];
        _waitingSince = new long[state.Jobs.Length];
    }

    /// <inheritdoc/>
    public void Elapsed(TimeSpan from, TimeSpan to) => _usual.Elapsed(from, to);

    /// <inheritdoc/>
    public void Submitted(SimulatedJob job)
    {
        _usual.Submitted(job);
        _waitingSince[job.Index] = _state.NowMilliseconds;
        _ = InsideSince(job);
    }

    /// <inheritdoc/>
    public void Started(SimulatedJob job)
    {
        var waited = WaitedInside(job);
        _usual.Started(job);
        _longestToGuarantee = Math.Max(_longestToGuarantee, waited / 1000.0);
        if (job.Preemptions + job.Failures == 0)
        {
            _waits.Add(job.Index, (_state.NowMilliseconds - JobProgress.Milliseconds(job.Job.SubmitAt)) / 1000.0);
        }

        UseChanged(job);
    }

    /// <inheritdoc/>
    public void Grew(SimulatedJob job)
    {
        _usual.Grew(job);
        UseChanged(job);
    }

    /// <inheritdoc/>
    public void Stopped(SimulatedJob job, in Stop stop)
    {
        _usual.Stopped(job, stop);
        UseChanged(job);
        _waitingSince[job.Index] = stop.IsWhole ? _state.NowMilliseconds : _waitingSince[job.Index];
    }

    /// <inheritdoc/>
    public void End(SimulationEnd end)
    {
        var waitsForEver = end.Outcome == SimulationOutcome.NothingCanStart;
        foreach (var job in _state.Jobs.Where(job => job.Phase == JobPhase.Waiting))
        {
            _waits.TryAdd(job.Index, waitsForEver ? double.PositiveInfinity : (_state.NowMilliseconds - JobProgress.Milliseconds(job.Job.SubmitAt)) / 1000.0);
            if (InsideSince(job) is not null)
            {
                _longestToGuarantee = Math.Max(_longestToGuarantee, waitsForEver ? double.PositiveInfinity : WaitedInside(job) / 1000.0);
            }
        }

        _usual.End(end);
    }

    /// <summary>The figure of a goal, after the end. Without any job of the tenant, 0.</summary>
    public double Figure(Goal goal) => goal.Figure switch
    {
        GoalFigure.TimeToGuarantee => _longestToGuarantee,
        GoalFigure.Utilisation => (double)_usual.Result.Cluster.UtilisationPercent,
        GoalFigure.LostGpuHours => (double)(_usual.Result.Jobs.LostToPreemptionGpuHours + _usual.Result.Jobs.LostToFailureGpuHours + _usual.Result.Jobs.RestartGpuHours),
        _ => Statistic([.. _waits.Where(pair => IsOf(_state.Jobs[pair.Key].Tenant, goal)).Select(pair => pair.Value).Order()], goal.Statistic),
    };

    /// <summary>Whether a tenant is the goal's, or below it.</summary>
    public static bool IsOf(TenantNode? tenant, Goal goal)
    {
        if (goal.Tenant is not { } wanted)
        {
            return true;
        }

        while (tenant is not null && tenant.Id != wanted)
        {
            tenant = tenant.Parent;
        }

        return tenant is not null;
    }

    /// <summary>Quantiles are by nearest rank, as in the results of a simulation.</summary>
    private static double Statistic(ImmutableArray<double> sorted, WaitStatistic statistic)
    {
        if (sorted.IsEmpty)
        {
            return 0;
        }

        return statistic switch
        {
            WaitStatistic.Mean => sorted.Sum() / sorted.Length,
            WaitStatistic.P50 => Rank(50),
            WaitStatistic.P95 => Rank(95),
            WaitStatistic.P99 => Rank(99),
            _ => sorted[^1],
        };

        double Rank(int percent) => sorted[Math.Max(0, (int)((((long)sorted.Length * percent) + 99) / 100) - 1)];
    }

    private long? InsideSince(SimulatedJob job) => job is { Tenant: { } leaf, MilliGpu: > 0 }
        ? _clocks[leaf.Index].Since(_state.NowMilliseconds, ResultCollector.CoreMilliGpu(job))
        : null;

    private long WaitedInside(SimulatedJob job) =>
        InsideSince(job) is { } inside ? _state.NowMilliseconds - Math.Max(inside, _waitingSince[job.Index]) : 0;

    private void UseChanged(SimulatedJob job)
    {
        if (job.Tenant is { } leaf)
        {
            _clocks[leaf.Index].Use(_state.NowMilliseconds, _state.UsedMilliGpuOf(leaf));
        }
    }
}
