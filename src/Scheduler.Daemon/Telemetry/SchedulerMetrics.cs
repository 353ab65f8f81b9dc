using Prometheus;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Forecasts;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Telemetry.Health;

namespace Scheduler.Daemon.Telemetry;

/// <summary>
/// Every metric of the daemon. Base units (seconds; GPUs, not milli-GPU); labels from closed sets or from the configuration
/// (tenant, flavor), never names of pods or nodes.
/// </summary>
public sealed class SchedulerMetrics
{
    private static readonly double[] CycleBuckets = Histogram.ExponentialBuckets(0.0005, 2, 15);
    private static readonly double[] BindBuckets = Histogram.ExponentialBuckets(0.001, 2, 16);

    // From a second to about twelve days.
    private static readonly double[] WaitBuckets = Histogram.ExponentialBuckets(1, 2, 21);

    private readonly Histogram _cycleSeconds;
    private readonly Counter _cycles;
    private readonly Counter _decisions;
    private readonly Gauge _pending;
    private readonly Histogram _waitSeconds;
    private readonly Gauge _guaranteed;
    private readonly Gauge _limit;
    private readonly Gauge _used;
    private readonly Histogram _bindSeconds;
    private readonly Counter _binds;
    private readonly Counter _evictions;
    private readonly Counter _preemptions;
    private readonly Counter _lostGpuSeconds;
    private readonly Gauge _reservations;
    private readonly Gauge _capacityErrors;
    private readonly Gauge _leader;
    private readonly Counter _refusals;
    private readonly Counter _violations;
    private readonly Counter _watchRestarts;
    private readonly Counter _watchEvents;
    private readonly Gauge _watchFailures;
    private readonly Counter _undecodable;
    private readonly Gauge _objects;
    private readonly Gauge _assumed;
    private readonly Gauge _blocked;
    private readonly Counter _statusWrites;
    private readonly Counter _extenderRequests;
    private readonly Histogram _extenderSeconds;
    private readonly Histogram _extenderAttempts;
    private readonly Counter _commitmentsEnded;
    private readonly Gauge _commitments;
    private readonly Gauge _exporters;
    private readonly Gauge _silentExporters;
    private readonly Gauge _scrapeAge;
    private readonly Counter _scrapes;
    private readonly Histogram _scrapeSeconds;
    private readonly Counter _scrapesCutOff;
    private readonly Counter _scrapesUnmatched;
    private readonly Gauge _devices;
    private readonly Gauge _quarantinedNodes;
    private readonly Counter _healthChanges;
    private readonly Counter _programFaults;
    private readonly Counter _rejections;
    private readonly Counter _evacuations;
    private readonly Gauge _idleGpus;
    private readonly Gauge _journalBytes;
    private readonly Counter _calls;
    private readonly Counter _reviews;
    private readonly Counter _journaled;
    private readonly Counter _leftOut;
    private readonly Counter _journalSeconds;
    private readonly Histogram _forecastSeconds;
    private readonly Counter _forecastFailures;
    private readonly Gauge _forecastSamples;
    private readonly Gauge _forecastObservations;
    private readonly Gauge _forecastScored;
    private readonly Gauge _forecastCoverage;
    private readonly Gauge _forecastError;

