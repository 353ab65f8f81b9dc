using Google.OrTools.Sat;
using Scheduler.Core.Model;

namespace Scheduler.TestKit.Oracles;

/// <summary>
/// "These pods fit", as constraints: equal pods are counted rather than told apart, devices one by one. Knows CPU, memory,
/// pod slots, device health, whole devices, fractions, who shares devices, and node selectors; refuses what it does not know.
/// </summary>
internal sealed class PackingModel
{
    private readonly CpModel _model;
    private readonly ClusterSnapshot _snapshot;
    private readonly Func<Pod, BoolVar?> _gone;
    private readonly Dictionary<NodeName, List<(Workload Owner, Pod Pod)>> _placed = [];
    private readonly bool _ownerShares;
    private readonly TenantId _owner;

    /// <param name="model">Receives the constraints.</param>
    /// <param name="snapshot">The cluster.</param>
    /// <param name="pods">What is to be placed, all of one tenant.</param>
    /// <param name="owner">That tenant.</param>
    /// <param name="stays">Whether a placed pod counts at all.</param>
    /// <param name="gone">The variable that says whether it goes, or null if it stays for sure.</param>
    public PackingModel(
        CpModel model, ClusterSnapshot snapshot, IEnumerable<Pod> pods, TenantId owner, Func<Pod, bool> stays, Func<Pod, BoolVar?> gone)
    {
        (_model, _snapshot, _gone, _owner) = (model, snapshot, gone, owner);
        _ownerShares = Shares(owner);
        foreach (var workload in snapshot.Workloads)
        {
            foreach (var pod in StandingOracle.PlacedPods(workload).Where(stays))
            {
                if (!_placed.TryGetValue(pod.Placement!.Node, out var onNode))
                {
                    _placed.Add(pod.Placement.Node, onNode = []);
                }

                onNode.Add((workload, pod));
            }
        }

        var groups = pods.GroupBy(pod => pod.Shape).Select(group => (Shape: group.Key, Count: group.Count())).ToArray();
        foreach (var (shape, _) in groups)
        {
            RefuseUnknown(shape);
        }

        var counts = groups.Select(_ => new List<IntVar>()).ToArray();
        foreach (var node in snapshot.Nodes)
        {
            AddNode(node, groups, counts);
        }

        for (var group = 0; group < groups.Length; group++)
        {
            model.Add(LinearExpr.Sum(counts[group]) == groups[group].Count);
        }
    }

    private static void RefuseUnknown(PodShape shape)
    {
        if (shape.Gpu.Kind == GpuRequestKind.Mig || !shape.RequiredTerms.IsEmpty || !shape.Scalars.IsEmpty)
        {
            throw new NotSupportedException($"the packing oracle does not know all of {shape.Key}");
        }
    }

    private void AddNode(Node node, (PodShape Shape, int Count)[] groups, List<IntVar>[] counts)
    {
        if (!node.Taints.IsEmpty)
        {
            throw new NotSupportedException($"the packing oracle knows no taints, and node {node.Name} has some");
        }

        var here = new IntVar?[groups.Length];
        for (var group = 0; group < groups.Length; group++)
        {
            var shape = groups[group].Shape;
            if (MayRunOn(shape, node))
            {
                here[group] = _model.NewIntVar(0, groups[group].Count, $"{node.Name} takes {group}");
                counts[group].Add(here[group]!);
            }
        }

        var placed = _placed.GetValueOrDefault(node.Name, []);
        AddSum(node.Allocatable.MilliCpu - node.UsedByOthers.MilliCpu, shape => shape.Requests.MilliCpu);
        AddSum(node.Allocatable.MemoryBytes - node.UsedByOthers.MemoryBytes, shape => shape.Requests.MemoryBytes);
        AddSum(node.MaxPods - node.PodsOfOthers, _ => 1);
        AddDevices(node, groups, here, placed);

        void AddSum(long has, Func<PodShape, long> amount)
        {
            var sum = LinearExpr.NewBuilder();
            for (var group = 0; group < groups.Length; group++)
            {
                if (here[group] is { } count)
                {
                    sum.AddTerm(count, amount(groups[group].Shape));
                }
            }

            foreach (var (_, pod) in placed)
            {
                AddStaying(sum, pod, amount(pod.Shape));
            }

            _model.Add(sum <= has);
        }
    }

    private void AddDevices(Node node, (PodShape Shape, int Count)[] groups, IntVar?[] here, List<(Workload Owner, Pod Pod)> placed)
    {
        var taken = groups.Select(_ => LinearExpr.NewBuilder()).ToArray();
        foreach (var device in node.Devices.Where(device => device.Health == DeviceHealth.Healthy))
        {
            var use = LinearExpr.NewBuilder();
            var on = placed.Where(pair => pair.Pod.Placement!.Devices.Contains(device.Index)).ToArray();
            foreach (var (_, pod) in on)
            {
                AddStaying(use, pod, pod.Shape.Gpu.MilliEach);
            }

            for (var group = 0; group < groups.Length; group++)
            {
                var gpu = groups[group].Shape.Gpu;
                if (here[group] is null || !gpu.IsAny)
                {
                    continue;
                }

                var most = Math.Min(groups[group].Count, GpuRequest.MilliPerDevice / gpu.MilliEach);
                var count = _model.NewIntVar(0, most, $"{node.Name}[{device.Index}] takes {group}");
                use.AddTerm(count, gpu.MilliEach);
                taken[group].Add(count);
                foreach (var (owner, pod) in on.Where(pair => !MayShare(pair.Owner)))
                {
                    _model.Add(count <= (_gone(pod) is { } gone ? LinearExpr.Term(gone, most) : LinearExpr.Constant(0)));
                }
            }

            _model.Add(use <= GpuRequest.MilliPerDevice);
        }

        for (var group = 0; group < groups.Length; group++)
        {
            if (here[group] is { } count && groups[group].Shape.Gpu.IsAny)
            {
                _model.Add(taken[group] == LinearExpr.Term(count, groups[group].Shape.Gpu.Count));
            }
        }
    }

    private void AddStaying(LinearExprBuilder sum, Pod pod, long amount)
    {
        sum.Add(amount);
        if (_gone(pod) is { } gone)
        {
            sum.AddTerm(gone, -amount);
        }
    }

    private bool MayShare(Workload other) =>
        other.Tenant == _owner || (_ownerShares && other.Tenant is { } tenant && Shares(tenant));

    private bool Shares(TenantId id) => _snapshot.Tenants.TryGet(id, out var tenant) && tenant.Tenant.SharesDevices;

    /// <summary>
    /// Whether everything about a node that victims cannot change allows the shape, the tenant's quota on flavors included.
    /// </summary>
    private bool MayRunOn(PodShape shape, Node node) =>
        node.IsSchedulable
        && shape.NodeSelector.All(pair => node.Labels.TryGetValue(pair.Key, out var value) && value == pair.Value)
        && (!shape.Gpu.IsAny
            || (_snapshot.Tenants.TryGet(_owner, out var tenant)
                && (tenant.QuotaFor(FlavorId.Any) ?? tenant.QuotaFor(node.Flavor)) is not null));
}
