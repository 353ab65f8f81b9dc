using Microsoft.Extensions.Logging;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>
/// Keeps the status of Tenant objects: guaranteed, limit, used, waiting, and the condition Accepted with every error. Compares what a
/// tenant should say with what it says, at most once in <see cref="Every"/>, so that a busy tenant costs one small write in that time.
/// </summary>
internal sealed class TenantStatusWriter(
    ApiServerClient client, ClusterCache cache, ReadModel readModel, ILeadership leadership, SchedulerMetrics metrics,
    TimeProvider time, ILogger logger)
{
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private const string Accepted = "Accepted";

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            var seen = 0L;
            while (true)
            {
                var cycle = await readModel.WaitForNextAsync(seen, stop).ConfigureAwait(false);
                seen = cycle.Number;
                var accounts = cycle.Plan.Accounts.ToDictionary(account => account.Tenant.Value, StringComparer.Ordinal);
                foreach (var verdict in cache.TenantVerdicts)
                {
                    if (leadership.Term is null)
                        break;
                    await WriteAsync(verdict, accounts.GetValueOrDefault(verdict.Record.Name), stop).ConfigureAwait(false);
                }

                await Task.Delay(Every, time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private async Task WriteAsync(TenantVerdict verdict, TenantAccount? account, CancellationToken stop)
    {
        var wanted = Wanted(verdict, account, time.GetUtcNow());
        if (Says(verdict.Record.Status, wanted))
            return;
        try
        {
            await client.PatchAsync($"/apis/weir.scheduler/v1/tenants/{verdict.Record.Name}/status", new TenantStatusPatch { Status = wanted },
                WireJson.Default.TenantStatusPatch, ApiServerClient.MergePatch, stop).ConfigureAwait(false);
            metrics.StatusWrite("tenant", "written");
        }
        catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
        {
            metrics.StatusWrite("tenant", "failed");
            Log.TenantStatusFailed(logger, verdict.Record.Name, failure.Message);
        }
    }

    internal static TenantStatus Wanted(TenantVerdict verdict, TenantAccount? account, DateTimeOffset now)
    {
        var status = verdict.IsAccepted ? "True" : "False";
        var before = verdict.Record.Status?.Conditions?.Find(condition => condition.Type == Accepted);
        return new TenantStatus
        {
            ObservedGeneration = verdict.Record.Generation,
            Guaranteed = account is null ? null : GpuAmount.Format(account.Total.GuaranteedMilliGpu),
            Limit = account?.Total.LimitMilliGpu is { } limit ? GpuAmount.Format(limit) : null,
            Used = account is null ? null : GpuAmount.Format(account.Total.UsedMilliGpu),
            PendingWorkloads = account?.PendingWorkloads,
            Conditions =
            [
                // A merge patch replaces the list: conditions that others wrote are taken along.
                .. verdict.Record.Status?.Conditions?.Where(condition => condition.Type != Accepted) ?? [],
                new Condition
                {
                    Type = Accepted,
                    Status = status,
                    Reason = verdict.Reason,
                    Message = verdict.Message,
                    ObservedGeneration = verdict.Record.Generation,
                    LastTransitionTime = before?.Status == status && before.LastTransitionTime is { } since ? since : now,
                },
            ],
        };
    }

    /// <summary>Whether the tenant says all that already. A value that is not known now is left as it is.</summary>
    internal static bool Says(TenantStatus? present, TenantStatus wanted) =>
        present is not null
        && present.ObservedGeneration == wanted.ObservedGeneration
        && (wanted.Guaranteed is null || present.Guaranteed == wanted.Guaranteed)
        && (wanted.Limit is null || present.Limit == wanted.Limit)
        && (wanted.Used is null || present.Used == wanted.Used)
        && (wanted.PendingWorkloads is null || present.PendingWorkloads == wanted.PendingWorkloads)
        && present.Conditions?.Find(condition => condition.Type == Accepted) == wanted.Conditions![^1];
}
