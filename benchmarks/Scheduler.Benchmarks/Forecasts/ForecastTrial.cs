using Scheduler.Core.Forecast;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;

namespace Scheduler.Benchmarks.Forecasts;

/// <summary>
/// Lets a simulated cluster run and forecasts the start of each workload when it is first seen waiting, from nothing but what was
/// known then; holds that against the start.
/// </summary>
internal sealed class ForecastTrial : ISimulationSink
{
    private const int NaiveWaits = 50;

    private readonly StartForecaster _forecaster = new(SchedulingPolicy.Default, ForecastSettings.Default);
    private readonly DurationHistory _history = new();
    private readonly ForecastCalibration _calibration = new();
    private readonly Dictionary<WorkloadId, (DateTimeOffset At, StartForecast Raw, StartForecast Told, TimeSpan? Naive)> _open = [];
    private readonly HashSet<WorkloadId> _seen = [];
    private readonly Queue<TimeSpan> _waits = [];
    private readonly TrialSettings _settings;
    private DateTimeOffset _lastRefresh = DateTimeOffset.MinValue;
    private SimulationState _state = null!;

    private ForecastTrial(TrialSettings settings) => _settings = settings;

    /// <summary>What was forecast and came, in the order of the starts.</summary>
    public List<ScoredForecast> Scored { get; } = [];

    /// <summary>Workloads of the score period that waited and were not given a forecast before they started.</summary>
    public int Missed { get; private set; }

    /// <summary>Refreshes.</summary>
    public int Refreshes { get; private set; }

    public static ForecastTrial Run(SimulationSetup setup, TrialSettings settings)
    {
        var trial = new ForecastTrial(settings);
        _ = Simulator.Run(setup, new WeirScheduler(SchedulingPolicy.Default), [trial]);
        return trial;
    }

    public void Begin(SimulationState state) => _state = state;

    public void Planned(ClusterSnapshot snapshot, Plan plan)
    {
        if (snapshot.Now < _settings.ScoreFrom || snapshot.Now >= _settings.ScoreTo || snapshot.Now - _lastRefresh < _settings.RefreshInterval)
        {
            return;
        }

        var fresh = plan.Decisions.OfType<Wait>().Where(wait => !_seen.Contains(wait.Workload)).ToArray();
        if (fresh.Length == 0)
        {
            return;
        }

        _lastRefresh = snapshot.Now;
        Refreshes++;
        var forecasts = _forecaster.Compute(snapshot, _history);
        foreach (var wait in fresh)
        {
            if (_seen.Add(wait.Workload) && forecasts.Forecasts.TryGetValue(wait.Workload, out var forecast))
            {
                _open.Add(wait.Workload, (snapshot.Now, forecast, _calibration.Correct(TenantOf(snapshot, wait), snapshot.Now, forecast), _waits.Count == 0 ? null : Mean(_waits)));
            }
        }
    }

    public void Started(SimulatedJob job)
    {
        if (job.FirstStart != _state.Now)
        {
            return;
        }

        var wait = _state.Now - job.Job.SubmitAt;
        _waits.Enqueue(wait);
        if (_waits.Count > NaiveWaits)
        {
            _waits.Dequeue();
        }

        var startedAt = job.Workload.SubmittedAt + wait;
        if (_open.Remove(job.Workload.Id, out var open))
        {
            var tenant = job.Workload.Tenant!.Value;
            Scored.Add(new ScoredForecast(tenant, job.Workload.SubmittedAt, startedAt, open.At, open.Told, open.Naive));
            if (_settings.LearnsOn)
            {
                _calibration.Learn(tenant, open.At, open.Raw, startedAt);
            }
        }
        else if (job.Workload.SubmittedAt >= _settings.ScoreFrom && job.Workload.SubmittedAt < _settings.ScoreTo && wait > ForecastScore.LeastWait)
        {
            Missed++;
        }

        _ = _seen.Add(job.Workload.Id);
    }

