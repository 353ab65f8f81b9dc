namespace Scheduler.SimulatedCluster;

/// <summary>What has happened in a simulated cluster since its start.</summary>
/// <param name="Bound">Successful bindings.</param>
/// <param name="Started">Pods (and restarts of their containers) that began to run.</param>
/// <param name="Ended">Pods that ran to their end.</param>
/// <param name="Removed">Pods that a kubelet removed after they were deleted.</param>
/// <param name="Refused">Pods that a kubelet refused because its node was full, which is a mistake of whoever bound it, or because it turns every pod away by an injected fault.</param>
/// <param name="OpenWatches">Watches that are open now.</param>
/// <param name="WatchesCutOff">Watches that were cut off because they fell behind the history.</param>
public sealed record ClusterCounters(long Bound, long Started, long Ended, long Removed, long Refused, long OpenWatches, long WatchesCutOff);

/// <summary>How many pods there are now, by where they stand.</summary>
/// <param name="Waiting">Not bound and not ended.</param>
/// <param name="Bound">On a node and not ended; running ones included.</param>
/// <param name="Running">Of phase Running; terminating ones included.</param>
/// <param name="Ended">Succeeded or Failed.</param>
/// <param name="Terminating">Being deleted.</param>
public sealed record PodCounts(int Waiting, int Bound, int Running, int Ended, int Terminating);
