using Scheduler.Core.Model;

namespace Scheduler.Core.Forecast;

/// <summary>What workloads that run about equally long have in common.</summary>
/// <param name="Tenant">The tenant; null where none owns the namespace.</param>
/// <param name="Owner">Who submits: the namespace.</param>
/// <param name="Gpu">What each pod asks for, by the one that asks for most.</param>
/// <param name="Pods">Pods.</param>
public readonly record struct DurationKind(TenantId? Tenant, string Owner, GpuRequest Gpu, int Pods)
{
    /// <summary>The kind of a workload.</summary>
    public static DurationKind Of(Workload workload)
    {
        ArgumentNullException.ThrowIfNull(workload);
        var largest = GpuRequest.None;
        foreach (var pod in workload.Pods)
        {
            largest = pod.Shape.Gpu.MilliGpu > largest.MilliGpu ? pod.Shape.Gpu : largest;
        }

        return new DurationKind(workload.Tenant, workload.Namespace, largest, workload.Pods.Length);
    }
}
