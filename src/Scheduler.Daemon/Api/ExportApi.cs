using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Loop;
using Weir.V1;

namespace Scheduler.Daemon.Api;

/// <summary>weir.v1.ExportService over the last cycle and the history before it. A slow reader holds one snapshot, and nobody up.</summary>
internal sealed class ExportApi(WorkloadHistory history, SchedulingPolicy policy, ApiLimits limits) : ExportService.ExportServiceBase
{
    /// <summary>A part is sent once it is this large. What is added last may be an object of the API, of at most 1.5 MiB.</summary>
    private const int PartBytes = 512 << 10;

    public override async Task ExportCluster(ExportClusterRequest request, IServerStreamWriter<ExportPart> responseStream, ServerCallContext context)
    {
        using var slot = limits.TakeWatcher();
        var view = history.View();
        var snapshot = view.Snapshot ?? throw ApiMapping.NoCycleYet();
        foreach (var part in Parts(snapshot, view, policy))
            await responseStream.WriteAsync(part, context.CancellationToken).ConfigureAwait(false);
    }

    /// <summary>The parts, made one after the other.</summary>
    internal static IEnumerable<ExportPart> Parts(ClusterSnapshot snapshot, HistoryView history, SchedulingPolicy policy)
    {
        var part = new ExportPart
        {
            Header = new ExportHeader
            {
                AsOf = Timestamp.FromDateTimeOffset(snapshot.Now),
                HistorySince = history.Since is { } since ? Timestamp.FromDateTimeOffset(since) : null,
                Policy = ExportMapping.Policy(policy),
                Tenants = snapshot.Tenants.Nodes.Length,
                Nodes = snapshot.Nodes.Length,
                Workloads = snapshot.Workloads.Length,
                History = history.Ended.Length,
            },
        };
        var bytes = part.CalculateSize();
        foreach (var (item, add) in Items(snapshot, history.Ended))
        {
            add(part);
            bytes += item.CalculateSize();
            if (bytes >= PartBytes)
            {
                yield return part;
                (part, bytes) = (new ExportPart(), 0);
            }
        }

        if (bytes > 0)
            yield return part;
    }

    private static IEnumerable<(IMessage Item, Action<ExportPart> Add)> Items(ClusterSnapshot snapshot, ImmutableArray<EndedWorkload> ended)
    {
        foreach (var tenant in snapshot.Tenants.Nodes.Select(node => ExportMapping.Tenant(node.Tenant)))
            yield return (tenant, part => part.Tenants.Add(tenant));
        foreach (var node in snapshot.Nodes.Select(ExportMapping.Node))
            yield return (node, part => part.Nodes.Add(node));

        var shapes = new Dictionary<PodShape, int>();
        foreach (var workload in snapshot.Workloads)
        {
            foreach (var shape in ExportMapping.NewShapes(workload.Pods.Select(pod => pod.Shape), shapes))
                yield return (shape, part => part.Shapes.Add(shape));
            foreach (var piece in ExportMapping.Workload(workload, shapes))
                yield return (piece, part => part.Workloads.Add(piece));
        }

        foreach (var workload in ended)
        {
            foreach (var shape in ExportMapping.NewShapes(workload.Pods.Select(pods => pods.Shape), shapes))
                yield return (shape, part => part.Shapes.Add(shape));
            var end = ExportMapping.End(workload, shapes);
            yield return (end, part => part.History.Add(end));
        }
    }
}
