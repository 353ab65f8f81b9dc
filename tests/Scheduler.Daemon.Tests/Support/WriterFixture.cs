using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Tests.Support;

/// <summary>Leadership in the hands of the test.</summary>
internal sealed class TestLeadership(TimeProvider time) : ILeadership, IDisposable
{
    private LeadershipTerm? _term;

    public LeadershipTerm? Term => _term;

    public string? Holder => _term is null ? "another" : "me";

    public event Action? Changed;

    public void Lead()
    {
        _term = LeadershipTerm.Unlimited(time);
        Changed?.Invoke();
    }

    public void Lose()
    {
        _term?.End();
        _term = null;
        Changed?.Invoke();
    }

    public void Dispose() => _term?.Dispose();
}

/// <summary>The planner in the hands of the test.</summary>
internal sealed class ScriptedPlanning : IPlanning
{
    public Func<ClusterSnapshot, Plan> Answer { get; set; } = snapshot => Planner.Compute(snapshot, SchedulingPolicy.Default);

    public IReadOnlyList<InvariantViolation> Violations { get; set; } = [];

    public int Calls { get; private set; }

    /// <summary>How often the planner was made to start over.</summary>
    public int Restarts { get; private set; }

    public void StartOver() => Restarts++;

    public Plan Compute(ClusterSnapshot snapshot)
    {
        Calls++;
        return Answer(snapshot);
    }

    public IReadOnlyList<InvariantViolation> FindViolations(ClusterSnapshot snapshot, Plan plan) => Violations;
}

/// <summary>Everything that writes, against a scripted API server and a clock that the test moves.</summary>
internal sealed class WriterFixture : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _runs = [];

    public WriterFixture()
    {
        var client = Server.Client(Time);
        Cache = new ClusterCache(new CacheSettings(), Time);
        Leadership = new TestLeadership(Time);
        Events = new EventRecorder(client, Leadership, new RateLimit(1000, Time), Metrics, "me", Time, NullLogger.Instance);
        Conditions = new ConditionWriter(client, Cache, Leadership, Events, new RateLimit(1000, Time), Metrics, Time, NullLogger.Instance);
        Evictor = new Evictor(client, Cache, Leadership, Events, Metrics, Time, NullLogger.Instance);
        Reservations = new ReservationWriter(client, Cache, Leadership, new RateLimit(1000, Time), Metrics, Time, NullLogger.Instance);
        Binds = new BindQueue(new PodBinder(client, new BinderSettings(), Time, NullLogger.Instance, () => 1),
            new ClaimBinder(client, Cache, new ClaimBinderSettings(), Time, NullLogger.Instance, () => 1), Cache, Events, Metrics, 4, Time, NullLogger.Instance);
        Loop = new SchedulingLoop(Cache, Planning, new PlanApplier(Cache, Binds, Evictor, Reservations, Conditions, Metrics, NullLogger.Instance),
            Leadership, ReadModel, Metrics, new LoopSettings(), Time, NullLogger.Instance, RefreshPodsAsync);
        Cache.Tenants.Replace([CacheFixture.Tenant("team", "ns", 100)]);
        Cache.Nodes.Replace([CacheFixture.Node("n0", 2)]);
    }

    public BarrierTimeProvider Time { get; } = new();

    public ScriptedServer Server { get; } = new();

    public SchedulerMetrics Metrics { get; } = new(Prometheus.Metrics.NewCustomRegistry());

    public ScriptedPlanning Planning { get; } = new();

    public ReadModel ReadModel { get; } = new();

    public ClusterCache Cache { get; }

    public TestLeadership Leadership { get; }

    public EventRecorder Events { get; }

    public ConditionWriter Conditions { get; }

    public Evictor Evictor { get; }

    public ReservationWriter Reservations { get; }

    public BindQueue Binds { get; }

    public SchedulingLoop Loop { get; }

    /// <summary>What a list of all pods waits for; nothing, unless it is set.</summary>
    public TaskCompletionSource? Refresh { get; init; }

    private readonly TaskCompletionSource _refreshAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the loop asks for a list of all pods.</summary>
    public Task RefreshAsked => _refreshAsked.Task;

    private Task RefreshPodsAsync()
    {
        _refreshAsked.TrySetResult();
        return Refresh?.Task ?? Task.CompletedTask;
    }

    public void Run(Func<CancellationToken, Task> part) => _runs.Add(Task.Run(() => part(_stop.Token)));

    /// <summary>Runs a part on this thread until it has nothing to do: what is queued is dealt with when this returns.</summary>
    public void RunUntilIdle(Func<CancellationToken, Task> part) => _runs.Add(part(_stop.Token));

    public void RunLoop() => Run(token => Loop.RunAsync(Task.CompletedTask, token));

    public async Task<string> MetricsTextAsync()
    {
        using var text = new MemoryStream();
        await Metrics.Registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        Binds.Complete();
        await _stop.CancelAsync();
        await Task.WhenAll(_runs);
        _stop.Dispose();
        Leadership.Dispose();
        Binds.Dispose();
        Server.Dispose();
    }
}
