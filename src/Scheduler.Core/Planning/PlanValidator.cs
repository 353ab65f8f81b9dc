using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// Checks a plan against the invariants, by plain sums over the snapshot and with none of the planner's working state, so
/// that a fault of the planner cannot hide itself. Runs on every plan, in production too.
/// </summary>
/// <remarks>
/// W1 no node and no device is given more than it has. W2 no tenant is taken above its limit. W8 a gang runs whole or
/// not at all. W15 every pending workload gets exactly one decision, with a reason. What was over-committed before the
/// plan (by others, or by a lowered quota) is no fault of the plan, as long as the plan adds nothing to it.
/// </remarks>
public static class PlanValidator
{
    /// <summary>Every violation, in a stable order; empty for a good plan.</summary>
    public static ImmutableArray<InvariantViolation> Check(ClusterSnapshot snapshot, SchedulingPolicy policy, Plan plan)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(plan);
        var violations = ImmutableArray.CreateBuilder<InvariantViolation>();
        CheckDecisions(snapshot, plan, violations);
        var binds = plan.Decisions.OfType<Bind>().ToArray();
        CheckGangs(snapshot, binds, violations);
        CheckNodes(snapshot, binds, violations);
        CheckLimits(snapshot, policy, binds, violations);
        return violations.ToImmutable();
    }

    private static void CheckDecisions(ClusterSnapshot snapshot, Plan plan, ImmutableArray<InvariantViolation>.Builder violations)
    {
        var decided = new Dictionary<WorkloadId, int>();
        foreach (var decision in plan.Decisions)
        {
            if (decision is not (Bind or Wait))
            {
                continue;
            }

            decided[decision.Workload] = decided.GetValueOrDefault(decision.Workload) + 1;
            if (!snapshot.TryGetWorkload(decision.Workload, out var workload) || !workload.IsPending)
            {
                violations.Add(new("W15", $"{decision.Workload} is decided about, but does not wait"));
            }

            if (decision is Wait { Message.Length: 0 })
            {
                violations.Add(new("W15", $"{decision.Workload} waits without a message"));
            }
        }

        foreach (var workload in snapshot.Workloads)
        {
            var count = decided.GetValueOrDefault(workload.Id);
            if (workload.IsPending && count != 1)
            {
                violations.Add(new("W15", $"{workload.Id} waits and has {count} decisions"));
            }
        }
    }

    private static void CheckGangs(ClusterSnapshot snapshot, Bind[] binds, ImmutableArray<InvariantViolation>.Builder violations)
    {
        foreach (var bind in binds)
        {
            if (!snapshot.TryGetWorkload(bind.Workload, out var workload))
            {
                continue;
            }

            var waiting = workload.Pods.Where(pod => pod.State == PodState.Pending).Select(pod => pod.Id).ToHashSet();
            foreach (var pod in bind.Pods)
            {
                if (!waiting.Remove(pod.Pod))
                {
                    violations.Add(new("W1", $"pod {pod.Pod} is bound, but is not a waiting pod of {bind.Workload}, or is bound twice"));
                }
            }

            var running = workload.CountPods(PodState.Placed) + bind.Pods.Length;
            if (running < workload.MinMember || bind.Pods.IsEmpty)
            {
                violations.Add(new("W8", $"{bind.Workload} would run with {running} of at least {workload.MinMember} pods"));
            }
        }
    }

    private static void CheckNodes(ClusterSnapshot snapshot, Bind[] binds, ImmutableArray<InvariantViolation>.Builder violations)
    {
        var added = new SortedDictionary<NodeName, List<(Pod Pod, ImmutableArray<int> Devices)>>();
        foreach (var bind in binds)
        {
            if (!snapshot.TryGetWorkload(bind.Workload, out var workload))
            {
                continue;
            }

            foreach (var binding in bind.Pods)
            {
                var pod = workload.Pods.FirstOrDefault(candidate => candidate.Id == binding.Pod);
                if (pod is null)
                {
                    continue;
                }

                if (!added.TryGetValue(binding.Node, out var pods))
                {
                    added.Add(binding.Node, pods = []);
                }

                pods.Add((pod, binding.Devices));
            }
        }

        var placed = PlacedByNode(snapshot, added.Keys.ToHashSet());
        foreach (var (name, pods) in added)
        {
            if (!snapshot.TryGetNodeIndex(name, out var index))
            {
                violations.Add(new("W1", $"pod {pods[0].Pod.Id} is bound to node {name}, which is not there"));
                continue;
            }

            NodeCheck.Check(snapshot.Nodes[index], placed.GetValueOrDefault(name) ?? [], pods, violations);
        }
    }

    private static Dictionary<NodeName, List<(Pod Pod, ImmutableArray<int> Devices)>> PlacedByNode(
        ClusterSnapshot snapshot, HashSet<NodeName> nodes)
    {
        var placed = new Dictionary<NodeName, List<(Pod, ImmutableArray<int>)>>();
        foreach (var workload in snapshot.Workloads)
        {
            foreach (var pod in workload.Pods)
            {
                if (pod.Placement is { } placement && nodes.Contains(placement.Node))
                {
                    if (!placed.TryGetValue(placement.Node, out var pods))
                    {
                        placed.Add(placement.Node, pods = []);
                    }

                    pods.Add((pod, placement.Devices));
                }
            }
        }

        return placed;
    }

    private static void CheckLimits(
        ClusterSnapshot snapshot, SchedulingPolicy policy, Bind[] binds, ImmutableArray<InvariantViolation>.Builder violations)
    {
        var used = new Dictionary<(int Tenant, FlavorId Flavor), long>();
        var added = new Dictionary<(int Tenant, FlavorId Flavor), long>();
        foreach (var workload in snapshot.Workloads)
        {
            foreach (var pod in workload.Pods)
            {
                if (pod.Placement is { } placement)
                {
                    Book(used, workload, pod, placement.Node);
                }
            }
        }

        foreach (var bind in binds)
        {
            if (snapshot.TryGetWorkload(bind.Workload, out var workload))
            {
                foreach (var binding in bind.Pods)
                {
                    if (workload.Pods.FirstOrDefault(candidate => candidate.Id == binding.Pod) is { } pod)
                    {
                        Book(added, workload, pod, binding.Node);
                    }
                }
            }
        }

        var capacity = snapshot.HealthyMilliGpu().Values.Sum();
        foreach (var ((tenant, flavor), milli) in added.OrderBy(pair => pair.Key.Tenant).ThenBy(pair => pair.Key.Flavor))
        {
            var node = snapshot.Tenants.Nodes[tenant];
            var after = used.GetValueOrDefault((tenant, flavor)) + milli;
            if (milli > 0 && LimitOf(node, flavor, policy, capacity) is { } limit && after > limit)
            {
                violations.Add(new("W2", string.Create(CultureFree,
                    $"tenant {node.Id} would use {after} milli-GPU of {flavor}, above its limit of {limit}")));
            }
        }

        void Book(Dictionary<(int, FlavorId), long> books, Workload workload, Pod pod, NodeName nodeName)
        {
            if (!pod.Shape.Gpu.IsAny || workload.Tenant is not { } id || !snapshot.Tenants.TryGet(id, out var tenant)
                || !snapshot.TryGetNodeIndex(nodeName, out var index))
            {
                return;
            }

            for (var node = tenant; node is not null; node = node.Parent)
            {
                foreach (var flavor in new[] { snapshot.Nodes[index].Flavor, FlavorId.Any })
                {
                    books[(node.Index, flavor)] = books.GetValueOrDefault((node.Index, flavor)) + pod.Shape.Gpu.MilliGpu;
                }
            }
        }
    }

    private static IFormatProvider CultureFree => NumberFormatInfo.InvariantInfo;

    private static long? LimitOf(TenantNode tenant, FlavorId flavor, SchedulingPolicy policy, long capacity)
    {
        var any = tenant.QuotaFor(FlavorId.Any)?.LimitMilliGpu;
        if (flavor == FlavorId.Any)
        {
            var cap = tenant.Parent is null && policy.MaxShareOfClusterPermille is { } permille
                ? (long)((Int128)capacity * permille / 1000)
                : (long?)null;
            return any is null ? cap : cap is null ? any : Math.Min(any.Value, cap.Value);
        }

        return tenant.QuotaFor(flavor)?.LimitMilliGpu ?? (any is null && tenant.IsLeaf ? 0 : null);
    }
}
