using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.TestKit.Clusters;

/// <summary>
/// A <see cref="VictimCase"/> as readable JSON, to be looked at, changed by hand and replayed. Holds what such cases are
/// made of; a snapshot with more than that is refused rather than written in part.
/// </summary>
public static class SnapshotFile
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public static string Write(VictimCase value)
    {
        var snapshot = value.Snapshot;
        return JsonSerializer.Serialize(
            new FileCase(
                value.Name, value.Beneficiary.Value, snapshot.Now, (long)value.Policy.RestartCost.TotalSeconds,
                [.. snapshot.Nodes.Select(FileNode.From)],
                [.. snapshot.Tenants.Nodes.Select(node => FileTenant.From(node.Tenant))],
                snapshot.DisruptionsAllowed,
                [.. snapshot.Workloads.Select(FileWorkload.From)]),
            Options);
    }

    /// <exception cref="JsonException">The text is not such a file.</exception>
    public static VictimCase Read(string text)
    {
        var file = JsonSerializer.Deserialize<FileCase>(text, Options) ?? throw new JsonException("the file holds nothing");
        var builder = new ClusterSnapshotBuilder { Now = file.Now, Generation = 1 }
            .Add(file.Nodes.Select(node => node.Make()))
            .Add(file.Workloads.Select(workload => workload.Make()))
            .With(Make.Tree(file.Tenants.Select(tenant => tenant.Make())));
        foreach (var (name, allowed) in file.DisruptionsAllowed ?? ImmutableSortedDictionary<string, int>.Empty)
        {
            builder.WithBudget(name, allowed);
        }

        return new VictimCase(
            file.Name, builder.Build(), SchedulingPolicy.Default with { RestartCost = TimeSpan.FromSeconds(file.RestartCostSeconds) },
            new WorkloadId(file.Beneficiary));
    }

    private sealed record FileCase(
        string Name, string Beneficiary, DateTimeOffset Now, long RestartCostSeconds, ImmutableArray<FileNode> Nodes,
        ImmutableArray<FileTenant> Tenants, ImmutableSortedDictionary<string, int>? DisruptionsAllowed,
        ImmutableArray<FileWorkload> Workloads);

    private sealed record FileNode(
        string Name, int Gpus, string Flavor, int[]? Quarantined, long MilliCpu, long MemoryBytes, int MaxPods,
        ImmutableSortedDictionary<string, string>? Labels)
    {
        public static FileNode From(Node node) =>
            node.Taints.IsEmpty && node.MigCapacities.IsEmpty && node.Scalars.IsEmpty && node.IsSchedulable
            ? new(
                node.Name.Value, node.Devices.Length, node.Flavor.Value,
                node.Devices.All(device => device.Health == DeviceHealth.Healthy)
                    ? null
                    : [.. node.Devices.Where(device => device.Health != DeviceHealth.Healthy).Select(device => device.Index)],
                node.Allocatable.MilliCpu, node.Allocatable.MemoryBytes, node.MaxPods, node.Labels)
            : throw new NotSupportedException($"node {node.Name} has more than this file can hold");

        public Node Make() => Clusters.Make.Node(
            Name, Gpus, Flavor, MilliCpu, MemoryBytes >> 30, MaxPods, Quarantined,
            labels: [.. (Labels ?? Core.Model.Node.NoLabels).Select(pair => (pair.Key, pair.Value))]);
    }

    private sealed record FileTenant(string Id, string? Parent, string[]? Namespaces, int? Weight, bool SharesDevices, FileQuota[] Quotas)
    {
        public static FileTenant From(Tenant tenant) => new(
            tenant.Id.Value, tenant.Parent?.Value, tenant.Namespaces.IsEmpty ? null : [.. tenant.Namespaces], tenant.Weight,
            tenant.SharesDevices,
            [.. tenant.Quotas.Select(quota => new FileQuota(
                quota.Flavor.Value, quota.GuaranteedMilliGpu, quota.BurstMilliGpu, quota.LendingLimitMilliGpu))]);

        public Tenant Make() => new()
        {
            Id = new TenantId(Id),
            Parent = Parent is null ? null : new TenantId(Parent),
            Namespaces = [.. Namespaces ?? []],
            Weight = Weight,
            SharesDevices = SharesDevices,
            Quotas = [.. Quotas.Select(quota => new FlavorQuota
            {
                Flavor = new FlavorId(quota.Flavor),
                GuaranteedMilliGpu = quota.GuaranteedMilliGpu,
                BurstMilliGpu = quota.BurstMilliGpu,
                LendingLimitMilliGpu = quota.LendingLimitMilliGpu,
            })],
        };
    }

    private sealed record FileQuota(string Flavor, long GuaranteedMilliGpu, long? BurstMilliGpu, long? LendingLimitMilliGpu);

    private sealed record FileWorkload(
        string Id, string? Tenant, int Priority, int MinMember, bool IsGang, bool NotPreemptible, DateTimeOffset SubmittedAt,
        DateTimeOffset? StartedAt, DateTimeOffset? CheckpointedAt, long GraceSeconds, string? Budget, ImmutableArray<FilePod> Pods)
    {
        public static FileWorkload From(Workload workload) => new(
            workload.Id.Value, workload.Tenant?.Value, workload.Priority, workload.MinMember, workload.IsGang, !workload.IsPreemptible,
            workload.SubmittedAt, workload.StartedAt, workload.CheckpointedAt, (long)workload.PreemptionGrace.TotalSeconds,
            workload.DisruptionBudget, [.. workload.Pods.Select(FilePod.From)]);

        public Workload Make() => new()
        {
            Id = new WorkloadId(Id),
            Tenant = Tenant is null ? null : new TenantId(Tenant),
            Namespace = Tenant ?? "",
            Name = Id,
            Priority = Priority,
            MinMember = MinMember,
            IsGang = IsGang,
            IsPreemptible = !NotPreemptible,
            SubmittedAt = SubmittedAt,
            StartedAt = StartedAt,
            CheckpointedAt = CheckpointedAt,
            PreemptionGrace = TimeSpan.FromSeconds(GraceSeconds),
            DisruptionBudget = Budget,
            Pods = [.. Pods.Select(pod => pod.Make())],
        };
    }

    private sealed record FilePod(
        string Id, int Gpus, int MilliGpu, long MilliCpu, long MemoryBytes, ImmutableSortedDictionary<string, string>? Selector,
        string? Node, int[]? Devices, bool IsIdle)
    {
        public static FilePod From(Pod pod) =>
            pod.Shape.Gpu.Kind != GpuRequestKind.Mig && pod.State != PodState.Leaving && pod.Notice is null
            ? new(
                pod.Id.Value,
                pod.Shape.Gpu.Kind == GpuRequestKind.Whole ? pod.Shape.Gpu.Count : 0,
                pod.Shape.Gpu.Kind == GpuRequestKind.Fraction ? pod.Shape.Gpu.MilliEach : 0,
                pod.Shape.Requests.MilliCpu, pod.Shape.Requests.MemoryBytes,
                pod.Shape.NodeSelector.IsEmpty ? null : pod.Shape.NodeSelector.ToImmutableSortedDictionary(),
                pod.Placement?.Node.Value, pod.Placement is { } at ? [.. at.Devices] : null, pod.IsIdle)
            : throw new NotSupportedException($"pod {pod.Id} has more than this file can hold");

        public Pod Make() => new()
        {
            Id = new PodId(Id),
            Name = Id,
            Shape = PodShape.Create(
                new ResourceVector(MilliCpu, MemoryBytes),
                Gpus > 0 ? GpuRequest.Whole(Gpus) : MilliGpu > 0 ? GpuRequest.Fraction(MilliGpu) : GpuRequest.None,
                nodeSelector: Selector),
            State = Node is null ? PodState.Pending : PodState.Placed,
            Placement = Node is null ? null : new PodPlacement(new NodeName(Node), [.. Devices ?? []]),
            IsIdle = IsIdle,
        };
    }
}
