using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Core.Tests.Properties;

/// <summary>A generated cluster: valid by construction, small enough to read when a property fails.</summary>
public sealed record ClusterCase(ImmutableArray<Node> Nodes, ImmutableArray<Tenant> Tenants, ImmutableArray<Workload> Workloads)
{
    public TenantTree Tree => Make.Tree(Tenants);

    public ClusterSnapshot Snapshot => Make.Snapshot(Nodes, Tree, Workloads);

    public override string ToString()
    {
        var text = new StringBuilder().AppendLine();
        foreach (var node in Nodes)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"  node {node.Name} {node.Flavor} gpus={node.Devices.Length} sick=[{string.Join(',', node.Devices.Where(d => d.Health != DeviceHealth.Healthy).Select(d => d.Index))}] cpu={node.Allocatable.MilliCpu} mig={node.MigCapacities.FirstOrDefault()} schedulable={node.IsSchedulable}");
        }

        foreach (var tenant in Tenants)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"  tenant {tenant.Id} parent={tenant.Parent} weight={tenant.Weight} shares={tenant.SharesDevices} {string.Join(", ", tenant.Quotas.Select(q => $"{q.Flavor}:{q.GuaranteedMilliGpu}+{q.BurstMilliGpu} lend={q.LendingLimitMilliGpu}"))}");
        }

        foreach (var workload in Workloads)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"  workload {workload.Id} tenant={workload.Tenant} prio={workload.Priority} min={workload.MinMember} preemptible={workload.IsPreemptible} submitted={workload.SubmittedAt:HH:mm} {workload.Pods[0].Shape.Gpu} cpu={workload.Pods[0].Shape.Requests.MilliCpu} pods={string.Join(' ', workload.Pods.Select(p => p.State + (p.Placement is { } at ? $"@{at.Node}[{string.Join(',', at.Devices)}]" : "")))}");
        }

        return text.ToString();
    }
}

/// <summary>How <see cref="ClusterCase"/>s are made and shrunk.</summary>
public static class ClusterCases
{
    private static readonly string[] Flavors = ["A100", "H100"];

    public static Arbitrary<ClusterCase> Arbitrary() => Arb.From(Generator, Shrink);

    private static Gen<ClusterCase> Generator =>
        from nodes in Gen.Choose(1, 6).SelectMany(NodesGen)
        from tenants in TenantsGen
        from workloads in Gen.Choose(0, 25).SelectMany(count => WorkloadsGen(count, tenants))
        select Settle(nodes, tenants, workloads);

    private static Gen<ImmutableArray<Node>> NodesGen(int count) =>
        Gen.CollectToArray(Enumerable.Range(0, count), NodeGen).Select(nodes => nodes.ToImmutableArray());

    private static Gen<Node> NodeGen(int index) =>
        from flavor in Gen.Elements(Flavors)
        from gpus in Gen.Elements(0, 1, 2, 4, 8)
        from milliCpu in Gen.Elements(4_000L, 16_000L, 64_000L)
        from sick in Gen.Choose(0, 9)
        from mig in Gen.Choose(0, 4)
        from isCordoned in Gen.Choose(0, 11)
        select Make.Node(
            $"n{index}", gpus, flavor, milliCpu, memoryGiB: 64, maxPods: 12, quarantined: sick < gpus ? [sick] : [],
            isCordoned: isCordoned == 0, mig: mig == 4 ? [("1g.5gb", 5), ("3g.20gb", 1)] : null);

    private static Gen<ImmutableArray<Tenant>> TenantsGen =>
        from leaves in Gen.Choose(1, 4)
        from tenants in Gen.CollectToArray(Enumerable.Range(0, leaves), LeafGen)
        from parented in Gen.Choose(0, leaves)
        from parentBurst in Gen.Choose(0, 12)
        select WithParent(tenants, parented, parentBurst);

    private static Gen<Tenant> LeafGen(int index) =>
        from guaranteed in Gen.Choose(0, 6)
        from burst in Gen.Choose(-1, 10)
        from flavor in Gen.Elements("*", "*", "A100", "H100")
        from lending in Gen.Choose(-3, 4)
        from weight in Gen.Choose(0, 3)
        from shares in Gen.Choose(0, 1)
        select Make.Tenant(
            $"t{index}", guaranteed, burst < 0 ? null : burst, flavor, lending: lending < 0 ? null : lending,
            weight: weight == 0 ? null : weight, sharesDevices: shares == 1);

