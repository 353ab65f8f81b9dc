using System.Collections.Immutable;
using Scheduler.Core.Forecast;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Forecasts;

/// <summary>How forecasts turned out: of the last ones of workloads that waited for more than a minute.</summary>
/// <param name="Scored">Forecasts that count.</param>
/// <param name="Coverage">Share of the starts that came between p10 and p90, 0 to 1.</param>
/// <param name="MedianError">Distance of p50 from the start, as a share of the wait: the median. Infinite if most were unknown.</param>
internal sealed record ForecastScore(int Scored, double Coverage, double MedianError);

/// <summary>
/// Makes forecasts, learns how long workloads run from those that ended, and holds the first forecast of each workload against its
/// start. Not for use by several threads at once.
/// </summary>
/// <remarks>
/// What ended is what the API server has no more, or says has ended: whether by itself or deleted by its owner is not told apart.
/// What had been told to make way teaches nothing about durations.
/// </remarks>
internal sealed class ForecastRecord(SchedulingPolicy policy)
{
    /// <summary>The last so many forecasts are scored.</summary>
    public const int ScoredForecasts = 1000;

    private static readonly TimeSpan LeastWait = TimeSpan.FromMinutes(1);

    private readonly DurationHistory _history = new();
    private readonly ForecastCalibration _calibration = new();
    private readonly Dictionary<WorkloadId, Open> _open = [];
    private readonly Queue<(bool IsCovered, double Error)> _scored = [];
    private StartForecaster _forecaster = new(policy, ForecastSettings.Default);
    private DateTimeOffset _learnedUpTo = DateTimeOffset.MinValue;

    /// <summary>Runs that durations were learned from.</summary>
    public long Observations => _history.Observations;

    /// <summary>How forecasts turned out; null before the first that counts.</summary>
    public ForecastScore? Score
    {
        get
        {
            if (_scored.Count == 0)
                return null;
            var errors = _scored.Select(scored => scored.Error).Order().ToArray();
            return new ForecastScore(_scored.Count, (double)_scored.Count(scored => scored.IsCovered) / _scored.Count, errors[errors.Length / 2]);
        }
    }

    /// <summary>Learns from what came since the last call, and forecasts anew.</summary>
    /// <param name="snapshot">The cluster.</param>
    /// <param name="ended">What has ended, the first to end first; what was seen before is passed over.</param>
    /// <param name="isDue">Whether the time for drawing futures is up.</param>
    public ToldForecasts Refresh(ClusterSnapshot snapshot, ImmutableArray<EndedWorkload> ended, Func<bool> isDue)
    {
        foreach (var workload in ended)
        {
            if (workload.EndedAt > _learnedUpTo)
                Learn(workload);
        }

        _learnedUpTo = ended.IsEmpty ? _learnedUpTo : ended[^1].EndedAt;
        Settle(snapshot);
        var forecasts = _forecaster.Compute(snapshot, _history, isDue);
        var told = ImmutableDictionary.CreateBuilder<WorkloadId, StartForecast>();
        foreach (var (id, forecast) in forecasts.Forecasts)
        {
            if (!snapshot.TryGetWorkload(id, out var workload) || workload.Tenant is not { } tenant)
                continue;
            var corrected = _calibration.Correct(tenant, snapshot.Now, forecast);
            told.Add(id, corrected);
            // What ran before has not waited since it was submitted.
            if (workload.AttainedMilliGpuSeconds == 0)
                _open.TryAdd(id, new Open(tenant, workload.SubmittedAt, snapshot.Now, forecast, corrected));
        }

        return new ToldForecasts(snapshot.Now, forecasts.Samples, told.ToImmutable());
    }

    /// <summary>After a failure: what is kept from refresh to refresh is made anew; what was learned stays.</summary>
    public void StartOver() => _forecaster = new StartForecaster(policy, ForecastSettings.Default);

    private void Learn(EndedWorkload ended)
    {
        var workload = ended.Workload;
        if (workload.StartedAt is not { } started || started >= ended.EndedAt)
            return;
        if (_open.Remove(workload.Id, out var open))
            Hold(open, started);
        if (ended.WasPreempted || ended.Pods.IsEmpty)
            return;
        var milliGpu = ended.Pods.Sum(pod => pod.Shape.Gpu.MilliGpu * pod.Count);
        var before = milliGpu > 0 ? TimeSpan.FromSeconds(workload.AttainedMilliGpuSeconds / milliGpu) : TimeSpan.Zero;
        var kind = new DurationKind(
            workload.Tenant, workload.Namespace, ended.Pods.Select(pod => pod.Shape.Gpu).MaxBy(gpu => gpu.MilliGpu), ended.Pods.Sum(pod => pod.Count));
        _history.Learn(kind, before + (ended.EndedAt - started), workload.ExpectedDuration);
    }

    /// <summary>What was forecast and has started, or is gone.</summary>
    private void Settle(ClusterSnapshot snapshot)
    {
        foreach (var (id, open) in _open.ToArray())
        {
            if (!snapshot.TryGetWorkload(id, out var workload))
            {
                _open.Remove(id);
            }
            else if (workload.StartedAt is { } started)
            {
                _open.Remove(id);
                Hold(open, started);
            }
        }
    }

    private void Hold(Open open, DateTimeOffset started)
    {
        _calibration.Learn(open.Tenant, open.MadeAt, open.Raw, started);
        var wait = started - open.SubmittedAt;
        if (wait <= LeastWait)
            return;
        var told = open.Told;
        var error = told.P50 is { } expected ? (expected - started).Duration() / wait : double.PositiveInfinity;
        _scored.Enqueue((told.P10 <= started && (told.P90 is not { } last || started <= last), error));
        if (_scored.Count > ScoredForecasts)
            _scored.Dequeue();
    }

    /// <summary>The first forecast of a workload that has not started.</summary>
    private sealed record Open(TenantId Tenant, DateTimeOffset SubmittedAt, DateTimeOffset MadeAt, StartForecast Raw, StartForecast Told);
}
