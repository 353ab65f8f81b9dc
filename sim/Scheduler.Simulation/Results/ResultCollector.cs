using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;

namespace Scheduler.Simulation.Results;

/// <summary>Collects the figures of a simulation while it runs.</summary>
/// <param name="scheduler">Name of the scheduler.</param>
/// <param name="seriesPoints">The most points of a time series, even; 0 for none.</param>
/// <param name="keepsRuns">Whether each run of each job is kept.</param>
public sealed class ResultCollector(string scheduler, int seriesPoints = 0, bool keepsRuns = false) : ISimulationSink
{
    private const int ColumnsOfCluster = 4;

    private readonly JobTally _all = new();
    private readonly List<RunSpan> _runs = [];
    private readonly Dictionary<int, RunRecorder> _recorders = [];
    private SimulationState _state = null!;
    private ImmutableArray<TenantNode> _tenants = [];
    private JobTally[] _tallies = [];
    private GuaranteeClock[] _clocks = [];
    private long[] _waitingSince = [];
    private SeriesRecorder? _series;
    private long[] _values = [];
    private Int128 _installed;
    private Int128 _healthy;
    private Int128 _used;
    private Int128 _idleWhileWaiting;
    private Int128 _unusableMicro;
    private SimulationResult? _result;

    /// <summary>The figures.</summary>
    /// <exception cref="InvalidOperationException">The simulation has not ended.</exception>
    public SimulationResult Result => _result ?? throw new InvalidOperationException("the simulation has not ended");

    /// <inheritdoc/>
    public void Begin(SimulationState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _state = state;
        _tenants = state.Setup.Tenants.Nodes;
        _tallies = [.. _tenants.Select(_ => new JobTally())];
        _clocks = [.. _tenants.Select(tenant => new GuaranteeClock(tenant.TotalGuaranteedMilliGpu))];
        _waitingSince = new long[state.Jobs.Length];
        if (seriesPoints > 0)
        {
            _values = new long[ColumnsOfCluster + (2 * _tenants.Length)];
            _series = new SeriesRecorder(_values.Length, seriesPoints);
        }
    }

    /// <inheritdoc/>
    public void Elapsed(TimeSpan from, TimeSpan to)
    {
        var milliseconds = (to - from).Ticks / TimeSpan.TicksPerMillisecond;
        var idle = _state.HealthyMilliGpu - _state.UsedMilliGpu;
        _installed += (Int128)_state.InstalledMilliGpu * milliseconds;
        _healthy += (Int128)_state.HealthyMilliGpu * milliseconds;
        _used += (Int128)_state.UsedMilliGpu * milliseconds;
        _unusableMicro += (Int128)_state.UnusableMicroGpu * milliseconds;
        _idleWhileWaiting += _state.WaitingJobs > 0 ? (Int128)idle * milliseconds : 0;
        foreach (var tenant in _tenants)
        {
            _tallies[tenant.Index].Held(_state.UsedMilliGpuOf(tenant), tenant.TotalGuaranteedMilliGpu, milliseconds);
        }

        if (_series is not null)
        {
            _values[0] = _state.HealthyMilliGpu;
            _values[1] = _state.UsedMilliGpu;
            _values[2] = _state.WaitingJobs * 1000L;
            _values[3] = _state.RunningJobs * 1000L;
            foreach (var tenant in _tenants)
            {
                _values[ColumnsOfCluster + tenant.Index] = _state.UsedMilliGpuOf(tenant);
                _values[ColumnsOfCluster + _tenants.Length + tenant.Index] = _tallies[tenant.Index].WaitingJobs * 1000L;
            }

            _series.Add(from.Ticks / TimeSpan.TicksPerMillisecond, to.Ticks / TimeSpan.TicksPerMillisecond, _values);
        }
    }

