using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Forecasts;
using Scheduler.Daemon.Loop;
using Weir.V1;
using Wire = Weir.V1;

namespace Scheduler.Daemon.Api;

/// <summary>From the published cycle to the messages of weir.v1. Pure.</summary>
internal static class ApiMapping
{
    public static Position Position(QueueEntry entry, PublishedCycle cycle, ToldForecasts forecasts)
    {
        var position = Describe(entry.Workload, cycle);
        position.State = WorkloadState.Waiting;
        position.Reason = Reason(entry.Reason);
        position.Message = entry.Message;
        position.PlaceInTenant = entry.Place.InTenant;
        position.WaitingInTenant = entry.Place.TenantLength;
        position.PlaceOverall = entry.Place.Overall;
        position.WaitingOverall = entry.Place.OverallLength;
        position.Rejections.AddRange(entry.Explanation.Rejections
            .OrderByDescending(rejection => rejection.Nodes)
            .Select(rejection => new NodeRejection { Filter = rejection.Filter.ToString(), Nodes = rejection.Nodes }));
        position.ExpectedStart = ExpectedStart(entry.Workload.Id, forecasts);
        return position;
    }

    private static ExpectedStart? ExpectedStart(WorkloadId workload, ToldForecasts forecasts)
    {
        if (!forecasts.Starts.TryGetValue(workload, out var start))
            return null;
        var expected = new ExpectedStart { MadeAt = Timestamp.FromDateTimeOffset(forecasts.MadeAt), Samples = forecasts.Samples };
        if (start.P10 is { } p10)
            expected.P10 = Timestamp.FromDateTimeOffset(p10);
        if (start.P50 is { } p50)
            expected.P50 = Timestamp.FromDateTimeOffset(p50);
        if (start.P90 is { } p90)
            expected.P90 = Timestamp.FromDateTimeOffset(p90);
        return expected;
    }

    public static Position Position(Workload workload, PublishedCycle cycle, ToldForecasts forecasts)
    {
        if (cycle.FindWaiting(workload.Id) is { } entry)
            return Position(entry, cycle, forecasts);
        var position = Describe(workload, cycle);
        position.State = workload.IsPending ? WorkloadState.Starting
            : workload.Pods.Any(pod => pod is { State: PodState.Placed, Notice: null }) ? WorkloadState.Running
            : WorkloadState.Leaving;
        if (workload.Pods.Select(pod => pod.Notice).OfType<PreemptionNotice>().MinBy(notice => notice.Deadline) is { } told)
            position.Message = $"told to make way for {told.Beneficiary} by {told.Deadline.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z";
        return position;
    }

    public static Position Unqueued(Loop.UnqueuedPod pod, string workload, PublishedCycle cycle) => new()
    {
        Workload = workload,
        Namespace = pod.Namespace,
        Name = pod.Name,
        State = WorkloadState.Unqueued,
        Message = pod.Message,
        Pods = 1,
        AsOf = Timestamp.FromDateTimeOffset(cycle.Snapshot.Now),
    };

    public static Position Gone(string workload, PublishedCycle cycle) => new()
    {
        Workload = workload,
        State = WorkloadState.Gone,
        AsOf = Timestamp.FromDateTimeOffset(cycle.Snapshot.Now),
    };

    public static Wire.Tenant Tenant(TenantNode node, TenantAccount account)
    {
        var tenant = new Wire.Tenant
        {
            Name = node.Id.Value,
            Parent = node.Parent?.Id.Value ?? "",
            Weight = node.Weight,
            Suspended = node.IsSuspended,
            Total = Account(account.Total),
            PendingWorkloads = account.PendingWorkloads,
        };
        tenant.Namespaces.AddRange(node.Tenant.Namespaces);
        tenant.Flavors.AddRange(account.Flavors.Skip(1).Select(Account));
        return tenant;
    }

    /// <summary>By name, so that a reason that the core gains and the API does not know is found by a test and not by a user.</summary>
    public static Wire.WaitReason Reason(Core.Planning.WaitReason reason) => System.Enum.Parse<Wire.WaitReason>(reason.ToString());

    private static Wire.FlavorAccount Account(Core.Planning.FlavorAccount account)
    {
        var mapped = new Wire.FlavorAccount
        {
            Flavor = account.Flavor.Value,
            GuaranteedMilliGpu = account.GuaranteedMilliGpu,
            UsedGuaranteedMilliGpu = account.UsedGuaranteedMilliGpu,
            UsedBurstMilliGpu = account.UsedBurstMilliGpu,
            PendingMilliGpu = account.PendingMilliGpu,
        };
        if (account.LimitMilliGpu is { } limit)
            mapped.LimitMilliGpu = limit;
        return mapped;
    }

    private static Position Describe(Workload workload, PublishedCycle cycle)
    {
        var position = new Position
        {
            Workload = workload.Id.Value,
            Tenant = workload.Tenant?.Value ?? "",
            Namespace = workload.Namespace,
            Name = workload.Name,
            Priority = workload.Priority,
            MilliGpu = workload.Pods.Sum(pod => pod.Shape.Gpu.MilliGpu),
            Pods = workload.Pods.Length,
            MinMember = workload.MinMember,
            PlacedPods = workload.CountPods(PodState.Placed),
            SubmittedAt = Timestamp.FromDateTimeOffset(workload.SubmittedAt),
            AsOf = Timestamp.FromDateTimeOffset(cycle.Snapshot.Now),
        };
        if (workload.StartedAt is { } started)
            position.StartedAt = Timestamp.FromDateTimeOffset(started);
        if (workload.ExpectedDuration is { } duration)
            position.ExpectedDuration = Duration.FromTimeSpan(duration);
        position.Nodes.AddRange(workload.Pods
            .Where(pod => pod.Placement is not null)
            .Select(pod => pod.Placement!.Node.Value)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal));
        return position;
    }

    /// <summary>The last cycle, or UNAVAILABLE.</summary>
    public static PublishedCycle CurrentOrUnavailable(ReadModel readModel) =>
        readModel.Current ?? throw NoCycleYet();

    public static RpcException NoCycleYet() => new(new Status(StatusCode.Unavailable,
        "the scheduler has not finished its first cycle yet; try again in a moment"));
}
