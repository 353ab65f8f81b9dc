using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.TestKit.Clusters;

/// <summary>Short ways to write nodes, tenants and workloads in tests. Everything not named has a harmless default.</summary>
public static class Make
{
    /// <summary>The moment that tests take place at.</summary>
    public static readonly DateTimeOffset Now = new(2026, 11, 2, 9, 0, 0, TimeSpan.Zero);

    /// <summary>The default flavor of nodes.</summary>
    public const string H100 = "H100";

    public static Node Node(
        string name, int gpus = 8, string flavor = H100, long milliCpu = 64_000, long memoryGiB = 512, int maxPods = 110,
        int[]? quarantined = null, bool isReady = true, bool isCordoned = false,
        (string Key, string Value)[]? labels = null, Taint[]? taints = null, (string Profile, int Count)[]? mig = null) =>
        new()
        {
            Name = new NodeName(name),
            Allocatable = new ResourceVector(milliCpu, memoryGiB << 30),
            MaxPods = maxPods,
            Devices = [.. Enumerable.Range(0, gpus).Select(index => new GpuDevice(
                index, quarantined?.Contains(index) == true ? DeviceHealth.Quarantined : DeviceHealth.Healthy))],
            MigCapacities = [.. (mig ?? []).Select(pair => new MigCapacity(pair.Profile, pair.Count))],
            Flavor = new FlavorId(flavor),
            IsReady = isReady,
            IsCordoned = isCordoned,
            Labels = Core.Model.Node.NoLabels.AddRange((labels ?? []).Select(pair => KeyValuePair.Create(pair.Key, pair.Value))),
            Taints = [.. taints ?? []],
        };

    public static IEnumerable<Node> Nodes(int count, int gpus = 8, string flavor = H100) =>
        Enumerable.Range(0, count).Select(index => Node($"{flavor.ToLowerInvariant()}-{index:000}", gpus, flavor));

    /// <summary>A leaf tenant that owns the namespace of its name.</summary>
    public static Tenant Tenant(
        string name, double guaranteed = 0, double? burst = null, string flavor = "*", string? parent = null, double? lending = null,
        int? weight = null, bool isSuspended = false, bool sharesDevices = false, string[]? namespaces = null) =>
        new()
        {
            Id = new TenantId(name),
            Parent = parent is null ? null : new TenantId(parent),
            Namespaces = [.. namespaces ?? [name]],
            Quotas = [Quota(guaranteed, burst, flavor, lending)],
            Weight = weight,
            IsSuspended = isSuspended,
            SharesDevices = sharesDevices,
        };

    public static FlavorQuota Quota(double guaranteed, double? burst = null, string flavor = "*", double? lending = null) =>
        new()
        {
            Flavor = new FlavorId(flavor),
            GuaranteedMilliGpu = Milli(guaranteed),
            BurstMilliGpu = burst is { } value ? Milli(value) : null,
            LendingLimitMilliGpu = lending is { } limit ? Milli(limit) : null,
        };

    public static TenantTree Tree(params IEnumerable<Tenant> tenants) =>
        TenantTree.TryCreate(tenants, out var tree, out var errors)
            ? tree
            : throw new ArgumentException(string.Join("; ", errors), nameof(tenants));

    public static PodShape Shape(
        int gpus = 0, int fraction = 0, (string Profile, int Count)? mig = null, long milliCpu = 1000, long memoryGiB = 4,
        (string Key, string Value)[]? selector = null, ImmutableArray<NodeSelectorTerm> required = default,
        ImmutableArray<PreferredTerm> preferred = default, ImmutableArray<Toleration> tolerations = default,
        ImmutableArray<ImmutableArray<NodeSelectorTerm>> volumeTerms = default, PodRules? rules = null) =>
        PodShape.Create(
            new ResourceVector(milliCpu, memoryGiB << 30),
            gpus > 0 ? GpuRequest.Whole(gpus)
                : fraction > 0 ? GpuRequest.Fraction(fraction)
                : mig is { } instances ? GpuRequest.Mig(instances.Profile, instances.Count)
                : GpuRequest.None,
            nodeSelector: (selector ?? []).Select(pair => KeyValuePair.Create(pair.Key, pair.Value)),
            requiredTerms: required,
            preferredTerms: preferred,
            tolerations: tolerations,
            volumeTerms: volumeTerms,
            rules: rules);

    /// <summary>A waiting workload of one pod, or of <paramref name="pods"/> equal ones.</summary>
    public static Workload Waiting(
        string name, string tenant, PodShape shape, int pods = 1, int? minMember = null, int priority = 0, int submittedMinutesAgo = 10,
        bool isPreemptible = true, Hold hold = Hold.None, (string Key, string Value)[]? podLabels = null) =>
        new()
        {
            Id = new WorkloadId(name),
            Tenant = new TenantId(tenant),
            Namespace = tenant,
            Name = name,
            Pods = [.. Enumerable.Range(0, pods).Select(index => new Pod
            {
                Id = new PodId($"{name}/{index:000}"),
                Name = pods == 1 ? name : $"{name}-{index}",
                Shape = shape,
                Labels = Labels(podLabels ?? []),
            })],
            MinMember = minMember ?? pods,
            IsGang = pods > 1,
            Priority = priority,
            SubmittedAt = Now.AddMinutes(-submittedMinutesAgo),
            IsPreemptible = isPreemptible,
            Hold = hold,
        };

    public static LabelSet Labels(params (string Key, string Value)[] labels) =>
        LabelSet.Of(labels.Select(pair => KeyValuePair.Create(pair.Key, pair.Value)));

    /// <summary>The same workload with all its pods on one node, from <paramref name="firstDevice"/> on.</summary>
    public static Workload RunningOn(this Workload workload, string node, int firstDevice = 0, PodState state = PodState.Placed)
    {
        var device = firstDevice;
        var pods = ImmutableArray.CreateBuilder<Pod>();
        foreach (var pod in workload.Pods)
        {
            var count = pod.Shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction ? pod.Shape.Gpu.Count : 0;
            pods.Add(pod with
            {
                State = state,
                Placement = new PodPlacement(new NodeName(node), [.. Enumerable.Range(device, count)]),
            });
            device += count;
        }

        return workload with { Pods = pods.ToImmutable(), StartedAt = workload.SubmittedAt };
    }

    public static ClusterSnapshot Snapshot(IEnumerable<Node> nodes, TenantTree tenants, params IEnumerable<Workload> workloads) =>
        new ClusterSnapshotBuilder { Now = Now, Generation = 1 }.Add(nodes).Add(workloads).With(tenants).Build();

    private static long Milli(double gpus) => (long)Math.Round(gpus * GpuRequest.MilliPerDevice);
}
