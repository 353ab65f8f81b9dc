using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Grpc.Core;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Forecasts;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Security;
using Weir.V1;

namespace Scheduler.Daemon.Api;

/// <summary>weir.v1.QueueService over the published cycles and the newest forecasts.</summary>
internal sealed class QueueApi(ReadModel readModel, ForecastBook forecasts, ApiLimits limits) : QueueService.QueueServiceBase
{
    private const int DefaultPageSize = 100;
    private const int MaxPageSize = 1000;

    public override Task<Position> GetPosition(GetPositionRequest request, ServerCallContext context)
    {
        var target = Target.Of(request);
        var cycle = ApiMapping.CurrentOrUnavailable(readModel);
        return Task.FromResult(Find(target, cycle, forecasts.Current) ?? throw NotFound(target));
    }

    public override async Task<ListQueueResponse> ListQueue(ListQueueRequest request, ServerCallContext context)
    {
        if (request.PageSize is < 0 or > MaxPageSize)
            throw Invalid($"page_size is {request.PageSize}; it must be from 0 (for {DefaultPageSize}) to {MaxPageSize}");
        var size = request.PageSize == 0 ? DefaultPageSize : request.PageSize;
        var after = PageToken.Parse(request.PageToken);
        var cycle = ApiMapping.CurrentOrUnavailable(readModel);
        var isOfTenant = IsBelow(request.Tenant, cycle);
        var isUnqueuedOfTenant = IsBelowUnqueued(request.Tenant, cycle);
        var sees = await CallerAccess.Of(context).SeesQueuesAsync(
            cycle.Queue.Where(isOfTenant).Select(entry => entry.Workload.Namespace).Concat(cycle.Unqueued.Where(isUnqueuedOfTenant).Select(pod => pod.Namespace)),
            context.CancellationToken).ConfigureAwait(false);
        ImmutableArray<QueueEntry> entries = [.. cycle.Queue.Where(entry => isOfTenant(entry) && sees(entry.Workload.Namespace))];
        var first = after?.PositionIn(entries) ?? 0;
        var response = new ListQueueResponse
        {
            Total = entries.Length,
            AsOf = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(cycle.Snapshot.Now),
        };
        var expected = forecasts.Current;
        var page = entries.Skip(first).Take(size).ToList();
        response.Entries.AddRange(page.Select(entry => ApiMapping.Position(entry, cycle, expected)));
        if (first + page.Count < entries.Length)
            response.NextPageToken = new PageToken(page[^1].Place.Overall, page[^1].Workload.Id.Value).ToString();
        if (after is null)
            response.Unqueued.AddRange(cycle.Unqueued.Where(pod => isUnqueuedOfTenant(pod) && sees(pod.Namespace)).Select(Map));
        return response;
    }

    public override async Task WatchPosition(GetPositionRequest request, IServerStreamWriter<Position> responseStream, ServerCallContext context)
    {
        var target = Target.Of(request);
        using var slot = limits.TakeWatcher();
        var cycle = ApiMapping.CurrentOrUnavailable(readModel);
        var position = Find(target, cycle, forecasts.Current) ?? throw NotFound(target);
        Position? sent = null;
        while (true)
        {
            if (sent is null || !AreEqual(sent, position))
                await responseStream.WriteAsync(position, context.CancellationToken).ConfigureAwait(false);
            sent = position;
            if (position.State == WorkloadState.Gone)
                return;
            cycle = await readModel.WaitForNextAsync(cycle.Number, context.CancellationToken).ConfigureAwait(false);
            position = Find(target, cycle, forecasts.Current) ?? ApiMapping.Gone(sent.Workload, cycle);
        }
    }

    /// <summary>Whether two messages say the same; the time of the cycle alone is no change, nor is a newer forecast.</summary>
    private static bool AreEqual(Position a, Position b)
    {
        var comparable = b.Clone();
        comparable.AsOf = a.AsOf;
        comparable.ExpectedStart = a.ExpectedStart;
        return a.Equals(comparable);
    }

    private static Position? Find(Target target, PublishedCycle cycle, ToldForecasts forecasts)
    {
        if (target.Workload is { } id)
        {
            if (cycle.Snapshot.TryGetWorkload(id, out var workload))
                return ApiMapping.Position(workload, cycle, forecasts);
            return cycle.Unqueued.FirstOrDefault(pod => $"{pod.Namespace}/pod/{pod.Name}" == id.Value) is { } unqueued
                ? ApiMapping.Unqueued(unqueued, id.Value, cycle)
                : null;
        }

        var (@namespace, name) = (target.Namespace!, target.Name!);
        if (cycle.Snapshot.TryGetWorkload(new WorkloadId($"{@namespace}/pod/{name}"), out var single))
            return ApiMapping.Position(single, cycle, forecasts);
        foreach (var workload in cycle.Snapshot.Workloads)
        {
            if (workload.IsGang && workload.Namespace == @namespace && workload.Pods.Any(pod => pod.Name == name))
                return ApiMapping.Position(workload, cycle, forecasts);
        }

        return cycle.Unqueued.FirstOrDefault(pod => pod.Namespace == @namespace && pod.Name == name) is { } blocked
            ? ApiMapping.Unqueued(blocked, $"{@namespace}/pod/{name}", cycle)
            : null;
    }

