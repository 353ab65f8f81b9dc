using Microsoft.Extensions.Logging;

namespace Scheduler.Daemon;

/// <summary>
/// Every log message of the daemon. Ids in blocks: 1000 watches, 1100 leadership, 1200 writes, 1300 scheduling loop,
/// 1400 tenants and mapping, 1500 hosting, 1600 extender,
/// 1700 health of GPUs, 1800 access, 1900 forecasts.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "Listed {Count} {Resource} at version {ResourceVersion}")]
    public static partial void Listed(ILogger logger, string resource, int count, string resourceVersion);

    [LoggerMessage(1001, LogLevel.Information, "The version {ResourceVersion} of {Resource} is too old to watch from; listing again")]
    public static partial void WatchExpired(ILogger logger, string resource, string resourceVersion);

    [LoggerMessage(1002, LogLevel.Warning, "Watching {Resource}: {Why}; trying again in {Seconds:0.###} s (failure {Failures} in a row)")]
    public static partial void ReflectorBackoff(ILogger logger, string resource, string why, double seconds, int failures);

    [LoggerMessage(1003, LogLevel.Warning, "The API server does not serve {Resource}; going on as if there were none, and asking again now and then. Tenants and podgroups come with deploy/crds, workloads with Kubernetes 1.35")]
    public static partial void ResourceAbsent(ILogger logger, string resource);

    [LoggerMessage(1006, LogLevel.Debug, "The API server still does not serve {Resource}; asking again in {Seconds:0.###} s")]
    public static partial void ResourceStillAbsent(ILogger logger, string resource, double seconds);

    [LoggerMessage(1004, LogLevel.Error, "Handling {Resource} failed; rebuilding their state from a new list")]
    public static partial void ReflectorBug(ILogger logger, Exception exception, string resource);

    [LoggerMessage(1005, LogLevel.Error, "One of the {Resource} could not be decoded and is left out: {Why}")]
    public static partial void ObjectUndecodable(ILogger logger, string resource, string why);

    [LoggerMessage(1100, LogLevel.Information, "{Identity} leads: it holds the lease {Lease}")]
    public static partial void LeaseAcquired(ILogger logger, string identity, string lease);

    [LoggerMessage(1101, LogLevel.Warning, "{Identity} leads no longer: {Why}. Nothing more is written")]
    public static partial void LeaseLost(ILogger logger, string identity, string why);

    [LoggerMessage(1102, LogLevel.Information, "Standing by: the lease {Lease} is held by {Holder}")]
    public static partial void LeaseStandby(ILogger logger, string lease, string holder);

    [LoggerMessage(1103, LogLevel.Warning, "The lease {Lease} could not be read or written: {Why}; trying again in {Seconds:0.###} s")]
    public static partial void LeaseFailed(ILogger logger, string lease, string why, double seconds);

    [LoggerMessage(1104, LogLevel.Information, "The lease {Lease} was released")]
    public static partial void LeaseReleased(ILogger logger, string lease);

    [LoggerMessage(1105, LogLevel.Warning, "The lease {Lease} could not be released and will run out: {Why}")]
    public static partial void LeaseReleaseFailed(ILogger logger, string lease, string why);

    [LoggerMessage(1200, LogLevel.Debug, "Bound {Namespace}/{Pod} to {Node}")]
    public static partial void Bound(ILogger logger, string @namespace, string pod, string node);

    [LoggerMessage(1201, LogLevel.Warning, "Binding {Namespace}/{Pod} to {Node}: {Why}; trying again in {Seconds:0.###} s")]
    public static partial void BindRetry(ILogger logger, string @namespace, string pod, string node, string why, double seconds);

    [LoggerMessage(1202, LogLevel.Warning, "Binding {Namespace}/{Pod} to {Node} failed ({Outcome}): {Why}")]
    public static partial void BindFailed(ILogger logger, string @namespace, string pod, string node, string outcome, string why);

    [LoggerMessage(1203, LogLevel.Warning, "The condition of {Namespace}/{Pod} could not be written: {Why}")]
    public static partial void ConditionFailed(ILogger logger, string @namespace, string pod, string why);

    [LoggerMessage(1204, LogLevel.Warning, "The event {Reason} of {Namespace}/{Name} could not be written: {Why}")]
    public static partial void EventFailed(ILogger logger, string reason, string @namespace, string name, string why);

    [LoggerMessage(1205, LogLevel.Warning, "{Dropped} status writes were dropped because {Waiting} are waiting already; the newest state is written later")]
    public static partial void StatusWritesDropped(ILogger logger, long dropped, int waiting);

    [LoggerMessage(1206, LogLevel.Warning, "The watch did not show the binding of {Namespace}/{Pod} to {Node} in time; the API server says: {Found}")]
    public static partial void BindingOverdue(ILogger logger, string @namespace, string pod, string node, string found);

    [LoggerMessage(1219, LogLevel.Warning, "Whether {Namespace}/{Pod} was bound to {Node} is not known ({Why}); its room stays taken until it is")]
    public static partial void BindUnknown(ILogger logger, string @namespace, string pod, string node, string why);

    [LoggerMessage(1207, LogLevel.Error, "Binding {Namespace}/{Pod} threw")]
    public static partial void BindBug(ILogger logger, Exception exception, string @namespace, string pod);

    [LoggerMessage(1208, LogLevel.Warning, "Evicting {Namespace}/{Pod}: {Why}; trying again in {Seconds:0.###} s")]
    public static partial void EvictionFailed(ILogger logger, string @namespace, string pod, string why, double seconds);

    [LoggerMessage(1209, LogLevel.Information, "Evicted {Namespace}/{Pod}")]
    public static partial void Evicted(ILogger logger, string @namespace, string pod);

    [LoggerMessage(1210, LogLevel.Warning, "The reservation of {Namespace}/{Pod} could not be written: {Why}; trying again")]
    public static partial void ReservationFailed(ILogger logger, string @namespace, string pod, string why);

    [LoggerMessage(1300, LogLevel.Information, "{Kind} of {Workload} refused: {Why}; decided again in the next cycle")]
    public static partial void DecisionRefused(ILogger logger, string kind, string workload, string why);

    [LoggerMessage(1301, LogLevel.Error, "A plan of generation {Generation} breaks an invariant and is dropped: {Violation}")]
    public static partial void PlanDropped(ILogger logger, long generation, string violation);

    [LoggerMessage(1306, LogLevel.Warning, "A plan of generation {Generation} breaks an invariant that harms nobody, and is applied: {Violation}")]
    public static partial void PlanFlawed(ILogger logger, long generation, string violation);

    [LoggerMessage(1302, LogLevel.Error, "A scheduling cycle failed; the next one is in {Seconds:0.###} s")]
    public static partial void CycleFailed(ILogger logger, Exception exception, double seconds);

    [LoggerMessage(1303, LogLevel.Information, "Watches are complete: {Nodes} nodes, {Pods} pods; scheduling begins")]
    public static partial void Synced(ILogger logger, int nodes, int pods);

    [LoggerMessage(1304, LogLevel.Debug, "Cycle {Cycle}: {Decisions} decisions on {Nodes} nodes and {Workloads} workloads in {Milliseconds:0.###} ms")]
    public static partial void CycleEnded(ILogger logger, long cycle, int decisions, int nodes, int workloads, double milliseconds);

    [LoggerMessage(1305, LogLevel.Error, "A listener of the decisions threw; it is not told of this cycle")]
    public static partial void ListenerFailed(ILogger logger, Exception exception);

    [LoggerMessage(1400, LogLevel.Warning, "The tenants are not taken over, the last accepted ones stay: {Errors}")]
    public static partial void TenantsRefused(ILogger logger, string errors);

    [LoggerMessage(1401, LogLevel.Warning, "The status of tenant {Tenant} could not be written: {Why}")]
    public static partial void TenantStatusFailed(ILogger logger, string tenant, string why);

    [LoggerMessage(1402, LogLevel.Warning, "The guarantees do not fit into the cluster; they stay in force, but not all can be kept: {Errors}")]
    public static partial void GuaranteesExceedCapacity(ILogger logger, string errors);

    [LoggerMessage(1500, LogLevel.Information, "Serving health and metrics on {Http} and gRPC on {Grpc}; API server {Server}")]
    public static partial void Serving(ILogger logger, string http, string grpc, string server);

    [LoggerMessage(1501, LogLevel.Critical, "The {Part} ended though nobody stopped it; the daemon stops")]
    public static partial void PartEnded(ILogger logger, Exception? exception, string part);

    [LoggerMessage(1502, LogLevel.Warning, "{Bindings} bindings were still under way after {Seconds:0.###} s and were cut off; the next leader finds out what became of them")]
    public static partial void BindingsCutOff(ILogger logger, int bindings, double seconds);

    [LoggerMessage(1503, LogLevel.Warning, "Cycle {Cycle} is the first of some that are left out of the journal: earlier ones still wait to be written. Slower disk, or too small a journal.queueCycles; weir_journal_left_out_cycles_total counts")]
    public static partial void JournalBehind(ILogger logger, long cycle);

    [LoggerMessage(1504, LogLevel.Error, "The journal cannot be written, scheduling goes on without it: {Why}")]
    public static partial void JournalFailed(ILogger logger, string why);

    [LoggerMessage(1600, LogLevel.Information, "Answering kube-scheduler on {Address} about GPU pods of {Schedulers}")]
    public static partial void ExtenderServing(ILogger logger, string address, string schedulers);

    [LoggerMessage(1601, LogLevel.Warning, "kube-scheduler's {Verb} cannot be answered: {Why}")]
    public static partial void ExtenderRequestBad(ILogger logger, string verb, string why);

    [LoggerMessage(1602, LogLevel.Error, "Answering kube-scheduler's {Verb} threw")]
    public static partial void ExtenderBug(ILogger logger, Exception exception, string verb);

    [LoggerMessage(1603, LogLevel.Information, "kube-scheduler does not offer {Node} for {Namespace}/{Pod}: another node is looked for, and this one is left out for a while")]
    public static partial void CommitmentRefused(ILogger logger, string @namespace, string pod, string node);

    [LoggerMessage(1604, LogLevel.Warning, "kube-scheduler did not bind {Namespace}/{Pod} to {Node} in time, after {Attempts} attempts; its room is free again. See docs/extender.md#when-a-pod-does-not-start")]
    public static partial void CommitmentExpired(ILogger logger, string @namespace, string pod, string node, int attempts);

    [LoggerMessage(1605, LogLevel.Warning, "That {Namespace}/{Pod} has a node could not be written: {Why}; trying again")]
    public static partial void CommitmentNewsFailed(ILogger logger, string @namespace, string pod, string why);

    [LoggerMessage(1606, LogLevel.Information, "The certificate of {Owner} is in use: {Subject}, until {Until:u}")]
    public static partial void CertificateLoaded(ILogger logger, string owner, string subject, DateTimeOffset until);

    [LoggerMessage(1607, LogLevel.Error, "The changed certificate of {Owner} cannot be used, the last good one stays: {Why}")]
    public static partial void CertificateUnusable(ILogger logger, string owner, string why);

    [LoggerMessage(1608, LogLevel.Debug, "kube-scheduler's {Verb} of {Namespace}/{Pod}: {Answer}")]
    public static partial void ExtenderAnswered(ILogger logger, string verb, string @namespace, string pod, string answer);

    [LoggerMessage(1700, LogLevel.Warning, "{Node}: {Subject} is {To} now, it was {From} ({Cause}): {Reason}")]
    public static partial void HealthChanged(
        ILogger logger, string node, string subject, Scheduler.Telemetry.Health.HealthState from, Scheduler.Telemetry.Health.HealthState to, string cause, string reason);

    [LoggerMessage(1701, LogLevel.Information, "{Node}: {Subject} reports a fault of a program, which says nothing against the device: {Reason}")]
    public static partial void ProgramFault(ILogger logger, string node, string subject, string reason);

    [LoggerMessage(1702, LogLevel.Warning, "The exporter of {Node} was not heard for {Seconds:0.###} s; the node is planned with on the API's word alone")]
    public static partial void ExporterSilent(ILogger logger, string node, double seconds);

    [LoggerMessage(1703, LogLevel.Information, "The exporter of {Node} is heard again")]
    public static partial void ExporterSpeaks(ILogger logger, string node);

    [LoggerMessage(1704, LogLevel.Warning, "Reading the exporter at {Address} failed: {Why}; it is read again at each turn, and told when it works")]
    public static partial void ExporterFailed(ILogger logger, string address, string why);

    [LoggerMessage(1705, LogLevel.Information, "Reading the exporter at {Address} works again")]
    public static partial void ExporterHeard(ILogger logger, string address);

    [LoggerMessage(1706, LogLevel.Warning, "The answer of the exporter at {Address} is too long: {Bytes} bytes were read, and {Samples} series had no room; raise telemetry.maxBodyMebibytes, or let it publish less")]
    public static partial void ExporterTooLong(ILogger logger, string address, long bytes, long samples);

    [LoggerMessage(1707, LogLevel.Debug, "The answer of the exporter at {Address} has {Lines} lines that cannot be read; the first: {Problem}")]
    public static partial void ExporterMalformed(ILogger logger, string address, long lines, string problem);

    [LoggerMessage(1708, LogLevel.Warning, "An exporter speaks of a node {Host} that the cluster does not have; its readings are left out")]
    public static partial void ExporterOfUnknownNode(ILogger logger, string host);

    [LoggerMessage(1709, LogLevel.Warning, "The annotation {Annotation} of node {Node} cannot be read; it is left aside, and written anew at the next change")]
    public static partial void HealthUnreadable(ILogger logger, string node, string annotation);

    [LoggerMessage(1710, LogLevel.Warning, "The health of the GPUs of {Node} could not be written: {Why}; trying again in {Seconds:0.###} s")]
    public static partial void HealthWriteFailed(ILogger logger, string node, string why, double seconds);

    [LoggerMessage(1800, LogLevel.Information, "Audit: {Caller} called {Method} {Request}: {Outcome}")]
    public static partial void Audit(ILogger logger, string caller, string method, string request, Grpc.Core.StatusCode outcome);

    [LoggerMessage(1900, LogLevel.Error, "Expected starts could not be forecast; the last ones stay, and they are tried again")]
    public static partial void ForecastFailed(ILogger logger, Exception exception);

    [LoggerMessage(1801, LogLevel.Warning, "The API server cannot be asked about a caller, who is refused: {Why}")]
    public static partial void ReviewFailed(ILogger logger, string why);
}