    /// <inheritdoc/>
    public void Submitted(SimulatedJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        _waitingSince[job.Index] = _state.NowMilliseconds;
        _all.Submitted(job, _state.NowMilliseconds);
        for (var tenant = job.Tenant; tenant is not null; tenant = tenant.Parent)
        {
            _tallies[tenant.Index].Submitted(job, _state.NowMilliseconds);
        }

        if (job is { Tenant: { } leaf, MilliGpu: > 0 })
        {
            // So that there is a clock for this size from now on.
            _ = _clocks[leaf.Index].Since(_state.NowMilliseconds, CoreMilliGpu(job));
        }
    }

    /// <inheritdoc/>
    public void Started(SimulatedJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        var now = _state.NowMilliseconds;
        // How long it waited before the simulation, none of the schedulers is to be praised or blamed for.
        var isFound = job is { Run: 1, Job.Earlier: not null };
        var isFirst = job.Preemptions + job.Failures == 0 && !isFound;
        var since = !isFound && job is { Tenant: { } leaf, MilliGpu: > 0 } ? _clocks[leaf.Index].Since(now, CoreMilliGpu(job)) : null;
        _all.Started(job, now, isFirst);
        for (var tenant = job.Tenant; tenant is not null; tenant = tenant.Parent)
        {
            _tallies[tenant.Index].Started(job, now, isFirst);
        }

        if (since is { } inside)
        {
            var waited = now - Math.Max(inside, _waitingSince[job.Index]);
            _all.StartedInsideGuarantee(waited);
            for (var tenant = job.Tenant; tenant is not null; tenant = tenant.Parent)
            {
                _tallies[tenant.Index].StartedInsideGuarantee(waited);
            }
        }

        UseChanged(job);
        RecordPlaced(job);
    }

    /// <inheritdoc/>
    public void Grew(SimulatedJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        UseChanged(job);
        RecordPlaced(job);
    }

    /// <inheritdoc/>
    public void Stopped(SimulatedJob job, in Stop stop)
    {
        ArgumentNullException.ThrowIfNull(job);
        var now = _state.NowMilliseconds;
        UseChanged(job);
        _waitingSince[job.Index] = stop.IsWhole ? now : _waitingSince[job.Index];
        _all.Stopped(job, stop, now);
        for (var tenant = job.Tenant; tenant is not null; tenant = tenant.Parent)
        {
            _tallies[tenant.Index].Stopped(job, stop, now);
        }

        if (keepsRuns && stop.IsWhole)
        {
            Keep(job, stop.Pods, stop.RanFrom, stop.Cause);
        }
        else if (keepsRuns && _recorders.TryGetValue(job.Index, out var recorder))
        {
            recorder.Left(stop.Pods, _state.Now);
        }
    }

    /// <inheritdoc/>
    public void End(SimulationEnd end)
    {
        ArgumentNullException.ThrowIfNull(end);
        foreach (var job in keepsRuns ? _state.Jobs : [])
        {
            if (job.Phase == JobPhase.Running)
            {
                Keep(job, [.. job.Workload.Pods.Where(pod => pod.Placement is not null)], job.PhaseSince, cause: null);
            }
        }

        _result = new SimulationResult
        {
            Scheduler = scheduler,
            Seed = _state.Setup.Seed,
            Outcome = end.Outcome,
            EndSeconds = Figures.Seconds(end.At),
            Events = end.Events,
            Cycles = end.Cycles,
            RefusedDecisions = end.RefusedDecisions,
            Cluster = new ClusterResult
            {
                Nodes = _state.Setup.Nodes.Length,
                Gpus = Figures.Gpus(_state.InstalledMilliGpu),
                InstalledGpuHours = Figures.GpuHours(_installed),
                UnhealthyGpuHours = Figures.GpuHours(_installed - _healthy),
                UsedGpuHours = Figures.GpuHours(_used),
                IdleGpuHours = Figures.GpuHours(_healthy - _used),
                IdleWhileWaitingGpuHours = Figures.GpuHours(_idleWhileWaiting),
                FragmentedGpuHours = Figures.GpuHours(_unusableMicro / 1000),
                UtilisationPercent = Figures.Percent(_used, _healthy),
            },
            Jobs = _all.Result(_state),
            Tenants = [.. _tenants.Select(ResultOf)],
            Series = SeriesOf(),
            Runs = keepsRuns
                ? [.. _runs.OrderBy(run => run.FromSeconds).ThenBy(run => run.Job, StringComparer.Ordinal)]
                : null,
        };
    }

