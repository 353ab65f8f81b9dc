using Google.OrTools.Sat;
using Scheduler.Core.Model;

namespace Scheduler.TestKit.Oracles;

/// <summary>Whether pods fit into a small cluster, answered by constraint programming.</summary>
public static class PackingOracle
{
    /// <summary>Whether a workload's core fits beside what is placed, once some pods are gone.</summary>
    /// <param name="snapshot">The cluster.</param>
    /// <param name="workload">Who is to be placed.</param>
    /// <param name="without">Placed pods to leave out.</param>
    public static bool Fits(ClusterSnapshot snapshot, Workload workload, IReadOnlySet<PodId> without)
    {
        var model = new CpModel();
        _ = new PackingModel(model, snapshot, Missing(workload), workload.Tenant!.Value, pod => !without.Contains(pod.Id), _ => null);
        return ExactSolver.Solve(model, out _) switch
        {
            CpSolverStatus.Optimal or CpSolverStatus.Feasible => true,
            CpSolverStatus.Infeasible => false,
            var status => throw new InvalidOperationException($"no answer whether {workload.Id} fits: {status}"),
        };
    }

    /// <summary>The pods that a workload needs before it runs.</summary>
    public static IEnumerable<Pod> Missing(Workload workload) =>
        workload.Pods.Where(pod => pod.State == PodState.Pending)
            .Take(Math.Max(0, workload.MinMember - workload.CountPods(PodState.Placed)));
}
