using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Api;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Api;

public class ExportApiTests
{
    /// <summary>What a gRPC client takes unless it is told otherwise.</summary>
    private const int MostBytes = 4 << 20;

    [Fact]
    public void A_large_cluster_comes_in_parts_that_every_client_takes_and_nothing_is_lost()
    {
        var shapes = Enumerable.Range(1, 8).Select(gpus => PodShape.Create(new ResourceVector(1000, 1 << 30), GpuRequest.Whole(gpus))).ToArray();
        var gang = Workload("gang", 25_000, shapes[0]);
        var singles = Enumerable.Range(0, 25_000).Select(index => Workload($"single-{index:00000}", 1, shapes[index % 8]));
        var snapshot = new ClusterSnapshotBuilder { Now = Moment }
            .Add(Enumerable.Range(0, 5000).Select(index => CacheFixture.Node($"node-{index:0000}", 8) with { Labels = ManyLabels(index) }))
            .Add([gang, .. singles]).Build();
        var ended = new EndedWorkload(gang with { Pods = [] }, [(shapes[0], 25_000), (shapes[7], 1)], Moment, WasPreempted: true);

        var parts = ExportApi.Parts(snapshot, new HistoryView(snapshot, Moment, [ended]), SchedulingPolicy.Default).ToList();

        Assert.All(parts, part => Assert.InRange(part.CalculateSize(), 1, MostBytes / 2));
        Assert.InRange(parts.Count, 10, 100);
        Assert.Equal((5000, 25_001, 1), (parts[0].Header.Nodes, parts[0].Header.Workloads, parts[0].Header.History));
        Assert.All(parts.Skip(1), part => Assert.Null(part.Header));
        Assert.Equal(5000, parts.Sum(part => part.Nodes.Count));
        Assert.Equal(8, parts.Sum(part => part.Shapes.Count));
        var workloads = parts.SelectMany(part => part.Workloads).ToList();
        Assert.Equal(50_000, workloads.Sum(workload => workload.Pods.Count));
        Assert.Equal(25_001, workloads.Count(workload => workload.Wishes is not null));
        Assert.Equal([25_000, 1], Assert.Single(parts.SelectMany(part => part.History)).Pods.Select(pods => pods.Count));
    }

    [Fact]
    public void A_shape_comes_before_whatever_names_it()
    {
        var shapes = Enumerable.Range(1, 900).Select(cpu => PodShape.Create(new ResourceVector(cpu, 0), GpuRequest.Fraction(cpu))).ToArray();
        var snapshot = new ClusterSnapshotBuilder { Now = Moment }
            .Add(Enumerable.Range(0, 20_000).Select(index => Workload($"w-{index:00000}", 1, shapes[index % 900]))).Build();

        var known = 0;
        foreach (var part in ExportApi.Parts(snapshot, new HistoryView(snapshot, null, []), SchedulingPolicy.Default))
        {
            known += part.Shapes.Count;
            Assert.All(part.Workloads.SelectMany(workload => workload.Pods), pod => Assert.InRange(pod.Shape, 0, known - 1));
        }

        Assert.Equal(900, known);
    }

    private static DateTimeOffset Moment => new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static ImmutableSortedDictionary<string, string> ManyLabels(int index) =>
        Enumerable.Range(0, 20).ToImmutableSortedDictionary(label => $"example.com/label-{label}", label => $"value-{label}-{index}", StringComparer.Ordinal);

    private static Workload Workload(string name, int pods, PodShape shape) => new()
    {
        Id = new WorkloadId($"ns/podgroup/{name}"),
        Tenant = null,
        Namespace = "ns",
        Name = name,
        IsGang = true,
        MinMember = pods,
        SubmittedAt = Moment,
        Pods = [.. Enumerable.Range(0, pods).Select(index => new Pod
        {
            Id = new PodId($"{name}-{index:00000}"),
            Name = $"{name}-{index:00000}",
            Shape = shape,
            State = PodState.Placed,
            Placement = new PodPlacement(new NodeName($"node-{index:00000}"), [0, 1, 2, 3]),
        })],
    };
}
