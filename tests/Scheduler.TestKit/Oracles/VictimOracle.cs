using Google.OrTools.Sat;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.TestKit.Oracles;

/// <summary>The best set of victims.</summary>
/// <param name="Victims">The pods that go; empty if there is room without.</param>
/// <param name="Price">What that costs.</param>
public sealed record VictimOptimum(IReadOnlySet<PodId> Victims, VictimPrice Price);

/// <summary>
/// The best victims for a workload inside its tenant's guarantee, by constraint programming over all sets at once. Victims
/// may be: burst standing of other tenants, strictly lower priority of the own; a surplus pod alone, or a workload whole.
/// </summary>
public static class VictimOracle
{
    /// <summary>The optimum, or null if not even all possible victims are enough.</summary>
    /// <exception cref="InvalidOperationException">The solver did not finish.</exception>
    public static VictimOptimum? Solve(ClusterSnapshot snapshot, SchedulingPolicy policy, Workload beneficiary)
    {
        var model = new CpModel();
        var wholes = new SortedDictionary<WorkloadId, BoolVar>();
        var gone = new SortedDictionary<PodId, BoolVar>();
        var inside = StandingOracle.GuaranteedPods(snapshot);
        foreach (var workload in snapshot.Workloads)
        {
            AddUnits(model, snapshot, beneficiary, workload, inside, wholes, gone);
        }

        _ = new PackingModel(
            model, snapshot, PackingOracle.Missing(beneficiary), beneficiary.Tenant!.Value, _ => true,
            pod => gone.GetValueOrDefault(pod.Id));
        model.Minimize(Objective(model, snapshot, policy, wholes, gone));
        var status = ExactSolver.Solve(model, out var solver);
        if (status == CpSolverStatus.Infeasible)
        {
            return null;
        }

        if (status != CpSolverStatus.Optimal)
        {
            throw new InvalidOperationException($"the best victims for {beneficiary.Id} were not found: {status}");
        }

        var victims = gone.Where(pair => solver.BooleanValue(pair.Value)).Select(pair => pair.Key).ToHashSet();
        return new VictimOptimum(victims, VictimPrice.Of(snapshot, policy, victims));
    }

    /// <summary>Pods that may be taken for a workload inside its guarantee.</summary>
    public static IReadOnlySet<PodId> MayGo(ClusterSnapshot snapshot, Workload beneficiary)
    {
        var inside = StandingOracle.GuaranteedPods(snapshot);
        return snapshot.Workloads
            .SelectMany(workload => StandingOracle.PlacedPods(workload).Where(pod => MayTake(snapshot, beneficiary, workload, pod, inside)))
            .Select(pod => pod.Id).ToHashSet();
    }

    private static void AddUnits(
        CpModel model, ClusterSnapshot snapshot, Workload beneficiary, Workload workload, HashSet<PodId> inside,
        SortedDictionary<WorkloadId, BoolVar> wholes, SortedDictionary<PodId, BoolVar> gone)
    {
        var core = StandingOracle.CoreOf(workload);
        if (core.Count == 0)
        {
            return;
        }

        var mayStop = MayTake(snapshot, beneficiary, workload, core[0], inside);
        if (mayStop)
        {
            var whole = model.NewBoolVar($"{workload.Id} stops");
            wholes.Add(workload.Id, whole);
            foreach (var pod in core)
            {
                gone.Add(pod.Id, whole);
            }
        }

        foreach (var pod in StandingOracle.SurplusOf(workload).Where(pod => MayTake(snapshot, beneficiary, workload, pod, inside)))
        {
            var alone = model.NewBoolVar($"{pod.Id} goes");
            gone.Add(pod.Id, alone);
            if (mayStop)
            {
                model.AddImplication(wholes[workload.Id], alone);
            }
        }
    }

    private static bool MayTake(ClusterSnapshot snapshot, Workload beneficiary, Workload workload, Pod pod, HashSet<PodId> inside)
    {
        if (workload.Id == beneficiary.Id || !workload.IsManaged || !workload.IsPreemptible || workload.Tenant is not { } tenant
            || !snapshot.Tenants.TryGet(tenant, out _) || snapshot.Now - (workload.StartedAt ?? snapshot.Now) < workload.MinRuntime)
        {
            return false;
        }

        return tenant == beneficiary.Tenant ? workload.Priority < beneficiary.Priority : !inside.Contains(pod.Id);
    }

    /// <summary>The four aims as one sum: each weighs more than all that follow it together can.</summary>
    private static LinearExpr Objective(
        CpModel model, ClusterSnapshot snapshot, SchedulingPolicy policy,
        SortedDictionary<WorkloadId, BoolVar> wholes, SortedDictionary<PodId, BoolVar> gone)
    {
        var candidates = snapshot.Workloads
            .SelectMany(workload => StandingOracle.PlacedPods(workload).Select(pod => (workload, pod)))
            .Where(pair => gone.ContainsKey(pair.pod.Id))
            .ToArray();
        var lostWeight = wholes.Count + 1L;
        var budgetWeight = (candidates.Sum(pair => VictimPrice.LostBy(pair.workload, pair.pod, snapshot.Now, policy)) + 1) * lostWeight;
        var priorityWeight = (candidates.Length + 1L) * budgetWeight;
        var classes = candidates.Select(pair => pair.workload.Priority).Distinct().Order().ToList();
        _ = checked(priorityWeight * (classes.Count + 1));

        var sum = LinearExpr.NewBuilder();
        foreach (var whole in wholes.Values)
        {
            sum.Add(whole);
        }

        var highest = model.NewIntVar(0, classes.Count, "highest class");
        sum.AddTerm(highest, priorityWeight);
        foreach (var (workload, pod) in candidates)
        {
            sum.AddTerm(gone[pod.Id], VictimPrice.LostBy(workload, pod, snapshot.Now, policy) * lostWeight);
            model.Add(highest >= LinearExpr.Term(gone[pod.Id], classes.IndexOf(workload.Priority) + 1));
        }

        foreach (var budget in candidates.GroupBy(pair => pair.workload.DisruptionBudget).Where(group => group.Key is not null))
        {
            var violations = model.NewIntVar(0, candidates.Length, $"violations of {budget.Key}");
            var allowed = snapshot.DisruptionsAllowed.GetValueOrDefault(budget.Key!);
            model.Add(violations >= LinearExpr.Sum(budget.Select(pair => gone[pair.pod.Id])) - allowed);
            sum.AddTerm(violations, budgetWeight);
        }

        return sum;
    }
}
