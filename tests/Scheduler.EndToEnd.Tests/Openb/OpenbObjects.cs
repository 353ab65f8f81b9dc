using System.Globalization;
using k8s.Models;

namespace Scheduler.EndToEnd.Tests.Openb;

/// <summary>The trace as Kubernetes objects.</summary>
public static class OpenbObjects
{
    public const string Product = "nvidia.com/gpu.product";
    public const string Gpu = "nvidia.com/gpu";
    public const string GpuFraction = "weir.scheduler/gpu-fraction";
    public const string Preemptible = "weir.scheduler/preemptible";
    public const string GpuDevices = "weir.scheduler/gpu-devices";
    public const string Reservation = "weir.scheduler/reservation";
    public const string PreemptBy = "weir.scheduler/preempt-by";

    /// <summary>A node with the status that its kubelet would report.</summary>
    public static V1Node Node(OpenbNode node)
    {
        var resources = new Dictionary<string, ResourceQuantity>
        {
            ["cpu"] = new($"{node.CpuMilli}m"),
            ["memory"] = new($"{node.MemoryMib}Mi"),
            ["pods"] = new("110"),
            [Gpu] = new(node.Gpus.ToString(CultureInfo.InvariantCulture)),
        };
        return new V1Node
        {
            ApiVersion = "v1",
            Kind = "Node",
            Metadata = new() { Name = node.Name, Labels = new Dictionary<string, string> { [Product] = node.Model, ["kubernetes.io/hostname"] = node.Name } },
            Status = new()
            {
                Capacity = resources,
                Allocatable = resources,
                Conditions = [new() { Type = "Ready", Status = "True", Reason = "KubeletReady" }],
            },
        };
    }

    /// <summary>
    /// A pod for Weir. Whole devices are limits (and so requests) of nvidia.com/gpu, a fraction is an annotation without such a
    /// request, the models are a required node affinity, and who serves users comes before who trains.
    /// </summary>
    public static V1Pod Pod(OpenbPod pod, string space)
    {
        var requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new($"{pod.CpuMilli}m"), ["memory"] = new($"{pod.MemoryMib}Mi") };
        // Nothing would bring such a pod back, so Weir takes it for work that must not be taken back, and does not let it burst.
        var annotations = new Dictionary<string, string> { [Preemptible] = "true" };
        if (pod.IsFraction) annotations[GpuFraction] = (pod.GpuMilli / 1000m).ToString("0.###", CultureInfo.InvariantCulture);
        else if (pod.Gpus > 0) requests[Gpu] = new ResourceQuantity(pod.Gpus.ToString(CultureInfo.InvariantCulture));
        return new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = new() { Name = pod.Name, NamespaceProperty = space, Annotations = annotations },
            Spec = new()
            {
                SchedulerName = "weir",
                PriorityClassName = pod.Qos switch { "LS" => "weir-inference", "BE" => "weir-training", _ => null },
                Affinity = pod.Models.Count == 0 ? null : new V1Affinity { NodeAffinity = OneOf(pod.Models) },
                Containers = [new() { Name = "main", Image = "example/main:1", Resources = new() { Requests = requests, Limits = requests } }],
            },
        };
    }

    private static V1NodeAffinity OneOf(IReadOnlyList<string> models) => new()
    {
        RequiredDuringSchedulingIgnoredDuringExecution = new()
        {
            NodeSelectorTerms = [new() { MatchExpressions = [new() { Key = Product, OperatorProperty = "In", Values = [.. models] }] }],
        },
    };
}
