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
    /// <summary>Disruption budgets of all cases: one that is used up, and one that is not.</summary>
    public static readonly ImmutableSortedDictionary<string, int> Budgets =
        ImmutableSortedDictionary<string, int>.Empty.Add("spent", 0).Add("ample", 2);

    public TenantTree Tree => Make.Tree(Tenants);

    public ClusterSnapshot Snapshot => Living().Snapshot();

    /// <summary>The cluster, so that plans can take effect on it.</summary>
    public LivingCluster Living() => new(Nodes, Tree, Workloads) { Budgets = Budgets };

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
                $"  tenant {tenant.Id} parent={tenant.Parent} weight={tenant.Weight} shares={tenant.SharesDevices}{(tenant.IsSuspended ? " suspended" : "")} {string.Join(", ", tenant.Quotas.Select(q => $"{q.Flavor}:{q.GuaranteedMilliGpu}+{q.BurstMilliGpu} lend={q.LendingLimitMilliGpu}"))}");
        }

        foreach (var workload in Workloads)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {WorkloadText.Write(workload)}");
        }

        return text.ToString();
    }
}

/// <summary>A workload in one line, what is as usual left out.</summary>
public static class WorkloadText
{
    public static string Write(Workload workload)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"workload {workload.Id} tenant={workload.Tenant} prio={workload.Priority} min={workload.MinMember}");
        Add(!workload.IsPreemptible, "not preemptible");
        Add(true, $"submitted={workload.SubmittedAt:HH:mm}");
        Add(workload.StartedAt is not null, $"started={workload.StartedAt:HH:mm}");
        Add(workload.ExpectedDuration is not null, $"lasts={workload.ExpectedDuration}");
        Add(workload.MinRuntime > TimeSpan.Zero, $"minRuntime={workload.MinRuntime}");
        Add(workload.PreemptionGrace > TimeSpan.Zero, $"grace={workload.PreemptionGrace}");
        Add(workload.CheckpointedAt is not null, $"checkpoint={workload.CheckpointedAt:HH:mm}");
        Add(workload.DisruptionBudget is not null, $"budget={workload.DisruptionBudget}");
        var shape = default(PodShape);
        foreach (var pod in workload.Pods)
        {
            Add(!pod.Shape.Equals(shape), $"| {pod.Shape.Gpu} cpu={pod.Shape.Requests.MilliCpu}:");
            shape = pod.Shape;
            Add(true, pod.State + (pod.Placement is { } at ? $"@{at.Node}[{string.Join(',', at.Devices)}]" : "") + (pod.IsIdle ? " idle" : ""));
        }

        return text.ToString();

        void Add(bool isThere, string part) => text.Append(isThere ? " " + part : "");
    }
}

/// <summary>How <see cref="ClusterCase"/>s are made and shrunk.</summary>
public static class ClusterCases
{
    private static readonly string[] Flavors = ["A100", "H100"];

    public static Arbitrary<ClusterCase> Arbitrary() => Arb.From(Generator, Shrink);

    /// <summary>Clusters as they come.</summary>
    public static Gen<ClusterCase> Generator =>
        from nodes in Gen.Choose(1, 6).SelectMany(NodesGen)
        from tenants in TenantsGen
        from workloads in Gen.Choose(0, 25).SelectMany(count => WorkloadsGen(count, tenants))
        from lowered in Gen.Choose(0, 12)
        select Settle(nodes, tenants, workloads, lowered);

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
        from isDeep in Gen.Choose(0, 2)
        select WithParents(tenants, parented, parentBurst, isDeep == 0);

    private static Gen<Tenant> LeafGen(int index) =>
        from guaranteed in Gen.Choose(0, 6)
        from burst in Gen.Choose(-1, 10)
        from flavor in Gen.Elements("*", "*", "A100", "H100")
        from second in Gen.Choose(0, 5)
        from lending in Gen.Choose(-3, 4)
        from weight in Gen.Choose(0, 3)
        from shares in Gen.Choose(0, 1)
        from suspended in Gen.Choose(0, 14)
        select WithSecondFlavor(second, Make.Tenant(
            $"t{index}", guaranteed, burst < 0 ? null : burst, flavor, lending: lending < 0 ? null : lending,
            weight: weight == 0 ? null : weight, isSuspended: suspended == 0, sharesDevices: shares == 1));

