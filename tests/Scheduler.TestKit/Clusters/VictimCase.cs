using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.TestKit.Clusters;

/// <summary>
/// A small busy cluster and one waiting workload inside its tenant's guarantee: a question about victims, small enough for
/// an exact answer.
/// </summary>
public sealed record VictimCase(string Name, ClusterSnapshot Snapshot, SchedulingPolicy Policy, WorkloadId Beneficiary)
{
    public const string Owner = "own";

    public Workload Waiting => Snapshot.Workloads.Single(workload => workload.Id == Beneficiary);

    /// <summary>A case from a seed; every seed gives one. Whether there is room without victims is for the caller to see.</summary>
    public static VictimCase Make(ulong seed)
    {
        // Neighbouring seeds would give neighbouring streams; one step takes them apart.
        var stream = new SplitMix64(seed);
        while (true)
        {
            if (new VictimCaseMaker(seed, new SplitMix64(stream.Next())).TryMake() is { } made)
            {
                return made;
            }
        }
    }
}

/// <summary>
/// Draws a <see cref="VictimCase"/>: nodes, then running work until they are nearly full, then guarantees that go with it.
/// </summary>
internal sealed class VictimCaseMaker(ulong seed, SplitMix64 random)
{
    private static readonly string[] Flavors = ["A100", "H100"];
    private static readonly int[] Priorities = [0, 100, 1000];

    private readonly SplitMix64 _random = random;
    private readonly List<Node> _nodes = [];
    private readonly Dictionary<NodeName, int[]> _free = [];
    private readonly Dictionary<NodeName, long> _freeCpu = [];
    private readonly Dictionary<(NodeName, int), string> _fractionsOf = [];
    private readonly List<Workload> _running = [];
    private readonly string[] _tenants = [VictimCase.Owner, "north", "south", "west"];

    private bool _isSharing;

    /// <summary>The case, or null if the cluster is too small for the guarantee that it would take.</summary>
    public VictimCase? TryMake()
    {
        var tenants = _random.Between(2, _tenants.Length);
        _isSharing = _random.Chance(50);
        DrawNodes();
        var wanted = _random.Between(5, 20);
        for (var attempt = 0; attempt < 40 && _running.Count < wanted; attempt++)
        {
            DrawRunning(_tenants[_random.Below(tenants)]);
        }

        var waiting = DrawWaiting();
        if (DrawTree(tenants, waiting) is not { } tree)
        {
            return null;
        }

        var builder = new ClusterSnapshotBuilder { Now = Clusters.Make.Now, Generation = 1 }
            .Add(_nodes).Add(_running).Add(waiting).With(tree);
        for (var budget = 0; budget < 3; budget++)
        {
            builder.WithBudget(Budget(budget), _random.Between(0, 2));
        }

        return new VictimCase(
            string.Create(CultureInfo.InvariantCulture, $"seed {seed}"),
            builder.Build(),
            SchedulingPolicy.Default with { RestartCost = TimeSpan.FromSeconds(_random.Pick(60, 300, 1800)) },
            waiting.Id);
    }

    private static string Budget(int number) => string.Create(CultureInfo.InvariantCulture, $"budget-{number}");

    private void DrawNodes()
    {
        var isTight = _random.Chance(25);
        var count = _random.Between(2, 6);
        for (var index = 0; index < count; index++)
        {
            var gpus = _random.Between(2, 8);
            var flavor = _random.Pick<string>(Flavors);
            var node = Clusters.Make.Node(
                string.Create(CultureInfo.InvariantCulture, $"n{index}"), gpus, flavor, isTight ? gpus * 4_000 : 64_000,
                quarantined: _random.Chance(10) ? [_random.Below(gpus)] : null, labels: [("model", flavor)]);
            _nodes.Add(node);
            _free[node.Name] = [.. node.Devices.Select(device => device.Health == DeviceHealth.Healthy ? 1000 : 0)];
            _freeCpu[node.Name] = node.Allocatable.MilliCpu;
        }
    }

    private void DrawRunning(string tenant)
    {
        var (gpu, pods, minMember) = _random.Below(100) switch
        {
            < 30 => (GpuRequest.Whole(1), 1, 1),
            < 48 => (GpuRequest.Whole(_random.Pick(2, 3, 4)), 1, 1),
            < 65 => (GpuRequest.Fraction(_random.Pick(200, 300, 500, 700)), 1, 1),
            < 85 => (GpuRequest.Whole(_random.Pick(1, 1, 2)), _random.Between(2, 4), 0),
            _ => (GpuRequest.Whole(_random.Pick(1, 1, 2)), _random.Between(3, 5), _random.Between(1, 2)),
        };
        var name = string.Create(CultureInfo.InvariantCulture, $"w{_running.Count:00}");
        var workload = Clusters.Make.Waiting(
            name, tenant, Shape(gpu), pods, minMember == 0 ? pods : minMember, _random.Pick<int>(Priorities),
            isPreemptible: !_random.Chance(8));
        if (Place(workload) is not { } placed)
        {
            return;
        }

        var age = _random.Between(60, 172_800);
        var started = Clusters.Make.Now.AddSeconds(-age);
        _running.Add(placed with
        {
            SubmittedAt = started,
            StartedAt = started,
            CheckpointedAt = _random.Chance(40) ? started.AddSeconds(_random.Below(age)) : null,
            DisruptionBudget = _random.Chance(30) ? Budget(_random.Below(3)) : null,
            PreemptionGrace = TimeSpan.FromSeconds(_random.Pick(0, 30)),
            Pods = [.. placed.Pods.Select(pod => pod with { IsIdle = _random.Chance(10) })],
        });
    }

