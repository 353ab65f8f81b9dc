using System.Collections.Immutable;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Tests.Support;

/// <summary>A cache with one tenant on the namespace <c>ns</c>, fed by hand and planned with the real planner.</summary>
internal sealed class CacheFixture
{
    public CacheFixture(int nodes = 1, int gpus = 2)
    {
        Cache = new ClusterCache(new CacheSettings(), Time);
        Cache.Changed += () => Changes++;
        Cache.Tenants.Replace([Tenant("team", "ns", 100)]);
        Cache.Nodes.Replace([.. Enumerable.Range(0, nodes).Select(index => Node($"n{index}", gpus))]);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public ClusterCache Cache { get; }

    public int Changes { get; private set; }

    public static Node Node(string name, int gpus, bool isReady = true) => new()
    {
        Name = new NodeName(name),
        Allocatable = new ResourceVector(64_000, 1L << 38),
        MaxPods = 110,
        Devices = [.. Enumerable.Range(0, gpus).Select(index => new GpuDevice(index))],
        Flavor = new FlavorId("H100"),
        IsReady = isReady,
    };

    public static TenantRecord Tenant(string name, string @namespace, int gpus, long generation = 1, string? parent = null) => new(
        new Tenant
        {
            Id = new TenantId(name),
            Parent = parent is null ? null : new TenantId(parent),
            Namespaces = @namespace.Length == 0 ? [] : [@namespace],
            Quotas = [new FlavorQuota { Flavor = FlavorId.Any, GuaranteedMilliGpu = gpus * 1000L }],
        },
        name, $"uid-{name}", generation, [], null);

    public static PodRecord Pod(string name, int gpus = 1, params (string, string)[] annotations) => Pods.Map(Pods.Gpus(gpus), annotations, name);

    public static PodRecord Placed(string name, string node, int gpus = 1, string devices = "0") =>
        Pods.Map($"\"nodeName\":\"{node}\"," + Pods.Gpus(gpus), [("gpu-devices", devices)], name);

    public Plan Plan() => Planner.Compute(Cache.View().Snapshot, SchedulingPolicy.Default);

    public Bind PlanOneBind() => Assert.Single(Plan().Decisions.OfType<Bind>());

    public ImmutableArray<BindRequest> Assume(Bind bind)
    {
        Assert.Null(Cache.TryAssume(bind, out var requests));
        return requests;
    }

    public PodState StateOf(string name) => PodOf(name).State;

    public Pod PodOf(string name)
    {
        var id = new PodId($"uid-{name}");
        return Cache.View().Snapshot.Workloads.SelectMany(workload => workload.Pods).Single(pod => pod.Id == id);
    }
}
