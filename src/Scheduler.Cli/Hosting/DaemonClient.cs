using System.Collections.Immutable;
using Grpc.Core;
using Grpc.Net.Client;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Views;
using Scheduler.Simulation.Clusters;
using Weir.V1;

namespace Scheduler.Cli.Hosting;

/// <summary>Asks a daemon over gRPC. The one place that knows the messages of the API.</summary>
internal sealed class DaemonClient : IAsyncDisposable
{
    private const int PageSize = 1000;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ExportsWithin = TimeSpan.FromMinutes(5);

    private readonly GrpcChannel _channel;
    private readonly string _address;
    private readonly TimeProvider _time;

    private DaemonClient(GrpcChannel channel, string address, TimeProvider time) => (_channel, _address, _time) = (channel, address, time);

    /// <exception cref="UserErrorException">The address is none, or the credentials cannot be used.</exception>
    public static DaemonClient Open(string address, TimeProvider time, DaemonCredentials credentials)
    {
        var uri = CommonOptions.ToUri("--address", address);
        var channel = GrpcChannel.ForAddress(uri, new GrpcChannelOptions { HttpHandler = credentials.MakeHandler(uri), DisposeHttpClient = true });
        return new DaemonClient(channel, address, time);
    }

    public async Task<ImmutableArray<TenantView>> ListTenantsAsync(CancellationToken stop)
    {
        var client = new TenantService.TenantServiceClient(_channel);
        var answer = await AskAsync(() => client.ListTenantsAsync(new ListTenantsRequest(), deadline: Deadline(), cancellationToken: stop).ResponseAsync, stop);
        var depths = new Dictionary<string, int>(StringComparer.Ordinal);
        var tenants = ImmutableArray.CreateBuilder<TenantView>();
        foreach (var tenant in answer.Tenants)
        {
            // Parents come before their children.
            depths[tenant.Name] = tenant.Parent.Length == 0 ? 0 : depths.GetValueOrDefault(tenant.Parent) + 1;
            tenants.Add(new TenantView
            {
                Name = tenant.Name,
                Parent = tenant.Parent.Length == 0 ? null : tenant.Parent,
                Depth = depths[tenant.Name],
                GuaranteedMilli = tenant.Total.GuaranteedMilliGpu,
                LimitMilli = tenant.Total.HasLimitMilliGpu ? tenant.Total.LimitMilliGpu : null,
                UsedGuaranteedMilli = tenant.Total.UsedGuaranteedMilliGpu,
                UsedBurstMilli = tenant.Total.UsedBurstMilliGpu,
                PendingMilli = tenant.Total.PendingMilliGpu,
                PendingWorkloads = tenant.PendingWorkloads,
                IsSuspended = tenant.Suspended,
            });
        }

        return tenants.ToImmutable();
    }

    /// <summary>The whole queue, page by page.</summary>
    public async Task<ImmutableArray<QueueView>> ListQueueAsync(string? tenant, CancellationToken stop)
    {
        var client = new QueueService.QueueServiceClient(_channel);
        var request = new ListQueueRequest { Tenant = tenant ?? "", PageSize = PageSize };
        var entries = ImmutableArray.CreateBuilder<QueueView>();
        var unqueued = ImmutableArray.CreateBuilder<QueueView>();
        do
        {
            var page = await AskAsync(() => client.ListQueueAsync(request, deadline: Deadline(), cancellationToken: stop).ResponseAsync, stop);
            entries.AddRange(page.Entries.Select(View));
            unqueued.AddRange(page.Unqueued.Select(pod => new QueueView("", $"{pod.Namespace}/{pod.Name}", 0, 0, 0, 1, null, pod.Reason, pod.Message)));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);

        return [.. entries, .. unqueued];
    }

    /// <summary>All GPUs, node by node.</summary>
    public async Task<ImmutableArray<GpuView>> ListGpusAsync(string? node, CancellationToken stop)
    {
        var client = new ClusterService.ClusterServiceClient(_channel);
        var answer = await AskAsync(
            () => client.ListGpusAsync(new ListGpusRequest { Node = node ?? "" }, deadline: Deadline(), cancellationToken: stop).ResponseAsync, stop);
        return [.. answer.Nodes.SelectMany(View)];
    }

    public async Task QuarantineAsync(string node, int? device, string reason, CancellationToken stop)
    {
        var request = new QuarantineGpuRequest { Node = node, Reason = reason };
        if (device is { } index)
        {
            request.Device = index;
        }

        var client = new ClusterService.ClusterServiceClient(_channel);
        await AskAsync(() => client.QuarantineGpuAsync(request, deadline: Deadline(), cancellationToken: stop).ResponseAsync, stop);
    }