    private PodShape Shape(GpuRequest gpu, string? flavor = null) => PodShape.Create(
        new ResourceVector(1000L * _random.Between(1, 4), 4L << 30), gpu,
        nodeSelector: flavor is null ? null : [KeyValuePair.Create("model", flavor)]);

    /// <summary>Each pod on any node with room, so that gangs spread and holes stay.</summary>
    private Workload? Place(Workload workload)
    {
        var taken = new List<(NodeName Node, int Device, int Milli)>();
        var pods = ImmutableArray.CreateBuilder<Pod>();
        foreach (var pod in workload.Pods)
        {
            var first = _random.Below(_nodes.Count);
            var placement = Enumerable.Range(first, _nodes.Count).Select(index => _nodes[index % _nodes.Count])
                .Select(node => TryTake(node, pod.Shape, workload.Namespace)).FirstOrDefault(found => found is not null);
            if (placement is null)
            {
                // Half a gang gives back what it took.
                taken.ForEach(use => _free[use.Node][use.Device] += use.Milli);
                foreach (var undone in pods)
                {
                    _freeCpu[undone.Placement!.Node] += undone.Shape.Requests.MilliCpu;
                }

                return null;
            }

            taken.AddRange(placement.Devices.Select(device => (placement.Node, device, pod.Shape.Gpu.MilliEach)));
            pods.Add(pod with { State = PodState.Placed, Placement = placement });
        }

        return workload with { Pods = pods.ToImmutable() };
    }

    private PodPlacement? TryTake(Node node, PodShape shape, string tenant)
    {
        var free = _free[node.Name];
        var devices = Enumerable.Range(0, free.Length)
            .Where(device => free[device] >= shape.Gpu.MilliEach
                && (free[device] == 1000 || _isSharing || _fractionsOf.GetValueOrDefault((node.Name, device)) == tenant))
            .Take(shape.Gpu.Count).ToImmutableArray();
        if (devices.Length < shape.Gpu.Count || _freeCpu[node.Name] < shape.Requests.MilliCpu)
        {
            return null;
        }

        foreach (var device in devices)
        {
            free[device] -= shape.Gpu.MilliEach;
            _fractionsOf[(node.Name, device)] = tenant;
        }

        _freeCpu[node.Name] -= shape.Requests.MilliCpu;
        return new PodPlacement(node.Name, devices);
    }

    private Workload DrawWaiting()
    {
        var (gpu, pods) = _random.Below(100) switch
        {
            < 25 => (GpuRequest.Whole(1), 1),
            < 50 => (GpuRequest.Whole(_random.Between(2, 6)), 1),
            < 65 => (GpuRequest.Fraction(_random.Pick(300, 500, 800)), 1),
            _ => (GpuRequest.Whole(_random.Between(1, 3)), _random.Between(2, 4)),
        };
        return Clusters.Make.Waiting(
            "waiting", VictimCase.Owner, Shape(gpu, _random.Chance(30) ? _random.Pick<string>(Flavors) : null), pods,
            priority: _random.Pick<int>(Priorities));
    }

    /// <summary>
    /// The owner's guarantee covers what it runs and what waits; the others' cover a part of what they run, if that fits beside.
    /// </summary>
    private TenantTree? DrawTree(int tenants, Workload waiting)
    {
        var left = _nodes.Sum(node => node.HealthyMilliGpu);
        var own = UsedBy(VictimCase.Owner) + waiting.Pods.Sum(pod => pod.Shape.Gpu.MilliGpu);
        left -= own;
        if (left < 0)
        {
            return null;
        }

        var hasParent = _random.Chance(35);
        var leaves = new List<Tenant> { Leaf(VictimCase.Owner, own) };
        foreach (var name in _tenants[1..tenants])
        {
            var guaranteed = Math.Min(left, UsedBy(name) * _random.Below(100) / 100);
            left -= guaranteed;
            leaves.Add(Leaf(name, guaranteed) with { Parent = hasParent ? new TenantId("others") : null });
        }

        return hasParent
            ? Clusters.Make.Tree(
                [.. leaves, Leaf("others", leaves[1..].Sum(leaf => leaf.Quotas[0].GuaranteedMilliGpu)) with { Namespaces = [] }])
            : Clusters.Make.Tree(leaves);
    }

    private Tenant Leaf(string name, long guaranteed) => new()
    {
        Id = new TenantId(name),
        Namespaces = [name],
        SharesDevices = _isSharing,
        Quotas = [new FlavorQuota { Flavor = FlavorId.Any, GuaranteedMilliGpu = guaranteed, BurstMilliGpu = 1_000_000 }],
    };

    private long UsedBy(string tenant) =>
        _running.Where(workload => workload.Namespace == tenant).SelectMany(workload => workload.Pods).Sum(pod => pod.Shape.Gpu.MilliGpu);
}
