using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Extender;

/// <summary>Counts how commitments end, and says so where kube-scheduler did not take one.</summary>
internal sealed class CommitmentLog(SchedulerMetrics metrics, ILogger logger) : ICommitmentObserver
{
    public void Ended(BindRequest request, CommitmentEnd end, int attempts)
    {
        metrics.CommitmentEnded(end.ToString().ToLowerInvariant(), attempts);
        if (end == CommitmentEnd.Refused)
            Log.CommitmentRefused(logger, request.Namespace, request.Name, request.Node.Value);
        else if (end == CommitmentEnd.Expired)
            Log.CommitmentExpired(logger, request.Namespace, request.Name, request.Node.Value, attempts);
    }
}