    /// <param name="registry">Where the metrics are registered; one per daemon, so that two in one process do not mix.</param>
    public SchedulerMetrics(CollectorRegistry registry)
    {
        Registry = registry;
        var metrics = Metrics.WithCustomRegistry(registry);
        _cycleSeconds = metrics.CreateHistogram("weir_cycle_duration_seconds", "Time of one scheduling cycle, from snapshot to the last decision handed on.",
            new HistogramConfiguration { Buckets = CycleBuckets });
        _cycles = metrics.CreateCounter("weir_cycles_total", "Scheduling cycles by result: ok, dropped (the plan broke an invariant), failed (it threw).", "result");
        _decisions = metrics.CreateCounter("weir_decisions_total", "Decisions of the planner by kind: bind, evict, withdraw, reserve, wait.", "kind");
        _pending = metrics.CreateGauge("weir_pending_workloads", "Waiting workloads by tenant and reason.", "tenant", "reason");
        _waitSeconds = metrics.CreateHistogram("weir_wait_seconds", "Time from the creation of a workload's first pod to its binding.",
            new HistogramConfiguration { Buckets = WaitBuckets, LabelNames = ["tenant"] });
        _guaranteed = metrics.CreateGauge("weir_tenant_guaranteed_gpus", "GPUs that the tenant always gets.", "tenant", "flavor");
        _limit = metrics.CreateGauge("weir_tenant_limit_gpus", "The most GPUs that the tenant may use.", "tenant", "flavor");
        _used = metrics.CreateGauge("weir_tenant_used_gpus", "GPUs in use by the tenant, by standing: guaranteed or burst.", "tenant", "flavor", "standing");
        _bindSeconds = metrics.CreateHistogram("weir_bind_duration_seconds", "Time of one binding, retries included.",
            new HistogramConfiguration { Buckets = BindBuckets });
        _binds = metrics.CreateCounter("weir_binds_total", "Bindings by result.", "result");
        _evictions = metrics.CreateCounter("weir_evictions_total", "Evictions by result: noticed, withdrawn, evicted, refused (a disruption budget), failed.", "result");
        _preemptions = metrics.CreateCounter("weir_preempted_pods_total", "Pods that were told to go, by cause: guarantee, priority, fairshare.", "cause");
        _lostGpuSeconds = metrics.CreateCounter(
            "weir_preemption_lost_gpu_seconds_total", "Work that preemptions throw away, the time to start again included, as the planner estimates it.", "cause");
        _reservations = metrics.CreateGauge("weir_reservations", "Workloads for which room is kept, by kind: nomination (others leave for it), timed.", "kind");
        _capacityErrors = metrics.CreateGauge("weir_guarantees_beyond_capacity", "Flavors, all together being one, whose guarantees do not fit into the cluster.");
        _leader = metrics.CreateGauge("weir_leader", "1 while this replica holds the lease, else 0.");
        _refusals = metrics.CreateCounter("weir_plan_refusals_total", "Decisions that no longer held when they were to be applied, by kind.", "kind");
        _violations = metrics.CreateCounter("weir_invariant_violations_total", "Broken invariants found in plans. Plans that could do harm by it were dropped.");
        _watchRestarts = metrics.CreateCounter("weir_watch_restarts_total", "Watches begun anew, by resource and cause: ended, expired, stalled, error.", "resource", "cause");
        _watchEvents = metrics.CreateCounter("weir_watch_events_total", "Watch events handled.", "resource");
        _watchFailures = metrics.CreateGauge("weir_watch_failures_in_a_row", "Failures in a row of a watch that backs off; 0 while it works.", "resource");
        _undecodable = metrics.CreateCounter("weir_watch_undecodable_objects_total", "Objects left out because they could not be decoded.", "resource");
        _objects = metrics.CreateGauge("weir_listed_objects", "Objects in the last list.", "resource");
        _assumed = metrics.CreateGauge("weir_assumed_pods", "Pods whose binding was decided and is not confirmed by the watch yet.");
        _blocked = metrics.CreateGauge("weir_blocked_pods", "Pods that are not queued because something about them must be mended.");
        _statusWrites = metrics.CreateCounter("weir_status_writes_total", "Conditions and Events by result: written, failed, dropped.", "kind", "result");
        _extenderRequests = metrics.CreateCounter(
            "weir_extender_requests_total", "Requests of kube-scheduler by verb and result: node, wait, pass, bound, refused, ok, error.", "verb", "result");
        _extenderSeconds = metrics.CreateHistogram("weir_extender_request_duration_seconds", "Time of one answer to kube-scheduler, its wait for a plan included.",
            new HistogramConfiguration { Buckets = BindBuckets, LabelNames = ["verb"] });
        _extenderAttempts = metrics.CreateHistogram(
            "weir_extender_attempts", "How often kube-scheduler asked about a pod until it was bound.",
            new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(1, 2, 11) });
        _commitmentsEnded = metrics.CreateCounter(
            "weir_extender_commitments_ended_total", "Nodes decided for pods of kube-scheduler, by how that ended: bound, refused (not offered), expired, revoked, failed, fenced, gone.", "end");
        _commitments = metrics.CreateGauge("weir_extender_commitments", "Pods with a node that kube-scheduler has not bound yet.");
        _exporters = metrics.CreateGauge("weir_gpu_exporters", "Exporters of GPU metrics that are read.");
        _silentExporters = metrics.CreateGauge("weir_gpu_exporters_silent", "Nodes whose exporter was not heard for too long: their GPUs are planned with on the API's word alone.");
        _scrapeAge = metrics.CreateGauge("weir_gpu_scrape_age_seconds", "Age of what is known from the exporter that was not heard for the longest time.");
        _scrapes = metrics.CreateCounter("weir_gpu_scrapes_total", "Reads of exporters by result: ok, timeout, failed.", "result");
        _scrapeSeconds = metrics.CreateHistogram("weir_gpu_scrape_duration_seconds", "Time of one read of an exporter.", new HistogramConfiguration { Buckets = BindBuckets });
        _scrapesCutOff = metrics.CreateCounter("weir_gpu_scrapes_cut_off_total", "Answers of exporters of which a part was left out, because they were too long.");
        _scrapesUnmatched = metrics.CreateCounter("weir_gpu_scrapes_unmatched_total", "Readings of nodes that the cluster does not have.");
        _devices = metrics.CreateGauge("weir_gpu_devices", "GPUs that exporters or operators spoke of, by health: healthy, suspect, quarantined, probation.", "state");
        _quarantinedNodes = metrics.CreateGauge("weir_quarantined_nodes", "Nodes that are quarantined as a whole.");
        _healthChanges = metrics.CreateCounter("weir_gpu_health_changes_total", "Changes of health by subject (device, node) and new state.", "subject", "to");
        _programFaults = metrics.CreateCounter("weir_gpu_program_faults_total", "XIDs that are faults of programs and quarantine nothing.");
        _rejections = metrics.CreateCounter("weir_rejected_pods_total", "Pods that the kubelet of their node turned away after they were bound.");
        _evacuations = metrics.CreateCounter("weir_evacuated_pods_total", "Pods that were told to go because a GPU of theirs is quarantined.");
        _idleGpus = metrics.CreateGauge("weir_tenant_idle_gpus", "GPUs that pods of the tenant hold and have done nothing with for a while.", "tenant");
        _journalBytes = metrics.CreateGauge("weir_journal_size_bytes", "Size of the decision journal on disk.");
        _calls = metrics.CreateCounter("weir_api_calls_total", "Calls of the gRPC API by method and code; methods that have no access rule are one.", "method", "code");
        _reviews = metrics.CreateCounter("weir_api_reviews_total", "Questions to the API server about callers, by kind (token, access) and result: yes, no, failed, busy.", "kind", "result");
        _journaled = metrics.CreateCounter("weir_journal_written_cycles_total", "Cycles written to the decision journal.");
        _leftOut = metrics.CreateCounter("weir_journal_left_out_cycles_total", "Cycles left out of the decision journal, by cause: queue_full, disk.", "cause");
        _journalSeconds = metrics.CreateCounter("weir_journal_write_seconds_total", "Time spent on writing the decision journal, beside the scheduling loop.");
        _forecastSeconds = metrics.CreateHistogram("weir_forecast_duration_seconds", "Time of one forecast of all expected starts, beside the scheduling loop.",
            new HistogramConfiguration { Buckets = BindBuckets });
        _forecastFailures = metrics.CreateCounter("weir_forecast_failures_total", "Forecasts of expected starts that failed; the ones before stay.");
        _forecastSamples = metrics.CreateGauge("weir_forecast_samples", "Futures that were drawn for the last forecast of expected starts.");
        _forecastObservations = metrics.CreateGauge("weir_forecast_observed_runs", "Ended workloads that durations were learned from since the start.");
        _forecastScored = metrics.CreateGauge("weir_forecast_scored_starts", "Starts after more than a minute that forecasts were held against, the last 1000 at most.");
        _forecastCoverage = metrics.CreateGauge("weir_forecast_coverage_ratio", "Share of the scored starts that came between p10 and p90 of their first forecast.");
        _forecastError = metrics.CreateGauge(
            "weir_forecast_median_error_ratio", "Median distance of the scored starts from p50 of their first forecast, as a share of the wait.");
        Observer = new WatchObserver(this);
    }

    /// <summary>The registry that /metrics prints.</summary>
    public CollectorRegistry Registry { get; }

    internal IReflectorObserver Observer { get; }

    internal void CycleEnded(string result, TimeSpan duration)
    {
        _cycles.WithLabels(result).Inc();
        _cycleSeconds.Observe(duration.TotalSeconds);
    }

    /// <summary>A cycle was written to the journal, which has this size now.</summary>
    internal void Journaled(long bytes, TimeSpan duration)
    {
        _journaled.Inc();
        _journalBytes.Set(bytes);
        _journalSeconds.Inc(duration.TotalSeconds);
    }

    internal void Called(string method, Grpc.Core.StatusCode code) => _calls.WithLabels(method, code.ToString()).Inc();

    internal void Reviewed(string kind, string result) => _reviews.WithLabels(kind, result).Inc();

    /// <summary>A cycle was left out of the journal.</summary>
    internal void LeftOutOfJournal(string cause) => _leftOut.WithLabels(cause).Inc();

    internal void Decided(Plan plan)
    {
        int binds = 0, evicts = 0, withdraws = 0, nominations = 0, timed = 0, waits = 0;
        foreach (var decision in plan.Decisions)
        {
            switch (decision)
            {
                case Bind: binds++; break;
                case Evict: evicts++; break;
                case Withdraw: withdraws++; break;
                case Reserve { Kind: ReservationKind.Nomination }: nominations++; break;
                case Reserve: timed++; break;
                case Wait: waits++; break;
                default: throw new System.Diagnostics.UnreachableException(decision.GetType().Name);
            }
        }

        _decisions.WithLabels("bind").Inc(binds);
        _decisions.WithLabels("evict").Inc(evicts);
        _decisions.WithLabels("withdraw").Inc(withdraws);
        _decisions.WithLabels("reserve").Inc(nominations + timed);
        _decisions.WithLabels("wait").Inc(waits);
        _reservations.WithLabels("nomination").Set(nominations);
        _reservations.WithLabels("timed").Set(timed);
    }

    /// <summary>An eviction was taken over.</summary>
    internal void Preempted(Evict evict)
    {
        var cause = evict.Cause switch
        {
            EvictionCause.Guarantee => "guarantee",
            EvictionCause.Priority => "priority",
            EvictionCause.FairShare => "fairshare",
            _ => throw new System.Diagnostics.UnreachableException(evict.Cause.ToString()),
        };
        _preemptions.WithLabels(cause).Inc(evict.Pods.Length);
        _lostGpuSeconds.WithLabels(cause).Inc(Gpus(evict.LostMilliGpuSeconds));
    }

    internal void SetCapacityErrors(int count) => _capacityErrors.Set(count);

    /// <summary>Sets the waiting workloads; a pair that nobody waits under any more goes to 0.</summary>
    internal void SetPending(IReadOnlyDictionary<(string Tenant, WaitReason Reason), int> pending)
    {
        foreach (var labels in _pending.GetAllLabelValues())
        {
            if (!Enum.TryParse<WaitReason>(labels[1], out var reason) || !pending.ContainsKey((labels[0], reason)))
                _pending.WithLabels(labels).Set(0);
        }

        foreach (var ((tenant, reason), count) in pending)
            _pending.WithLabels(tenant, reason.ToString()).Set(count);
    }

    internal void SetAccounts(IEnumerable<TenantAccount> accounts)
    {
        var present = new HashSet<(string, string)>();
        foreach (var account in accounts)
        {
            foreach (var flavor in account.Flavors)
            {
                var (tenant, name) = (account.Tenant.Value, flavor.Flavor.Value);
                present.Add((tenant, name));
                _guaranteed.WithLabels(tenant, name).Set(Gpus(flavor.GuaranteedMilliGpu));
                if (flavor.LimitMilliGpu is { } limit)
                    _limit.WithLabels(tenant, name).Set(Gpus(limit));
                _used.WithLabels(tenant, name, "guaranteed").Set(Gpus(flavor.UsedGuaranteedMilliGpu));
                _used.WithLabels(tenant, name, "burst").Set(Gpus(flavor.UsedBurstMilliGpu));
            }
        }

        // A tenant that was deleted leaves no series behind.
        foreach (var gauge in new[] { _guaranteed, _limit, _used })
        {
            foreach (var labels in gauge.GetAllLabelValues())
            {
                if (!present.Contains((labels[0], labels[1])))
                    gauge.RemoveLabelled(labels);
            }
        }
    }

    internal void Waited(string tenant, TimeSpan wait) => _waitSeconds.WithLabels(tenant).Observe(Math.Max(0, wait.TotalSeconds));

    internal void BindEnded(BindResult result, TimeSpan duration)
    {
        _binds.WithLabels(result.ToString()).Inc();
        _bindSeconds.Observe(duration.TotalSeconds);
    }

    internal void Eviction(string result) => _evictions.WithLabels(result).Inc();

    internal void SetLeader(bool leads) => _leader.Set(leads ? 1 : 0);

    internal void Refused(string kind) => _refusals.WithLabels(kind).Inc();

    internal void Violated(int count) => _violations.Inc(count);

    internal void SetCache(int assumed, int blocked)
    {
        _assumed.Set(assumed);
        _blocked.Set(blocked);
    }

    internal void StatusWrite(string kind, string result) => _statusWrites.WithLabels(kind, result).Inc();

    /// <summary>A request of kube-scheduler was answered.</summary>
    internal void ExtenderAnswered(string verb, string result, TimeSpan duration)
    {
        _extenderRequests.WithLabels(verb, result).Inc();
        _extenderSeconds.WithLabels(verb).Observe(duration.TotalSeconds);
    }

    internal void CommitmentEnded(string end, int attempts)
    {
        _commitmentsEnded.WithLabels(end).Inc();
        if (end == "bound")
            _extenderAttempts.Observe(attempts);
    }

    internal void SetCommitments(int count) => _commitments.Set(count);

    internal void SetExporters(int count) => _exporters.Set(count);

    internal void Scraped(string result, TimeSpan duration)
    {
        _scrapes.WithLabels(result).Inc();
        _scrapeSeconds.Observe(duration.TotalSeconds);
    }

    internal void ScrapeCutOff() => _scrapesCutOff.Inc();

    internal void ScrapeUnmatched() => _scrapesUnmatched.Inc();

    internal void SetHealth(IReadOnlyDictionary<HealthState, int> devices, int quarantinedNodes, int silent, TimeSpan oldest)
    {
        foreach (var state in Enum.GetValues<HealthState>())
            _devices.WithLabels(state.ToString().ToLowerInvariant()).Set(devices.GetValueOrDefault(state));
        _quarantinedNodes.Set(quarantinedNodes);
        _silentExporters.Set(silent);
        _scrapeAge.Set(oldest.TotalSeconds);
    }

    /// <summary>Sets what is held idle; a tenant that holds nothing idle any more goes to 0.</summary>
    internal void SetIdle(IReadOnlyDictionary<string, long> milliGpuByTenant)
    {
        foreach (var labels in _idleGpus.GetAllLabelValues().Where(labels => !milliGpuByTenant.ContainsKey(labels[0])))
            _idleGpus.WithLabels(labels).Set(0);
        foreach (var (tenant, milliGpu) in milliGpuByTenant)
            _idleGpus.WithLabels(tenant).Set(Gpus(milliGpu));
    }

    internal void HealthChanged(string subject, string to) => _healthChanges.WithLabels(subject, to).Inc();

    internal void ProgramFault() => _programFaults.Inc();

    internal void PodRejected() => _rejections.Inc();

    internal void Evacuated() => _evacuations.Inc();

    internal void Forecast(TimeSpan duration, int samples, long observations, ForecastScore? score)
    {
        _forecastSeconds.Observe(duration.TotalSeconds);
        _forecastSamples.Set(samples);
        _forecastObservations.Set(observations);
        if (score is null)
            return;
        _forecastScored.Set(score.Scored);
        _forecastCoverage.Set(score.Coverage);
        _forecastError.Set(score.MedianError);
    }

    internal void ForecastFailed() => _forecastFailures.Inc();

    private static double Gpus(long milliGpu) => milliGpu / 1000.0;

    private sealed class WatchObserver(SchedulerMetrics metrics) : IReflectorObserver
    {
        public void Listed(string resource, int count)
        {
            metrics._objects.WithLabels(resource).Set(count);
            metrics._watchFailures.WithLabels(resource).Set(0);
        }

        public void Event(string resource)
        {
            metrics._watchEvents.WithLabels(resource).Inc();
            metrics._watchFailures.WithLabels(resource).Set(0);
        }

        public void Restarted(string resource, string cause) => metrics._watchRestarts.WithLabels(resource, cause).Inc();

        public void BackingOff(string resource, int failures, TimeSpan wait) => metrics._watchFailures.WithLabels(resource).Set(failures);

        public void Undecodable(string resource) => metrics._undecodable.WithLabels(resource).Inc();
    }
}