    public void Stopped(SimulatedJob job, in Stop stop)
    {
        var now = job.Workload.SubmittedAt + (_state.Now - job.Job.SubmitAt);
        if (stop.Cause == StopCause.Done && now >= _settings.LearnFrom && (now < _settings.LearnTo || _settings.LearnsOn))
        {
            _history.Learn(DurationKind.Of(job.Workload), TimeSpan.FromMilliseconds(job.RanMilliseconds), job.Workload.ExpectedDuration);
        }
    }

    private static TenantId TenantOf(ClusterSnapshot snapshot, Wait wait) =>
        snapshot.TryGetWorkload(wait.Workload, out var workload) && workload.Tenant is { } tenant
            ? tenant
            : throw new InvalidOperationException($"{wait.Workload} waits and is of no tenant");

    private static TimeSpan Mean(IEnumerable<TimeSpan> waits) => TimeSpan.FromTicks((long)waits.Average(wait => wait.Ticks));
}

/// <summary>What is learned from and scored, as moments of the simulation.</summary>
/// <param name="LearnFrom">Jobs that ended before are not known.</param>
/// <param name="LearnTo">Nor those that end from here on, unless it learns on.</param>
/// <param name="LearnsOn">Whether it goes on learning from what ends, as the daemon does.</param>
/// <param name="ScoreFrom">Workloads first seen waiting before are not scored.</param>
/// <param name="ScoreTo">Nor from here on.</param>
/// <param name="RefreshInterval">The least time between two refreshes.</param>
internal sealed record TrialSettings(
    DateTimeOffset LearnFrom, DateTimeOffset LearnTo, bool LearnsOn, DateTimeOffset ScoreFrom, DateTimeOffset ScoreTo, TimeSpan RefreshInterval);

/// <summary>A forecast, and what came.</summary>
internal sealed record ScoredForecast(
    TenantId Tenant, DateTimeOffset SubmittedAt, DateTimeOffset StartedAt, DateTimeOffset MadeAt, StartForecast Forecast, TimeSpan? Naive)
{
    public TimeSpan Wait => StartedAt - SubmittedAt;

    public bool IsCovered => Forecast.P10 <= StartedAt && (Forecast.P90 is null || StartedAt <= Forecast.P90);
}

/// <summary>How good forecasts were.</summary>
internal sealed record ForecastScore(int Workloads, int Unknown, double Coverage, double Below, double Above, double? MedianError, double? NaiveMedianError)
{
    /// <summary>Shorter waits are no question to anybody.</summary>
    public static readonly TimeSpan LeastWait = TimeSpan.FromMinutes(1);

    /// <summary>Scores forecasts of workloads that waited for more than a minute. An unknown median counts as an error without bound.</summary>
    public static ForecastScore Of(IEnumerable<ScoredForecast> forecasts)
    {
        var all = forecasts.Where(scored => scored.Wait > LeastWait).ToArray();
        return new ForecastScore(
            all.Length,
            all.Count(scored => scored.Forecast.P50 is null),
            Share(all, scored => scored.IsCovered),
            Share(all, scored => scored.Forecast.P10 is null || scored.StartedAt < scored.Forecast.P10),
            Share(all, scored => scored.StartedAt > scored.Forecast.P90),
            Median(all, scored => (scored.Forecast.P50 - scored.StartedAt)?.Duration() / scored.Wait),
            Median(all, scored => (scored.SubmittedAt + scored.Naive - scored.StartedAt)?.Duration() / scored.Wait));
    }

    private static double Share(ScoredForecast[] all, Func<ScoredForecast, bool> predicate) =>
        all.Length == 0 ? 0 : Math.Round((double)all.Count(predicate) / all.Length, 4);

    private static double? Median(ScoredForecast[] all, Func<ScoredForecast, double?> error)
    {
        var errors = all.Select(scored => error(scored) ?? double.PositiveInfinity).Order().ToArray();
        return errors.Length == 0 || double.IsPositiveInfinity(errors[errors.Length / 2]) ? null : Math.Round(errors[errors.Length / 2], 4);
    }
}
