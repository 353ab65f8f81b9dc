using FsCheck;
using FsCheck.Fluent;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Core.Tests.Properties;

/// <summary>
/// The invariants over generated clusters. A failure prints the shrunk cluster and the seed; CONTRIBUTING says how to
/// replay it, and how to run more cases.
/// </summary>
public class PlanProperties
{
    [Cases]
    public Property W1_W2_W8_W15_hold_for_every_plan(ClusterCase cluster)
    {
        var violations = PlanValidator.Check(cluster.Snapshot, SchedulingPolicy.Default, Plan(cluster));
        return violations.IsEmpty.Label(string.Join("; ", violations));
    }

    [Cases]
    public Property W7_nothing_that_waits_fits_what_is_free(ClusterCase cluster)
    {
        var living = Living(cluster);
        var waiting = LeftWaiting(living);
        var again = living.Cycle().Decisions.OfType<Bind>().Where(bind => waiting.Contains(bind.Workload)).ToArray();
        return (again.Length == 0).Label($"{string.Join(", ", again.Select(bind => bind.Workload))} started only in a second cycle");
    }

    [Cases]
    public Property W9_quiet_in_quiet_out(ClusterCase cluster)
    {
        var living = Living(cluster);
        living.Cycle();
        var asked = living.Cycle().Decisions.OfType<Evict>().ToArray();
        var cycles = 0;
        for (var quiet = 0; quiet < 2 && cycles < 40; cycles++)
        {
            living.Pass(TimeSpan.FromMinutes(1));
            quiet = living.Cycle().Decisions.Any(decision => decision is Evict or Bind) ? 0 : quiet + 1;
        }

        return (asked.Length == 0).Label($"asked again, {asked.FirstOrDefault()?.Workload} is evicted for {asked.FirstOrDefault()?.Beneficiary}")
            .And((cycles < 40).Label("it never comes to rest"))
            .And((living.EvictedAgain.Count == 0).Label($"evicted twice: {string.Join(", ", living.EvictedAgain)}"));
    }

    [Cases]
    public Property W11_the_order_of_the_input_changes_nothing(ClusterCase cluster, int seed)
    {
        var shuffled = cluster with
        {
            Nodes = [.. Shuffle(cluster.Nodes, seed)],
            Tenants = [.. Shuffle(cluster.Tenants, seed)],
            Workloads = [.. Shuffle(cluster.Workloads, seed)],
        };
        var expected = PlanText.Write(Plan(cluster));
        return (PlanText.Write(Plan(shuffled)) == expected).Label("the plans differ").And(
            (PlanText.Write(Plan(cluster)) == expected).Label("the same input gave another plan"));
    }

    [Cases]
    public Property Places_are_a_permutation_and_the_accounts_add_up(ClusterCase cluster)
    {
        var plan = Plan(cluster);
        var waits = plan.Decisions.OfType<Wait>().ToArray();
        var inOrder = waits.Select((wait, index) => wait.Place.Overall == index + 1 && wait.Place.OverallLength == waits.Length).All(ok => ok);
        var after = Make.Snapshot(cluster.Nodes, cluster.Tree, PlanEffects.Apply(cluster.Snapshot, plan));
        var used = plan.Accounts.Where(account => after.Tenants.TryGet(account.Tenant, out var node) && node.IsLeaf)
            .Sum(account => account.Total.UsedMilliGpu);
        var expected = after.Workloads.Where(workload => workload.Tenant is { } id && after.Tenants.TryGet(id, out _))
            .SelectMany(workload => workload.Pods).Where(pod => pod.Placement is not null).Sum(pod => pod.Shape.Gpu.MilliGpu);
        return inOrder.Label("places").And((used == expected).Label($"accounts say {used}, pods say {expected}"));
    }

    /// <summary>
    /// Plans once. What that leaves waiting must still wait when the same question is asked again with the plan in effect.
    /// What may not be preempted is left aside: it may only use the guarantee, and standing is told anew in every cycle. Nor
    /// does what is kept for somebody count as free.
    /// </summary>
    internal static HashSet<WorkloadId> LeftWaiting(LivingCluster living)
    {
        var kept = living.Cycle().Decisions.OfType<Wait>()
            .Where(wait => wait.Reason is WaitReason.WaitingForVictims or WaitReason.ReservedForOthers)
            .Select(wait => wait.Workload).ToHashSet();
        return living.Workloads.Where(workload => workload.CountPods(PodState.Placed) == 0 && workload.IsPreemptible && !kept.Contains(workload.Id))
            .Select(workload => workload.Id).ToHashSet();
    }

    private static LivingCluster Living(ClusterCase cluster) => cluster.Living();

    private static Plan Plan(ClusterCase cluster) => Planner.Compute(cluster.Snapshot, SchedulingPolicy.Default);

    private static IEnumerable<T> Shuffle<T>(IEnumerable<T> items, int seed)
    {
        var shuffled = items.ToArray();
        new Random(seed).Shuffle(shuffled);
        return shuffled;
    }
}
