using FsCheck;
using FsCheck.Fluent;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Tests.Properties;
using Scheduler.TestKit.Clusters;
using static Scheduler.Core.Tests.Constraints.ConstraintCluster;

namespace Scheduler.Core.Tests.Constraints;

/// <summary>
/// Random clusters of pods that look at each other. The judge here is a third one beside planner and validator: it looks for
/// an order in which each bind was right when it was made, and compares all pairs of pods.
/// </summary>
public class ConstraintProperties
{
    [Cases]
    public Property W16_no_pod_is_bound_where_a_rule_forbids_it(DoNotSize<int> seed)
    {
        var snapshot = Cluster(seed.Item);
        var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);
        var violations = PlanValidator.Check(snapshot, SchedulingPolicy.Default, plan);
        var wrong = Judge(snapshot, plan);
        return violations.IsEmpty.Label(string.Join("; ", violations)).And((wrong.Length == 0).Label(wrong)).Label(Describe(snapshot, plan));
    }

    [Cases]
    public Property A_session_that_lives_on_plans_as_one_made_anew(DoNotSize<int> seed)
    {
        var planner = new CyclePlanner(SchedulingPolicy.Default);
        var snapshot = Cluster(seed.Item);
        for (var cycle = 0; cycle < 4; cycle++)
        {
            var lived = planner.Compute(snapshot);
            var fresh = Planner.Compute(snapshot, SchedulingPolicy.Default);
            if (PlanText.Write(lived) != PlanText.Write(fresh))
            {
                return false.Label($"cycle {cycle}: {Describe(snapshot, fresh)}");
            }

            // The plan takes effect, and something ends.
            var after = PlanEffects.Apply(snapshot, fresh).ToList();
            var gone = after.FindIndex(workload => workload.Pods[0].Placement is not null);
            var ended = gone >= 0 ? after[gone] : null;
            snapshot = snapshot.Next(cycle + 2, snapshot.Now.AddMinutes(1), new SnapshotChanges
            {
                Workloads = [.. after.Where(workload => workload != ended)],
                RemovedWorkloads = ended is null ? [] : [ended.Id],
            });
        }

        return true.ToProperty();
    }

    private static ClusterSnapshot Cluster(int seed)
    {
        var random = new SplitMix64((ulong)seed);
        int Pick(int below) => random.Below(below);
        var nodes = Enumerable.Range(0, 2 + Pick(5)).Select(index =>
        {
            var node = Node($"n{index}", $"z{Pick(3)}", 1 + Pick(3)) with { AttachLimits = [new AttachLimit("disk", 1 + Pick(2))] };
            node = Pick(8) == 0 ? node with { Labels = node.Labels.Remove(Zone) } : node;
            node = Pick(8) == 0 ? node with { Taints = [new Taint("k", "v", TaintEffect.NoSchedule)] } : node;
            return Pick(3) != 0 ? node
                : node with { Others = [new OtherPod(new PodId($"other{index}"), "t", Make.Labels(("app", Word())), Some(Word()), IsLeaving: Pick(4) == 0)] };
        }).ToArray();
        var nextDevice = new int[nodes.Length];
        var workloads = Enumerable.Range(0, 1 + Pick(8)).Select(index =>
        {
            var app = Word();
            var workload = App($"w{index}", app, Some(app), pods: Pick(3) == 0 ? 1 + Pick(4) : 1, minutesAgo: Pick(60));
            var at = Pick(nodes.Length);
            return workload.Pods.Length == 1 && Pick(4) == 0 && nextDevice[at] < nodes[at].Devices.Length
                ? workload.RunningOn(nodes[at].Name.Value, nextDevice[at]++, Pick(5) == 0 ? PodState.Leaving : PodState.Placed)
                : workload;
        }).ToArray();
        return Snapshot(nodes, workloads);

        string Word() => "xyz"[Pick(3)].ToString();

        string By() => Pick(2) == 0 ? Zone : Host;

        PodRules? Some(string app) => Pick(3) == 0 ? null : PodRules.Create(
            "t", Make.Labels(("app", app)),
            hostPorts: Pick(6) == 0 ? [new HostPort(80 + Pick(2))] : [],
            volumes: Pick(6) == 0 ? [new AttachedVolume("disk", $"v{Pick(4)}")] : [],
            affinity: Pick(5) == 0 ? [Like(Word(), By())] : [],
            antiAffinity: Pick(4) == 0 ? [Like(Word(), By())] : [],
            preferred: Pick(5) == 0 ? [new PreferredPodTerm(Pick(2) == 0 ? 10 : -10, Like(Word(), By()))] : [],
            spread: Pick(3) == 0
                ? [Spread(Pick(4) == 0 ? Word() : app, By(), 1 + Pick(2)) with { IsRequired = Pick(4) != 0, MinDomains = 1 + Pick(3), HonorsTaints = Pick(2) == 0 }]
                : []);
    }

    private sealed record Down(PodId Id, LabelSet Labels, PodRules? Rules, Node Node, bool IsLeaving);

    /// <summary>What is wrong with the binds of a plan; empty if there is an order in which each was right.</summary>
    private static string Judge(ClusterSnapshot snapshot, Plan plan)
    {
        var down = new List<Down>();
        foreach (var node in snapshot.Nodes)
        {
            down.AddRange(node.Others.Select(other => new Down(other.Id, other.Labels, other.Rules, node, other.IsLeaving)));
        }

        foreach (var pod in snapshot.Workloads.SelectMany(workload => workload.Pods).Where(pod => pod.Placement is not null))
        {
            down.Add(new Down(pod.Id, pod.Labels, pod.Shape.Rules, snapshot.Nodes.Single(node => node.Name == pod.Placement!.Node), pod.State == PodState.Leaving));
        }

        var left = plan.Decisions.OfType<Bind>().SelectMany(bind => bind.Pods).Select(binding =>
        {
            var pod = snapshot.Workloads.SelectMany(workload => workload.Pods).Single(each => each.Id == binding.Pod);
            return new Down(pod.Id, pod.Labels, pod.Shape.Rules, snapshot.Nodes.Single(node => node.Name == binding.Node), false);
        }).ToList();

        return HasOrder(snapshot, down, left, new HashSet<string>()) ? "" : $"there is no order in which {string.Join(", ", left.Select(pod => $"{pod.Id}→{pod.Node.Name}"))} is right";
    }

    /// <summary>Looks for an order, depth first; a set of pods that was a dead end once is one always.</summary>
    private static bool HasOrder(ClusterSnapshot snapshot, List<Down> down, List<Down> left, HashSet<string> deadEnds)
    {
        if (left.Count == 0)
        {
            return true;
        }

        var key = string.Join(' ', left.Select(pod => pod.Id.Value));
        if (!deadEnds.Add(key))
        {
            return false;
        }

        foreach (var pod in left.ToArray())
        {
            if (IsRight(snapshot, down, pod))
            {
                down.Add(pod);
                var rest = left.Where(other => other != pod).ToList();
                var isFound = HasOrder(snapshot, down, rest, deadEnds);
                down.RemoveAt(down.Count - 1);
                if (isFound)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool IsRight(ClusterSnapshot snapshot, List<Down> down, Down pod)
    {
        bool Near(Down other, string key) => pod.Node.Labels.ContainsKey(key) && other.Node.Labels.GetValueOrDefault(key) == pod.Node.Labels[key];
        static bool Meant(PodTerm term, Down other) => term.Selector.Matches(other.Labels);
        var beside = down.Where(other => other.Node == pod.Node).ToArray();
        if (pod.Node.Taints.Length > 0 || down.Any(other => other.Rules is { } rules && rules.AntiAffinity.Any(term => Meant(term, pod) && Near(other, term.TopologyKey))))
        {
            return false;
        }

        if (pod.Rules is not { } own)
        {
            return true;
        }

        var volumes = beside.SelectMany(other => other.Rules?.Volumes ?? []).ToHashSet();
        var isNew = own.Volumes.Any(volume => !volumes.Contains(volume));
        if (beside.Any(other => other.Rules is { } rules && rules.HostPorts.Intersect(own.HostPorts).Any())
            || (isNew && volumes.Union(own.Volumes).Count() > pod.Node.AttachLimits[0].Count)
            || own.AntiAffinity.Any(term => down.Exists(other => Meant(term, other) && Near(other, term.TopologyKey))))
        {
            return false;
        }

        foreach (var term in own.Affinity)
        {
            var wanted = down.Where(other => Meant(term, other) && other.Node.Labels.ContainsKey(term.TopologyKey)).ToArray();
            if (!pod.Node.Labels.ContainsKey(term.TopologyKey) || !(wanted.Any(other => Near(other, term.TopologyKey)) || (wanted.Length == 0 && Meant(term, pod))))
            {
                return false;
            }
        }

        foreach (var spread in own.Spread.Where(constraint => constraint.IsRequired))
        {
            bool Counts(Node node) => node.Labels.ContainsKey(spread.TopologyKey) && (!spread.HonorsTaints || node.Taints.Length == 0);
            var domains = snapshot.Nodes.Where(Counts).GroupBy(node => node.Labels[spread.TopologyKey])
                .ToDictionary(group => group.Key, group => down.Count(other => !other.IsLeaving && group.Contains(other.Node) && spread.Selector.Matches(other.Labels)));
            var fewest = domains.Count < spread.MinDomains ? 0 : domains.Values.Min();
            if (!pod.Node.Labels.TryGetValue(spread.TopologyKey, out var value)
                || domains.GetValueOrDefault(value) + (spread.Selector.Matches(pod.Labels) ? 1 : 0) - fewest > spread.MaxSkew)
            {
                return false;
            }
        }

        return true;
    }

    private static string Describe(ClusterSnapshot snapshot, Plan plan) => string.Join('\n', [
        .. snapshot.Nodes.Select(node => $"{node.Name} {string.Join(',', node.Labels.Values)} {node.Devices.Length} GPUs, taints {node.Taints.Length}, others {string.Join(' ', node.Others.Select(other => other.Labels.Find("app")))}"),
        .. snapshot.Workloads.Select(workload => $"{workload.Id} app {workload.Pods[0].Labels.Find("app")} ×{workload.Pods.Length} {workload.Pods[0].State} {workload.Pods[0].Placement?.Node} {workload.Pods[0].Shape.Rules?.Key}"),
        PlanText.Write(plan)]);
}