    private static Func<QueueEntry, bool> IsBelow(string tenant, PublishedCycle cycle)
    {
        if (tenant.Length == 0)
            return _ => true;
        var below = TenantsBelow(tenant, cycle);
        return entry => entry.Workload.Tenant is { } owner && below.Contains(owner);
    }

    private static Func<Loop.UnqueuedPod, bool> IsBelowUnqueued(string tenant, PublishedCycle cycle)
    {
        if (tenant.Length == 0)
            return _ => true;
        var below = TenantsBelow(tenant, cycle);
        return pod => cycle.Snapshot.Tenants.OwnerOf(pod.Namespace) is { } owner && below.Contains(owner);
    }

    private static HashSet<TenantId> TenantsBelow(string tenant, PublishedCycle cycle)
    {
        if (!cycle.Snapshot.Tenants.TryGet(new TenantId(tenant), out var top))
            throw new RpcException(new Status(StatusCode.NotFound, $"there is no tenant '{tenant}' in force"));
        var below = new HashSet<TenantId>();
        Add(top);
        return below;

        void Add(TenantNode node)
        {
            below.Add(node.Id);
            foreach (var child in node.Children)
                Add(child);
        }
    }

    private static Weir.V1.UnqueuedPod Map(Loop.UnqueuedPod pod) => new()
    {
        Namespace = pod.Namespace,
        Name = pod.Name,
        Reason = pod.Reason,
        Message = pod.Message,
    };

    internal static RpcException Invalid(string message) => new(new Status(StatusCode.InvalidArgument, message));

    private static RpcException NotFound(Target target) => new(new Status(StatusCode.NotFound,
        $"{target} is not known to the scheduler: it does not exist, has ended, or is another scheduler's"));

    /// <summary>What a request is about.</summary>
    private sealed record Target(WorkloadId? Workload, string? Namespace, string? Name)
    {
        public static Target Of(GetPositionRequest request) => request.TargetCase switch
        {
            GetPositionRequest.TargetOneofCase.Workload when request.Workload.Split('/') is [{ Length: > 0 }, "pod" or "podgroup", { Length: > 0 }] =>
                new Target(new WorkloadId(request.Workload), null, null),
            GetPositionRequest.TargetOneofCase.Workload =>
                throw Invalid($"workload is '{request.Workload}'; it must be NAMESPACE/pod/NAME or NAMESPACE/podgroup/NAME"),
            GetPositionRequest.TargetOneofCase.Pod when request.Pod is { Namespace.Length: > 0, Name.Length: > 0 } =>
                new Target(null, request.Pod.Namespace, request.Pod.Name),
            GetPositionRequest.TargetOneofCase.Pod => throw Invalid("pod needs a namespace and a name"),
            _ => throw Invalid("name a workload or a pod"),
        };

        public override string ToString() => Workload is { } id ? $"workload {id}" : $"pod {Namespace}/{Name}";
    }

    /// <summary>Where a page ended: the entry's id, and its place for when it is no longer there.</summary>
    private sealed record PageToken(int Place, string Workload)
    {
        public static PageToken? Parse(string text)
        {
            if (text.Length == 0)
                return null;
            try
            {
                var parts = Encoding.UTF8.GetString(Convert.FromBase64String(text)).Split('\n');
                if (parts is [var place, var workload] && int.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                    return new PageToken(number, workload);
            }
            catch (FormatException)
            {
                // Answered below, like every other token that is not one of ours.
            }

            throw Invalid("page_token is not one that this service gave out");
        }

        public int PositionIn(IReadOnlyList<QueueEntry> entries)
        {
            var index = 0;
            for (; index < entries.Count; index++)
            {
                if (entries[index].Workload.Id.Value == Workload)
                    return index + 1;
            }

            for (index = 0; index < entries.Count && entries[index].Place.Overall < Place; index++)
            {
            }

            return index;
        }

        public override string ToString() =>
            Convert.ToBase64String(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Place}\n{Workload}")));
    }
}

/// <summary>Bounds on what callers may hold open.</summary>
internal sealed class ApiLimits(int maxWatchers)
{
    private int _watchers;

    public IDisposable TakeWatcher()
    {
        if (Interlocked.Increment(ref _watchers) <= maxWatchers)
            return new Slot(this);
        Interlocked.Decrement(ref _watchers);
        throw new RpcException(new Status(StatusCode.ResourceExhausted,
            $"{maxWatchers} streams are open already, as many as api.maxWatchers allows; poll with GetPosition instead of WatchPosition, or try again later"));
    }

    private sealed class Slot(ApiLimits limits) : IDisposable
    {
        private int _isTaken = 1;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isTaken, 0) == 1)
                Interlocked.Decrement(ref limits._watchers);
        }
    }
}