    private void RecordPlaced(SimulatedJob job)
    {
        if (!keepsRuns)
        {
            return;
        }

        if (!_recorders.TryGetValue(job.Index, out var recorder))
        {
            _recorders.Add(job.Index, recorder = new RunRecorder());
        }

        recorder.Placed(job, _state.Now);
    }

    private void UseChanged(SimulatedJob job)
    {
        if (job.Tenant is { } leaf)
        {
            _clocks[leaf.Index].Use(_state.NowMilliseconds, _state.UsedMilliGpuOf(leaf));
        }
    }

    /// <summary>What the pods hold without which the job does not run; of unequal ones, the first.</summary>
    internal static long CoreMilliGpu(SimulatedJob job)
    {
        var milliGpu = 0L;
        var pods = job.Job.Workload.Pods;
        for (var index = 0; index < Math.Min(pods.Length, job.Job.Workload.MinMember); index++)
        {
            milliGpu += pods[index].Shape.Gpu.MilliGpu;
        }

        return milliGpu;
    }

    private void Keep(SimulatedJob job, ImmutableArray<Pod> pods, TimeSpan from, StopCause? cause) => _runs.Add(new RunSpan(
        job.Workload.Id.Value,
        job.Workload.Tenant?.Value,
        Figures.Gpus(pods.Sum(pod => pod.Shape.Gpu.MilliGpu)),
        Figures.Seconds(from < TimeSpan.Zero ? TimeSpan.Zero : from),
        Figures.Seconds(_state.Now),
        cause,
        [.. pods.Select(pod => pod.Placement!.Node.Value).Distinct().Order(StringComparer.Ordinal)],
        _recorders.Remove(job.Index, out var recorder) ? recorder.End(_state.Now) : []));

    private TenantResult ResultOf(TenantNode tenant) => new()
    {
        Name = tenant.Id.Value,
        Parent = tenant.Parent?.Id.Value,
        GuaranteedGpus = Figures.Gpus(tenant.TotalGuaranteedMilliGpu),
        LimitGpus = LimitOf(tenant),
        GuaranteedGpuHours = Figures.GpuHours(_tallies[tenant.Index].GuaranteedMilliGpuMilliseconds),
        BurstGpuHours = Figures.GpuHours(_tallies[tenant.Index].BurstMilliGpuMilliseconds),
        Jobs = _tallies[tenant.Index].Result(_state),
    };

    /// <summary>As for the guarantee: the limit on all flavors together, else the sum of those by flavor.</summary>
    private static decimal? LimitOf(TenantNode tenant)
    {
        var quotas = tenant.Tenant.Quotas;
        return quotas.IsEmpty ? null
            : Figures.Gpus(tenant.QuotaFor(FlavorId.Any)?.LimitMilliGpu ?? quotas.Sum(quota => quota.LimitMilliGpu));
    }

    private SeriesResult? SeriesOf() => _series is null ? null : new SeriesResult
    {
        StepSeconds = Figures.Seconds(_series.StepMilliseconds),
        HealthyGpus = _series.Means(0),
        UsedGpus = _series.Means(1),
        WaitingJobs = _series.Means(2),
        RunningJobs = _series.Means(3),
        Tenants = [.. _tenants.Select(tenant => new TenantSeries(
            tenant.Id.Value,
            Figures.Gpus(tenant.TotalGuaranteedMilliGpu),
            _series.Means(ColumnsOfCluster + tenant.Index),
            _series.Means(ColumnsOfCluster + _tenants.Length + tenant.Index)))],
    };
}