    /// <summary>Puts the first leaves under a parent that guarantees what they do, with a limit of its own.</summary>
    private static ImmutableArray<Tenant> WithParent(Tenant[] leaves, int parented, int parentBurst)
    {
        if (parented == 0)
        {
            return [.. leaves];
        }

        var below = leaves.Take(parented).ToArray();
        var guaranteed = below.Sum(leaf => leaf.Quotas.Sum(quota => quota.GuaranteedMilliGpu)) / 1000.0;
        return
        [
            Make.Tenant("top", guaranteed, parentBurst, namespaces: []),
            .. below.Select(leaf => leaf with { Parent = new TenantId("top") }),
            .. leaves.Skip(parented),
        ];
    }

    private static Gen<Workload[]> WorkloadsGen(int count, ImmutableArray<Tenant> tenants) =>
        Gen.CollectToArray(Enumerable.Range(0, count), index => WorkloadGen(index, tenants));

    private static Gen<Workload> WorkloadGen(int index, ImmutableArray<Tenant> tenants) =>
        from tenant in Gen.Elements(tenants.Where(tenant => !tenant.Namespaces.IsEmpty).Select(tenant => tenant.Id.Value).Append("nobody"))
        from shape in ShapeGen
        from pods in Gen.Elements(1, 1, 1, 2, 3)
        from elastic in Gen.Choose(0, 3)
        from priority in Gen.Choose(0, 2)
        from minutes in Gen.Choose(0, 5)
        from preemptible in Gen.Choose(0, 3)
        select Make.Waiting(
            $"w{index:00}", tenant, shape, pods, elastic == 0 ? 1 : pods, priority, minutes, isPreemptible: preemptible > 0);

    private static Gen<PodShape> ShapeGen =>
        from kind in Gen.Choose(0, 9)
        from size in Gen.Elements(1, 1, 2, 4, 8)
        from milli in Gen.Elements(100, 250, 470, 500, 810)
        from milliCpu in Gen.Elements(100L, 1_000L, 4_000L)
        select kind switch
        {
            0 => Make.Shape(milliCpu: milliCpu),
            1 => Make.Shape(mig: ("1g.5gb", Math.Min(size, 2)), milliCpu: milliCpu),
            < 5 => Make.Shape(fraction: milli, milliCpu: milliCpu),
            _ => Make.Shape(gpus: size, milliCpu: milliCpu),
        };

    /// <summary>
    /// Lets some of the workloads run already: those with an even number are placed, as far as a plan of the planner itself
    /// finds room, which keeps the case consistent.
    /// </summary>
    private static ClusterCase Settle(ImmutableArray<Node> nodes, ImmutableArray<Tenant> tenants, Workload[] workloads)
    {
        var early = workloads.Where((_, index) => index % 2 == 0).ToArray();
        var snapshot = Make.Snapshot(nodes, Make.Tree(tenants), early);
        var plan = Core.Planning.Planner.Compute(snapshot, Core.Planning.SchedulingPolicy.Default);
        var running = PlanEffects.Apply(snapshot, plan).ToDictionary(workload => workload.Id);
        return new ClusterCase(nodes, tenants, [.. workloads.Select(workload => running.GetValueOrDefault(workload.Id, workload))]);
    }

    private static IEnumerable<ClusterCase> Shrink(ClusterCase value)
    {
        for (var index = 0; index < value.Workloads.Length; index++)
        {
            yield return value with { Workloads = value.Workloads.RemoveAt(index) };
        }

        var occupied = value.Workloads.SelectMany(workload => workload.Pods)
            .Select(pod => pod.Placement?.Node).OfType<NodeName>().ToHashSet();
        foreach (var node in value.Nodes.Where(node => value.Nodes.Length > 1 && !occupied.Contains(node.Name)))
        {
            yield return value with { Nodes = value.Nodes.Remove(node) };
        }

        var used = value.Workloads.Select(workload => workload.Tenant).ToHashSet();
        foreach (var tenant in value.Tenants.Where(tenant => !tenant.Namespaces.IsEmpty && !used.Contains(tenant.Id)))
        {
            yield return value with { Tenants = value.Tenants.Remove(tenant) };
        }
    }
}

/// <summary>What a cluster looks like after a plan took effect.</summary>
public static class PlanEffects
{
    public static IEnumerable<Workload> Apply(ClusterSnapshot snapshot, Core.Planning.Plan plan)
    {
        var bindings = plan.Decisions.OfType<Core.Planning.Bind>().SelectMany(bind => bind.Pods).ToDictionary(pod => pod.Pod);
        foreach (var workload in snapshot.Workloads)
        {
            yield return workload with
            {
                StartedAt = workload.StartedAt ?? snapshot.Now.AddMinutes(-1),
                Pods =
                [
                    .. workload.Pods.Select(pod => bindings.TryGetValue(pod.Id, out var binding)
                        ? pod with { State = PodState.Placed, Placement = new PodPlacement(binding.Node, binding.Devices) }
                        : pod),
                ],
            };
        }
    }
}
