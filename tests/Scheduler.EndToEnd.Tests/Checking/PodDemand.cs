using System.Globalization;
using k8s.Models;
using Scheduler.EndToEnd.Tests.Openb;

namespace Scheduler.EndToEnd.Tests.Checking;

/// <summary>What a pod takes from a node: exact numbers in the units of the API (milli-CPU, bytes, thousandths of a device).</summary>
public sealed record PodDemand(long CpuMilli, long MemoryBytes, int WholeGpus, int FractionMilli)
{
    /// <summary>What counts against the tenant's limit.</summary>
    public long MilliGpu => WholeGpus * 1000L + FractionMilli;

    /// <summary>Reads a pod: the sum of its containers, or its largest init container if that is more, plus its overhead.</summary>
    public static PodDemand Of(V1Pod pod)
    {
        var fraction = pod.Metadata.Annotations?.TryGetValue(OpenbObjects.GpuFraction, out var text) == true
            ? (int)(decimal.Parse(text, CultureInfo.InvariantCulture) * 1000)
            : 0;
        return new PodDemand(
            (long)Math.Ceiling(Total(pod, "cpu") * 1000), (long)Math.Ceiling(Total(pod, "memory")), (int)Total(pod, OpenbObjects.Gpu), fraction);
    }

    private static decimal Total(V1Pod pod, string resource)
    {
        var together = pod.Spec.Containers.Sum(container => Request(container, resource));
        var first = pod.Spec.InitContainers?.Select(container => Request(container, resource)).DefaultIfEmpty().Max() ?? 0;
        var overhead = pod.Spec.Overhead?.TryGetValue(resource, out var more) == true ? more.ToDecimal() : 0;
        return Math.Max(together, first) + overhead;
    }

    private static decimal Request(V1Container container, string resource)
    {
        if (container.Resources?.Requests?.TryGetValue(resource, out var request) == true) return request.ToDecimal();
        return container.Resources?.Limits?.TryGetValue(resource, out var limit) == true ? limit.ToDecimal() : 0;
    }
}
