using Scheduler.SimulatedCluster;
using Scheduler.SimulatedCluster.Json;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

public sealed class CatalogueTests
{
    [Fact]
    public void Groups_of_nodes_are_read_with_their_devices()
    {
        var nodes = NodeCatalogue.ParseYaml(
            """
            nodes:
            - {namePrefix: a100-, count: 2, cpu: 96, memory: 1Ti, gpus: 8, gpuModel: NVIDIA-A100-SXM4-80GB, labels: {zone: a}}
            - {name: mig, cpu: 500m, mig: {1g.5gb: 7}, taints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]}
            """,
            "nodes.yaml");
        Assert.Equal(["a100-0", "a100-1", "mig"], nodes.Select(n => n.Name));
        Assert.Equal(96_000, nodes[0].CpuMillis);
        Assert.Equal(1L << 40, nodes[0].MemoryBytes);
        Assert.Equal(500, nodes[2].CpuMillis);
        Assert.Equal(7, nodes[2].MigProfiles["1g.5gb"]);
        Assert.Equal(new SimulatedTaint("nvidia.com/gpu", "present", "NoSchedule"), nodes[2].Taints.Single());
    }

    [Fact]
    public void Every_error_is_reported_at_once_with_its_place()
    {
        var e = Assert.Throws<CatalogueException>(() => NodeCatalogue.ParseYaml(
            """
            color: red
            nodes:
            - {namePrefix: a, gpu: 8}
            - {cpu: lots, count: 0, taints: [{key: a, effect: Never}]}
            """,
            "nodes.yaml"));
        Assert.Equal(6, e.Errors.Count);
        Assert.Contains("nodes.yaml: color: unknown field", e.Errors);
        Assert.Contains(e.Errors, x => x.StartsWith("nodes.yaml: nodes[0].gpu: unknown field", StringComparison.Ordinal));
        Assert.Contains("nodes.yaml: nodes[1]: needs either name or namePrefix", e.Errors);
        Assert.Contains(e.Errors, x => x.StartsWith("nodes.yaml: nodes[1].cpu: must be a quantity", StringComparison.Ordinal));
        Assert.Contains(e.Errors, x => x.StartsWith("nodes.yaml: nodes[1].count: must be an integer", StringComparison.Ordinal));
        Assert.Contains(e.Errors, x => x.StartsWith("nodes.yaml: nodes[1].taints[0].effect: must be one of", StringComparison.Ordinal));
    }

    [Fact]
    public void The_openb_list_is_read_and_its_errors_name_their_lines()
    {
        const string Csv = "sn,cpu_milli,memory_mib,gpu,model\nnode-0,64000,262144,2,P100\nnode-1,96000,393216,0,\n";
        var nodes = NodeCatalogue.ParseOpenb(Csv, "nodes.csv");
        Assert.Equal(2, nodes[0].Gpus);
        Assert.Equal(262144L << 20, nodes[0].MemoryBytes);
        Assert.Null(nodes[1].GpuModel);
        var e = Assert.Throws<CatalogueException>(() => NodeCatalogue.ParseOpenb(Csv + "node-1,x,1,1,T4\nshort,1\n", "nodes.csv"));
        Assert.Equal(["nodes.csv:4: cpu_milli: \"x\" is no integer from 1 to 9223372036854775", "nodes.csv:5: has 2 columns instead of 5"], e.Errors);
    }

    [Fact]
    public async Task A_node_object_tells_its_devices_in_labels_and_resources()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.Nodes = NodeCatalogue.ParseYaml("nodes: [{name: m, gpus: 4, gpuModel: T4, mig: {1g.5gb: 7}}]", "x"));
        var node = await cluster.GetAsync("/api/v1/nodes/m");
        Assert.Equal("4", node.StringAt("status", "allocatable", "nvidia.com/gpu"));
        Assert.Equal("7", node.StringAt("status", "allocatable", "nvidia.com/mig-1g.5gb"));
        Assert.Equal("T4", node.StringAt("metadata", "labels", "nvidia.com/gpu.product"));
        Assert.Equal("15360", node.StringAt("metadata", "labels", "nvidia.com/gpu.memory"));
        Assert.Equal("True", node.ObjectsAt("status", "conditions").Single(c => c.StringAt("type") == "Ready").StringAt("status"));
    }

    [Theory]
    [InlineData("100m", 0.1)]
    [InlineData("16Gi", 17179869184)]
    [InlineData("1e3", 1000)]
    [InlineData("2.5k", 2500)]
    [InlineData("-1", -1)]
    [InlineData("5E", 5e18)]
    public void Quantities_are_numbers(string text, double expected)
    {
        Assert.True(Quantity.TryParse(text, out var value));
        Assert.Equal((decimal)expected, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1x")]
    [InlineData("1 Gi")]
    public void Other_texts_are_no_quantities(string text) => Assert.False(Quantity.TryParse(text, out _));

    [Theory]
    [InlineData("30s", 30)]
    [InlineData("4h", 14400)]
    [InlineData("1h30m", 5400)]
    [InlineData("1.5s", 1.5)]
    public void Durations_are_read_as_Go_writes_them(string text, double seconds)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData("30")]
    [InlineData("h")]
    [InlineData("soon")]
    public void Other_texts_are_no_durations(string text) => Assert.False(GoDuration.TryParse(text, out _));
}