    public async Task ReleaseAsync(string node, int? device, string reason, CancellationToken stop)
    {
        var request = new ReleaseGpuRequest { Node = node, Reason = reason };
        if (device is { } index)
        {
            request.Device = index;
        }

        var client = new ClusterService.ClusterServiceClient(_channel);
        await AskAsync(() => client.ReleaseGpuAsync(request, deadline: Deadline(), cancellationToken: stop).ResponseAsync, stop);
    }

    /// <summary>The cluster as the last cycle saw it, and its history.</summary>
    public async Task<ClusterState> ExportAsync(CancellationToken stop)
    {
        var client = new ExportService.ExportServiceClient(_channel);
        var reader = new ExportReader();
        await AskAsync(
            async () =>
            {
                using var call = client.ExportCluster(new ExportClusterRequest(), deadline: _time.GetUtcNow().UtcDateTime + ExportsWithin, cancellationToken: stop);
                await foreach (var part in call.ResponseStream.ReadAllAsync(stop))
                {
                    reader.Add(part);
                }

                return true;
            },
            stop,
            ExportsWithin);
        return reader.Finish(_address);
    }

    public ValueTask DisposeAsync()
    {
        _channel.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The GPUs of a node; the node itself, without a number, where it is not healthy as a whole.</summary>
    private static IEnumerable<GpuView> View(GpuNode node)
    {
        if (node.Condition.State != GpuState.Healthy)
        {
            yield return new GpuView { Node = node.Name, Health = node.Condition.State.ToString(), Cause = node.Condition.Cause, Reason = node.Condition.Reason, Since = node.Condition.Since.ToDateTimeOffset(), IsSilent = node.Silent };
        }

        foreach (var gpu in node.Gpus)
        {
            yield return new GpuView
            {
                Node = node.Name,
                Device = gpu.Index,
                Model = gpu.Model,
                Uuid = gpu.Uuid,
                Health = gpu.Condition.State.ToString(),
                Cause = gpu.Condition.Cause,
                Reason = gpu.Condition.Reason,
                Since = gpu.Condition.Since.ToDateTimeOffset(),
                IsSilent = node.Silent,
                TemperatureCelsius = gpu.HasTemperatureCelsius ? gpu.TemperatureCelsius : null,
                Activity = gpu.HasActivity ? gpu.Activity : null,
                MemoryUsedMebibytes = gpu.HasMemoryUsedMebibytes ? gpu.MemoryUsedMebibytes : null,
                MemoryTotalMebibytes = gpu.HasMemoryTotalMebibytes ? gpu.MemoryTotalMebibytes : null,
                Pods = [.. gpu.Pods.Select(pod => $"{pod.Namespace}/{pod.Name}")],
                Tenants = [.. gpu.Pods.Select(pod => pod.Tenant).Where(tenant => tenant.Length > 0).Distinct()],
            };
        }
    }

    private static QueueView View(Position position) => new(
        position.Tenant,
        $"{position.Namespace}/{position.Name}",
        position.PlaceInTenant,
        position.PlaceOverall,
        position.MilliGpu,
        position.Pods,
        position.SubmittedAt?.ToDateTimeOffset(),
        position.Reason.ToString(),
        position.Message,
        position.ExpectedStart is { } start
            ? new StartView(start.P10?.ToDateTimeOffset(), start.P50?.ToDateTimeOffset(), start.P90?.ToDateTimeOffset())
            : null);

    private DateTime Deadline() => _time.GetUtcNow().UtcDateTime + AnswerWithin;

    private async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken stop, TimeSpan? within = null)
    {
        try
        {
            return await ask();
        }
        catch (RpcException) when (stop.IsCancellationRequested)
        {
            throw new OperationCanceledException(stop);
        }
        catch (RpcException exception)
        {
            throw new UserErrorException(Explain(exception, within ?? AnswerWithin), exception);
        }
    }

    private string Explain(RpcException exception, TimeSpan within) => exception.StatusCode switch
    {
        StatusCode.Unavailable when exception.Status.DebugException is not null =>
            $"no daemon answers at {_address}; start one with weir up or weir run, or name another with --address",
        StatusCode.DeadlineExceeded => $"the daemon at {_address} did not answer within {within.TotalSeconds:0} s",
        StatusCode.Unimplemented => $"what answers at {_address} is not a Weir daemon that can do this; name another with --address",
        _ => $"the daemon at {_address} answers: {exception.Status.Detail.ReplaceLineEndings(" ")}",
    };
}
