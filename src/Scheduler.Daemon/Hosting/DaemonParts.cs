using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Extender;
using Scheduler.Daemon.Forecasts;
using Scheduler.Daemon.Gpus;
using Scheduler.Daemon.Journal;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Security;
using Scheduler.Daemon.Telemetry;
using Scheduler.Journal.Storage;

namespace Scheduler.Daemon.Hosting;

/// <summary>Everything that makes up a daemon, put together by hand: the object graph is this file.</summary>
internal sealed class DaemonParts : IDisposable
{
    private readonly IDisposable _leadershipResource;
    private readonly BindQueue _binds;
    private readonly ExtenderService? _extender;
    private readonly HttpClient _exporterClient = new(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2) })
    {
        // Each read has its own deadline.
        Timeout = Timeout.InfiniteTimeSpan,
    };
    private readonly JournalWriter? _journal;
    private readonly AccessReviews? _reviews;
    private readonly RequestRates _rates;

    public DaemonParts(DaemonSettings settings, ApiServerClient client, ILoggerFactory loggers)
    {
        var (time, kubernetes) = (settings.Time, settings.Kubernetes);
        Client = client;
        var logger = loggers.CreateLogger("Weir");
        var identity = Identity(settings);
        Metrics = new SchedulerMetrics(Prometheus.Metrics.NewCustomRegistry());
        Cache = new ClusterCache(
            new CacheSettings
            {
                ConfirmWithin = TimeSpan.FromSeconds(kubernetes.ConfirmBindingSeconds),
                BindBackoffCap = TimeSpan.FromSeconds(kubernetes.BindBackoffCapSeconds),
                CommitFor = TimeSpan.FromSeconds(settings.Extender.CommitmentSeconds),
                NodeRefusalCap = TimeSpan.FromSeconds(settings.Extender.NodeRefusalCapSeconds),
            }, time)
        {
            CommitmentObserver = new CommitmentLog(Metrics, logger),
        };

        DaemonPart election;
        (Leadership, _leadershipResource, election) = MakeLeadership(settings, client, identity, logger);
        var events = new EventRecorder(client, Leadership, new RateLimit(kubernetes.StatusWritesPerSecond, time), Metrics, identity, time, logger);
        var conditions = new ConditionWriter(
            client, Cache, Leadership, events, new RateLimit(kubernetes.StatusWritesPerSecond, time), Metrics, time, logger);
        var evictor = new Evictor(client, Cache, Leadership, events, Metrics, time, logger, settings.Jitter);
        var exporters = new ExporterBook(TelemetrySettings.Targets(settings.Telemetry));
        Gpus = new ClusterHealth(TelemetrySettings.Policy(settings.Telemetry), TelemetrySettings.Idle(settings.Telemetry), Cache, exporters, Leadership, events, Metrics, time, logger);
        var healthWriter = new HealthWriter(
            client, Gpus, Leadership, new RateLimit(kubernetes.StatusWritesPerSecond, time), Metrics, HealthTick(settings), time, logger);
        var reservations = new ReservationWriter(
            client, Cache, Leadership, new RateLimit(kubernetes.StatusWritesPerSecond, time), Metrics, time, logger);
        var tenantStatus = new TenantStatusWriter(client, Cache, ReadModel, Leadership, Metrics, time, logger);
        var binder = new PodBinder(client, new BinderSettings { MaxAttempts = kubernetes.BindAttempts }, time, logger, settings.Jitter);
        var claims = new ClaimBinder(client, Cache, new ClaimBinderSettings { MaxAttempts = kubernetes.BindAttempts }, time, logger, settings.Jitter);
        _binds = new BindQueue(binder, claims, Cache, events, Metrics, kubernetes.BindConcurrency, time, logger);
        var pods = MakePodReflector(settings, client, logger);
        PlanningPolicy = Policy(settings);
        History = new WorkloadHistory(settings.Api.HistoryWorkloads);
        Loop = new SchedulingLoop(
            Cache, new CorePlanning(PlanningPolicy), new PlanApplier(Cache, _binds, evictor, reservations, conditions, Metrics, logger),
            Leadership, ReadModel, Metrics, LoopSettings(settings), time, logger,
            settings.Leadership.Enabled ? pods.RefreshAsync : null);

        if (!settings.AllowAnonymous)
            _reviews = new AccessReviews(client, Metrics, time);
        _rates = new RequestRates(settings.Api.RequestsPerSecond);
        Access = new AccessInterceptor(_reviews, _rates, Metrics, logger);
        Loop.CycleEnded += cycle => History.Saw(cycle.Snapshot);
        DaemonPart[] journal = [];
        if (settings.Journal.Folder.Length > 0)
        {
            _journal = OpenJournal(settings, PlanningPolicy, identity);
            var recorder = new JournalRecorder(
                entry =>
                {
                    _journal.Append(entry);
                    return _journal.Bytes;
                }, settings.Journal.QueueCycles, Metrics, time, logger);
            Loop.CycleEnded += recorder.Offer;
            journal = [new DaemonPart("journal", recorder.RunAsync)];
        }

        var watches = MakeWatches(settings, client, pods, logger);
        Synced = Task.WhenAll(watches.Select(watch => watch.FirstList));
        Health = new DaemonHealth([.. watches.Select(watch => (watch.Part.Name, watch.HasSynced))], Leadership, Loop, LoopSettings(settings).MaxInterval, time);
        DaemonPart[] extender = [];
        if (settings.Extender.Enabled)
        {
            _extender = new ExtenderService(
                Cache, ReadModel, Leadership, _binds, binder, new ExtenderSettings
                {
                    DecisionWait = TimeSpan.FromMilliseconds(settings.Extender.DecisionWaitMilliseconds),
                    BindConcurrency = kubernetes.BindConcurrency,
                }, () => Health.IsSynced, time, logger);
            Extender = new ExtenderHandler(_extender, (long)settings.Extender.MaxRequestMebibytes << 20, Metrics, time, logger);
            var announcer = new CommitmentAnnouncer(
                client, Cache, Leadership, new RateLimit(kubernetes.StatusWritesPerSecond, time), Metrics, time, logger);
            extender = [new DaemonPart("extender", _extender.RunAsync), new DaemonPart("commitment announcer", announcer.RunAsync)];
        }

        DaemonPart[] evacuation = settings.Telemetry.MoveWork
            ? [new DaemonPart("evacuator", new Evacuator(Cache, Gpus, evictor, Leadership, time).RunAsync)]
            : [];

        DaemonPart[] forecasts = settings.MakesForecasts
            ? [new DaemonPart("forecasts", new ForecastRefresher(
                new ForecastRecord(PlanningPolicy), Forecasts, ReadModel, () => History.View().Ended, Metrics, time, logger).RunAsync)]
            : [];

        // Nobody waits for the exporters: a cluster without them is scheduled all the same.
        var telemetry = MakeTelemetry(settings, client, exporters, logger);
        Runtime = new DaemonRuntime(
            [.. watches.Select(watch => watch.Part), .. telemetry],
            election,
            [
                new DaemonPart("event recorder", events.RunAsync),
                new DaemonPart("condition writer", conditions.RunAsync),
                new DaemonPart("evictor", evictor.RunAsync),
                new DaemonPart("reservation writer", reservations.RunAsync),
                new DaemonPart("tenant status writer", tenantStatus.RunAsync),
                new DaemonPart("health writer", healthWriter.RunAsync),
                new DaemonPart("binding check", new BindingCheck(binder, Cache, time, logger).RunAsync),
                .. evacuation,
                .. forecasts,
                .. extender,
                .. journal,
            ],
            Loop, _binds, Synced, time, logger);
    }

    public ApiServerClient Client { get; }

    public SchedulerMetrics Metrics { get; }

    public ClusterCache Cache { get; }

    public ClusterHealth Gpus { get; }

    public ILeadership Leadership { get; }

    public ReadModel ReadModel { get; } = new();

    public SchedulingPolicy PlanningPolicy { get; }

    /// <summary>What has ended since the start, for exports.</summary>
    public WorkloadHistory History { get; }

    /// <summary>When what waits is expected to start.</summary>
    public ForecastBook Forecasts { get; } = new();

    /// <summary>Stands before every method of the gRPC API.</summary>
    public AccessInterceptor Access { get; }

    public SchedulingLoop Loop { get; }

    public DaemonRuntime Runtime { get; }

    public DaemonHealth Health { get; }

    /// <summary>Answers kube-scheduler; null where it is not asked for.</summary>
    public ExtenderHandler? Extender { get; }

    public Task Synced { get; }

    public void Dispose()
    {
        _extender?.Dispose();
        _journal?.Dispose();
        _reviews?.Dispose();
        _rates.Dispose();
        _leadershipResource.Dispose();
        _binds.Dispose();
        _exporterClient.Dispose();
        Client.Dispose();
    }

    private static JournalWriter OpenJournal(DaemonSettings settings, SchedulingPolicy policy, string identity)
    {
        try
        {
            return JournalWriter.Open(new JournalSettings
            {
                Folder = settings.Journal.Folder,
                MaxBytes = (long)settings.Journal.MaxMebibytes << 20,
                SegmentBytes = (long)settings.Journal.SegmentMebibytes << 20,
                Version = ProgramVersion.Text,
                Replica = identity,
                Policy = policy,
            });
        }
        catch (JournalException failure)
        {
            throw new StartupException($"journal.folder: {failure.Message}", failure);
        }
    }

    private Reflector<PodObject, PodRecord> MakePodReflector(DaemonSettings settings, ApiServerClient client, ILogger logger)
    {
        var podMapping = new PodMappingSettings
        {
            SchedulerName = settings.Kubernetes.SchedulerName,
            ExtenderSchedulers = settings.Extender.Enabled ? [.. settings.Extender.SchedulerNames] : [],
            DefaultMinRuntime = TimeSpan.FromSeconds(settings.Scheduling.DefaultMinRuntimeSeconds),
            DefaultPreemptionGrace = TimeSpan.FromSeconds(settings.Scheduling.DefaultPreemptionGraceSeconds),
            TopologyLevels = [.. settings.Scheduling.TopologyLevels],
        };
        return new Reflector<PodObject, PodRecord>(client, Watched(settings, "pods", "/api/v1/pods"),
            WireJson.Default.PodObject, pod => PodMapping.Map(pod, podMapping), Cache.Pods, Metrics.Observer, settings.Time, logger, settings.Jitter);
    }

    private List<Watch> MakeWatches(
        DaemonSettings settings, ApiServerClient client, Reflector<PodObject, PodRecord> pods, ILogger logger)
    {
        var flavorLabel = settings.Kubernetes.FlavorLabel;
        return
        [
            Make(pods),
            Make(new Reflector<NodeObject, NodeRecord>(client, Watched(settings, "nodes", "/api/v1/nodes"),
                WireJson.Default.NodeObject, node => NodeRecord.Map(node, flavorLabel), Gpus.Nodes, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<TenantObject, TenantRecord>(client, Watched(settings, "tenants", "/apis/weir.scheduler/v1/tenants", mayBeAbsent: true),
                WireJson.Default.TenantObject, TenantMapping.Map, Cache.Tenants, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<PodGroupObject, PodGroupRecord>(client,
                Watched(settings, "podgroups", "/apis/scheduling.x-k8s.io/v1alpha1/podgroups", mayBeAbsent: true),
                WireJson.Default.PodGroupObject, TenantMapping.Map, Cache.PodGroups, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<WorkloadObject, WorkloadRecord>(client,
                Watched(settings, "workloads", "/apis/scheduling.k8s.io/v1alpha1/workloads", mayBeAbsent: true),
                WireJson.Default.WorkloadObject, TenantMapping.Map, Cache.Workloads, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<NamespaceObject, NamespaceRecord>(client, Watched(settings, "namespaces", "/api/v1/namespaces"),
                WireJson.Default.NamespaceObject, VolumeMapping.Map, Cache.Namespaces, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<ClaimObject, ClaimRecord>(client, Watched(settings, "persistentvolumeclaims", "/api/v1/persistentvolumeclaims"),
                WireJson.Default.ClaimObject, VolumeMapping.Map, Cache.Claims, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<VolumeObject, VolumeRecord>(client, Watched(settings, "persistentvolumes", "/api/v1/persistentvolumes"),
                WireJson.Default.VolumeObject, VolumeMapping.Map, Cache.Volumes, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<StorageClassObject, StorageClassRecord>(client, Watched(settings, "storageclasses", "/apis/storage.k8s.io/v1/storageclasses"),
                WireJson.Default.StorageClassObject, VolumeMapping.Map, Cache.StorageClasses, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<CsiNodeObject, AttachLimitsRecord>(client, Watched(settings, "csinodes", "/apis/storage.k8s.io/v1/csinodes"),
                WireJson.Default.CsiNodeObject, VolumeMapping.Map, Cache.AttachLimits, Metrics.Observer, settings.Time, logger, settings.Jitter)),
            Make(new Reflector<DisruptionBudgetObject, BudgetRecord>(client,
                Watched(settings, "poddisruptionbudgets", "/apis/policy/v1/poddisruptionbudgets", mayBeAbsent: true) with
                {
                    // Kubernetes before 1.21.
                    OlderPath = "/apis/policy/v1beta1/poddisruptionbudgets",
                },
                WireJson.Default.DisruptionBudgetObject, BudgetMapping.Map, Cache.Budgets, Metrics.Observer, settings.Time, logger, settings.Jitter)),
        ];
    }

    private List<DaemonPart> MakeTelemetry(DaemonSettings settings, ApiServerClient client, ExporterBook exporters, ILogger logger)
    {
        var options = settings.Telemetry;
        var parts = new List<DaemonPart>();
        if (options.Enabled)
        {
            foreach (var (selector, index) in options.ExporterSelectors.Select((selector, index) => (selector, index)))
            {
                var watched = Watched(settings, $"exporters-{index}", "/api/v1/pods") with { LabelSelector = selector };
                var reflector = new Reflector<PodObject, ExporterPod>(client, watched,
                    WireJson.Default.PodObject, pod => ExporterPod.Map(pod, options.ExporterPort), exporters.NewSink(), Metrics.Observer, settings.Time, logger, settings.Jitter);
                parts.Add(new DaemonPart($"watch of exporters {index}", reflector.RunAsync));
            }

            var scraper = new ExporterScraper(
                exporters, (target, reading) => Gpus.Observe(target.Node, reading), _exporterClient, TelemetrySettings.Scraper(options), Metrics,
                settings.Jitter, settings.Time, logger);
            parts.Add(new DaemonPart("exporter scraper", scraper.RunAsync));
        }

        return parts;
    }

    private static TimeSpan HealthTick(DaemonSettings settings) => TimeSpan.FromSeconds(Math.Min(5, settings.Telemetry.IntervalSeconds));

    private static Watch Make<TObject, TItem>(Reflector<TObject, TItem> reflector)
        where TObject : class, IWireObject =>
        new(new DaemonPart(reflector.Resource, reflector.RunAsync), reflector.FirstList, () => reflector.HasSynced);

    private static ReflectorSettings Watched(DaemonSettings settings, string resource, string path, bool mayBeAbsent = false) => new()
    {
        Resource = resource,
        Path = path,
        PageSize = settings.Kubernetes.ListPageSize,
        StalledAfter = TimeSpan.FromSeconds(settings.Kubernetes.StalledWatchSeconds),
        BackoffCap = TimeSpan.FromSeconds(settings.Kubernetes.WatchBackoffCapSeconds),
        MayBeAbsent = mayBeAbsent,
    };

    private static (ILeadership, IDisposable, DaemonPart) MakeLeadership(
        DaemonSettings settings, ApiServerClient client, string identity, ILogger logger)
    {
        var options = settings.Leadership;
        if (!options.Enabled)
        {
            var sole = new SoleLeadership(settings.Time, identity);
            return (sole, sole, new DaemonPart("leadership", UntilStoppedAsync));
        }

        var election = new LeaseElection(client, new LeaseSettings
        {
            Namespace = options.LeaseNamespace,
            Name = options.LeaseName,
            Identity = identity,
            LeaseDuration = TimeSpan.FromSeconds(options.LeaseDurationSeconds),
            RenewDeadline = TimeSpan.FromSeconds(options.RenewDeadlineSeconds),
            RetryPeriod = TimeSpan.FromSeconds(options.RetryPeriodSeconds),
        }, settings.Time, logger, settings.Jitter);
        return (election, election, new DaemonPart("leader election", election.RunAsync));
    }

    private static async Task UntilStoppedAsync(CancellationToken stop) =>
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static string Identity(DaemonSettings settings) => settings.Leadership.Identity is { Length: > 0 } given
        ? given
        // A host name alone is not enough: a restarted replica is another one.
        : $"{Environment.MachineName}_{Guid.NewGuid().ToString("N")[..8]}";

    private static LoopSettings LoopSettings(DaemonSettings settings) => new()
    {
        MinInterval = TimeSpan.FromMilliseconds(settings.Scheduling.MinCycleIntervalMilliseconds),
        MaxInterval = TimeSpan.FromSeconds(settings.Scheduling.MaxCycleIntervalSeconds),
    };

    internal static SchedulingPolicy Policy(DaemonSettings settings) => new()
    {
        MaxShareOfClusterPermille = settings.Scheduling.MaxShareOfClusterPermille,
        RestartCost = TimeSpan.FromSeconds(settings.Scheduling.RestartCostSeconds),
        HasFairShareReclaim = settings.Scheduling.FairShareReclaim,
        ReservationsPerTenant = settings.Scheduling.ReservationsPerTenant,
        TopologyLevels = [.. settings.Scheduling.TopologyLevels],
        BurstNodes = settings.Scheduling.BurstNodes.ToImmutableSortedDictionary(StringComparer.Ordinal),
        Scores = new ScoreWeights
        {
            Fragmentation = settings.Scheduling.FragmentationWeight,
            Packing = settings.Scheduling.PackingWeight,
            Preference = settings.Scheduling.PreferenceWeight,
        },
    };

    private sealed record Watch(DaemonPart Part, Task FirstList, Func<bool> HasSynced);
}