    /// <summary>Some tenants have a quota on a flavor beside the one on any, or beside that on the other flavor.</summary>
    private static Tenant WithSecondFlavor(int second, Tenant tenant)
    {
        var quota = tenant.Quotas[0];
        return second > 1 ? tenant : tenant with
        {
            Quotas =
            [
                quota,
                new FlavorQuota
                {
                    Flavor = new FlavorId(quota.Flavor.Value == Flavors[0] ? Flavors[1] : Flavors[0]),
                    GuaranteedMilliGpu = quota.GuaranteedMilliGpu / 2000 * 1000,
                    BurstMilliGpu = second == 0 ? 2000 : null,
                },
            ],
        };
    }

    /// <summary>Puts the first leaves under a parent that guarantees what they do, with a limit of its own; or under two.</summary>
    private static ImmutableArray<Tenant> WithParents(Tenant[] leaves, int parented, int parentBurst, bool isDeep)
    {
        if (parented == 0)
        {
            return [.. leaves];
        }

        var below = leaves.Take(parented).ToArray();
        var guaranteed = GuaranteedBy(below);
        var top = Make.Tenant("top", guaranteed, parentBurst, namespaces: []);
        if (!isDeep)
        {
            return [top, .. below.Select(leaf => leaf with { Parent = top.Id }), .. leaves.Skip(parented)];
        }

        var deep = below.Take(Math.Max(1, parented - 1)).ToArray();
        var middle = Make.Tenant("top-middle", GuaranteedBy(deep), parentBurst / 2, parent: "top", namespaces: []);
        return
        [
            top,
            middle,
            .. deep.Select(leaf => leaf with { Parent = middle.Id }),
            .. below.Skip(deep.Length).Select(leaf => leaf with { Parent = top.Id }),
            .. leaves.Skip(parented),
        ];
    }

    private static double GuaranteedBy(IEnumerable<Tenant> tenants) => tenants.Sum(tenant =>
        tenant.Quotas.FirstOrDefault(quota => quota.Flavor == FlavorId.Any)?.GuaranteedMilliGpu
        ?? tenant.Quotas.Sum(quota => quota.GuaranteedMilliGpu)) / 1000.0;

    private static Gen<Workload[]> WorkloadsGen(int count, ImmutableArray<Tenant> tenants) =>
        Gen.CollectToArray(Enumerable.Range(0, count), index => WorkloadGen(index, tenants));

    /// <summary>Any workload that may come to a cluster.</summary>
    public static Gen<Workload> WorkloadGen(int index, ImmutableArray<Tenant> tenants) =>
        from tenant in Gen.Elements(tenants.Where(tenant => !tenant.Namespaces.IsEmpty).Select(tenant => tenant.Id.Value).Append("nobody"))
        from shape in ShapeGen
        from pods in Gen.Elements(1, 1, 1, 2, 3)
        from elastic in Gen.Choose(0, 3)
        from priority in Gen.Choose(0, 2)
        from minutes in Gen.Choose(0, 5)
        from preemptible in Gen.Choose(0, 3)
        from launcher in Gen.Choose(0, 5)
        from manners in MannersGen
        select WithManners(
            manners,
            WithLauncher(launcher == 0 && pods > 1, Make.Waiting(
                $"w{index:00}", tenant, shape, pods, elastic == 0 ? 1 : pods, priority, minutes, isPreemptible: preemptible > 0)));

    /// <summary>How a workload behaves: half of them are plain.</summary>
    private sealed record Manners(int Minutes, int MinRuntime, int GraceSeconds, int Checkpoint, string? Budget, int IdlePod, int RunsFor);

    private static Gen<Manners> MannersGen =>
        from minutes in Gen.Elements(0, 0, 1, 3, 10, 45)
        from minRuntime in Gen.Elements(0, 0, 0, 0, 2, 60)
        from grace in Gen.Elements(0, 0, 0, 30, 120)
        from checkpoint in Gen.Elements(-1, -1, -1, 0, 20)
        from budget in Gen.Elements(null, null, null, "spent", "ample")
        from idle in Gen.Choose(-5, 2)
        from runsFor in Gen.Elements(1, 1, 1, 5, 90)
        select new Manners(minutes, minRuntime, grace, checkpoint, budget, idle, runsFor);

