using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>What a workload needs to start, as far as it can be judged exactly: some equal pods.</summary>
/// <param name="Workload">Position in the snapshot.</param>
/// <param name="Tenant">Its tenant.</param>
/// <param name="Shape">What each pod asks for.</param>
/// <param name="Pods">Pods that must start together; 1 for one more pod of a gang that runs.</param>
/// <param name="JoinsCore">Whether part of the workload runs already.</param>
/// <param name="IsSurplus">Whether as many run as must: more may join, but have no claim.</param>
internal readonly record struct WaitingNeed(int Workload, TenantNode Tenant, PodShape Shape, int Pods, bool JoinsCore, bool IsSurplus)
{
    /// <summary>Milli-GPU of all of them.</summary>
    public long MilliGpu => Pods * Shape.Gpu.MilliGpu;

    /// <summary>
    /// What a workload waits for, with its binds of the plan; null if nothing, if it is held, tied to a topology domain or to
    /// other pods, on the move, or if its pods differ: then counting is not exact.
    /// </summary>
    public static WaitingNeed? Of(PlanBooks books, int index)
    {
        var workload = books.Snapshot.Workloads[index];
        if (!workload.IsPending || books.Nominated[index] || workload.Topology is { IsRequired: true } || books.HasNeighbours(workload)
            || books.Tenants[index] is not { } tenant || books.IsHeld(index) || books.IsOnTheMove(index))
        {
            return null;
        }

        var bound = books.Bindings[index]?.Pods.Length ?? 0;
        var (waiting, placed, shape) = (0, bound, default(PodShape));
        foreach (var pod in workload.Pods)
        {
            if (pod.State != PodState.Pending)
            {
                placed++;
                continue;
            }

            if (shape is not null && !ReferenceEquals(shape, pod.Shape) && !shape.Equals(pod.Shape))
            {
                return null;
            }

            shape = pod.Shape;
            waiting++;
        }

        return waiting > bound
            ? new WaitingNeed(index, tenant, shape!, Math.Max(1, workload.MinMember - placed), placed > 0, placed >= workload.MinMember)
            : null;
    }

    /// <summary>The pending pods of a workload before the plan; null if they differ.</summary>
    public static WaitingNeed? BeforePlan(PlanBooks books, int index)
    {
        var workload = books.Snapshot.Workloads[index];
        if (workload.Topology is { IsRequired: true } || books.HasNeighbours(workload) || books.Tenants[index] is not { } tenant || books.IsOnTheMove(index))
        {
            return null;
        }

        var (placed, shape) = (0, default(PodShape));
        foreach (var pod in workload.Pods)
        {
            placed += pod.State == PodState.Pending ? 0 : 1;
            if (pod.State == PodState.Pending && shape is not null && !shape.Equals(pod.Shape))
            {
                return null;
            }

            shape = pod.State == PodState.Pending ? pod.Shape : shape;
        }

        return shape is null ? null : new WaitingNeed(index, tenant, shape, Math.Max(1, workload.MinMember - placed), placed > 0, placed >= workload.MinMember);
    }
}
