using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Scheduler.Core.Model;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Gpus;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Telemetry.Devices;
using Scheduler.Telemetry.Health;
using Weir.V1;
using Wire = Weir.V1;

namespace Scheduler.Daemon.Api;

/// <summary>weir.v1.ClusterService over the health of the cluster and the cache.</summary>
internal sealed class ClusterApi(ClusterHealth health, ClusterCache cache, ILeadership leadership, TimeProvider time) : ClusterService.ClusterServiceBase
{
    private const int MaxReason = 256;

    public override Task<ListGpusResponse> ListGpus(ListGpusRequest request, ServerCallContext context)
    {
        var nodes = health.View().Where(node => request.Node.Length == 0 || node.Name.Value == request.Node).ToList();
        if (request.Node.Length > 0 && nodes.Count == 0)
            throw new RpcException(new Status(StatusCode.NotFound, $"there is no node '{request.Node}' with GPUs"));
        var response = new ListGpusResponse { AsOf = Timestamp.FromDateTimeOffset(time.GetUtcNow()) };
        response.Nodes.AddRange(nodes.Select(Map));
        return Task.FromResult(response);
    }

    public override Task<QuarantineGpuResponse> QuarantineGpu(QuarantineGpuRequest request, ServerCallContext context)
    {
        CheckReason(request.Reason);
        Refuse(health.Quarantine(request.Node, request.HasDevice ? request.Device : null, request.Reason));
        return Task.FromResult(new QuarantineGpuResponse());
    }

    public override Task<ReleaseGpuResponse> ReleaseGpu(ReleaseGpuRequest request, ServerCallContext context)
    {
        CheckReason(request.Reason);
        Refuse(health.Release(request.Node, request.HasDevice ? request.Device : null, request.Reason));
        return Task.FromResult(new ReleaseGpuResponse());
    }

    private static void CheckReason(string reason)
    {
        if (reason.Length is 0 or > MaxReason)
            throw QueueApi.Invalid($"reason has {reason.Length} characters; say in 1 to {MaxReason} why");
    }

    private void Refuse(string? refusal)
    {
        if (refusal is not null)
            throw new RpcException(new Status(leadership.Term is null ? StatusCode.FailedPrecondition : StatusCode.NotFound, refusal));
    }

    private GpuNode Map(NodeView node)
    {
        var pods = cache.GpuPodsOn(node.Name);
        var mapped = new GpuNode { Name = node.Name.Value, Condition = Map(node.Health), Silent = node.IsSilent };
        if (node.HeardAt is { } heard)
            mapped.HeardAt = Timestamp.FromDateTimeOffset(heard);
        var model = cache.FindDeclared(node.Name) is { } declared && declared.Flavor != FlavorId.Unlabelled ? declared.Flavor.Value : "";
        mapped.Gpus.AddRange(node.Devices.Select(device => Map(device, model, pods)));
        return mapped;
    }

    private Gpu Map(DeviceView device, string model, ImmutableArray<PodRecord> pods)
    {
        var reading = device.Reading;
        var mapped = new Gpu
        {
            Index = device.Index,
            Condition = Map(device.Health),
            Model = reading is { Model.Length: > 0 } ? reading.Model : model,
            Uuid = reading?.Uuid ?? "",
        };
        if (reading?[GpuMetric.GpuTemp] is { } celsius)
            mapped.TemperatureCelsius = celsius;
        if (reading?.Activity is { } activity)
            mapped.Activity = activity;
        if (reading?[GpuMetric.FbUsed] is { } used)
        {
            mapped.MemoryUsedMebibytes = used;
            if (reading[GpuMetric.FbFree] is { } free)
                mapped.MemoryTotalMebibytes = used + free;
        }

        // Who holds it the kubelet decides, and the exporter tells; what was planned stands in where it does not.
        var holders = reading is { Holders.IsEmpty: false }
            ? reading.Holders.Select(holder => (holder.Namespace, holder.Pod))
            : pods.Where(pod => pod.Placement!.Devices.Contains(device.Index)).Select(pod => (pod.Namespace, pod.Name));
        mapped.Pods.AddRange(holders.Distinct().Select(holder => new GpuPod
        {
            Namespace = holder.Item1,
            Name = holder.Item2,
            Tenant = cache.TenantOf(holder.Item1),
        }));
        return mapped;
    }

    private static GpuCondition Map(SubjectHealth health) => new()
    {
        State = health.State switch
        {
            HealthState.Healthy => Wire.GpuState.Healthy,
            HealthState.Suspect => Wire.GpuState.Suspect,
            HealthState.Quarantined => Wire.GpuState.Quarantined,
            _ => Wire.GpuState.Probation,
        },
        Cause = health.Cause,
        Reason = health.Reason,
        Since = Timestamp.FromDateTimeOffset(health.Since),
        ByOperator = health.IsByOperator,
    };
}