    private static Workload WithManners(Manners manners, Workload workload) => workload with
    {
        ExpectedDuration = manners.Minutes == 0 ? null : TimeSpan.FromMinutes(manners.Minutes),
        MinRuntime = TimeSpan.FromMinutes(manners.MinRuntime),
        PreemptionGrace = TimeSpan.FromSeconds(manners.GraceSeconds),
        DisruptionBudget = manners.Budget,

        // Both take effect only if the workload runs; see Settle.
        StartedAt = Make.Now.AddMinutes(-manners.RunsFor),
        CheckpointedAt = manners.Checkpoint < 0 ? null : Make.Now.AddMinutes(-Math.Min(manners.Checkpoint, manners.RunsFor)),
        Pods = [.. workload.Pods.Select((pod, index) => pod with { IsIdle = index == manners.IdlePod })],
    };

    /// <summary>A gang of workers with a small first pod, so that its pods differ.</summary>
    private static Workload WithLauncher(bool hasLauncher, Workload workload) => !hasLauncher ? workload : workload with
    {
        Pods = workload.Pods.SetItem(0, workload.Pods[0] with { Shape = Make.Shape(milliCpu: 500) }),
    };

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
    /// finds room, which keeps the case consistent. Then some quotas are lowered, so that some of them are above.
    /// </summary>
    private static ClusterCase Settle(ImmutableArray<Node> nodes, ImmutableArray<Tenant> tenants, Workload[] workloads, int lowered)
    {
        var early = workloads.Where((_, index) => index % 2 == 0).Select(ToWaiting).ToArray();
        var snapshot = Make.Snapshot(nodes, Make.Tree(tenants), early);
        var plan = Core.Planning.Planner.Compute(snapshot, Core.Planning.SchedulingPolicy.Default);
        var running = PlanEffects.Apply(snapshot, plan).Where(workload => workload.CountPods(PodState.Placed) > 0)
            .ToDictionary(workload => workload.Id);
        return new ClusterCase(
            nodes,
            [.. tenants.Select((tenant, index) => index == lowered ? Lower(tenant) : tenant)],
            [
                .. workloads.Select(workload => running.TryGetValue(workload.Id, out var placed)
                    ? placed with
                    {
                        StartedAt = workload.StartedAt,
                        CheckpointedAt = workload.CheckpointedAt,
                        SubmittedAt = workload.SubmittedAt < workload.StartedAt ? workload.SubmittedAt : workload.StartedAt!.Value,
                    }
                    : ToWaiting(workload)),
            ]);
    }

    private static Workload ToWaiting(Workload workload) => workload with { StartedAt = null, CheckpointedAt = null };

    private static Tenant Lower(Tenant tenant) => tenant.Namespaces.IsEmpty ? tenant : tenant with
    {
        Quotas =
        [
            .. tenant.Quotas.Select(quota => quota with
            {
                GuaranteedMilliGpu = quota.GuaranteedMilliGpu / 3000 * 1000,
                BurstMilliGpu = quota.GuaranteedMilliGpu / 3000 * 1000,
            }),
        ],
    };

    /// <summary>Clusters with one thing less.</summary>
    public static IEnumerable<ClusterCase> Shrink(ClusterCase value)
    {
        for (var index = 0; index < value.Workloads.Length; index++)
        {
            yield return value with { Workloads = value.Workloads.RemoveAt(index) };
        }

        for (var index = 0; index < value.Workloads.Length; index++)
        {
            if (ToPlain(value.Workloads[index]) is { } plain && !plain.Equals(value.Workloads[index]))
            {
                yield return value with { Workloads = value.Workloads.SetItem(index, plain) };
            }
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

    private static Workload ToPlain(Workload workload) => workload with
    {
        ExpectedDuration = null,
        MinRuntime = TimeSpan.Zero,
        PreemptionGrace = TimeSpan.Zero,
        CheckpointedAt = null,
        DisruptionBudget = null,
        Pods = workload.Pods.Any(pod => pod.IsIdle) ? [.. workload.Pods.Select(pod => pod with { IsIdle = false })] : workload.Pods,
    };
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
