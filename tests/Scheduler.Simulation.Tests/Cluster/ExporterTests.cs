using System.Net;
using System.Text.RegularExpressions;
using Scheduler.SimulatedCluster;
using Scheduler.SimulatedCluster.Exporters;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

/// <summary>The metrics of the simulated nodes: names, labels and types as dcgm-exporter writes them, values from what runs.</summary>
public partial class ExporterTests
{
    [Fact]
    public async Task Every_node_with_GPUs_has_an_exporter_pod_that_leads_to_its_metrics()
    {
        await using var cluster = await StartAsync();
        var pods = await RunningExportersAsync(cluster);
        Assert.Equal(["nvidia-dcgm-exporter-n1", "nvidia-dcgm-exporter-n2"], pods.Select(pod => pod["metadata"]!["name"]!.ToString()).Order());
        foreach (var pod in pods)
        {
            var annotations = pod["metadata"]!["annotations"]!;
            Assert.Equal("127.0.0.1", pod["status"]!["podIP"]!.ToString());
            var page = await cluster.Http.GetStringAsync(
                new Uri($"http://127.0.0.1:{annotations["prometheus.io/port"]}{annotations["prometheus.io/path"]}"), TestCluster.Ct);
            Assert.Contains($"Hostname=\"{pod["spec"]!["nodeName"]}\"", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_cluster_has_none_unless_it_is_asked_for()
    {
        await using var cluster = await TestCluster.StartAsync();
        Assert.DoesNotContain(cluster.Cluster.List("v1", "Pod"), pod => pod["metadata"]!["namespace"]!.ToString() == SimulatedExporters.Namespace);
    }

    [Fact]
    public async Task Series_have_the_labels_of_the_exporter_in_its_order_and_an_idle_device_has_no_pod()
    {
        await using var cluster = await StartAsync();
        var line = (await LinesAsync(cluster, "n1")).First(line => line.StartsWith("DCGM_FI_DEV_XID_ERRORS{", StringComparison.Ordinal));
        Assert.Equal(
            ["gpu", "UUID", "pci_bus_id", "device", "modelName", "Hostname", "DCGM_FI_DRIVER_VERSION", "container", "namespace", "pod", "err_code", "err_msg"],
            LabelName().Matches(line).Select(match => match.Groups[1].Value));
        Assert.Contains("namespace=\"\",pod=\"\",err_code=\"0\",err_msg=\"No Error\"} 0", line, StringComparison.Ordinal);
        var page = string.Join('\n', await LinesAsync(cluster, "n1"));
        Assert.Contains("# TYPE DCGM_FI_DEV_GPU_UTIL gauge", page, StringComparison.Ordinal);
        Assert.Contains("# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter", page, StringComparison.Ordinal);
        Assert.Equal(8, (await LinesAsync(cluster, "n1")).Count(line => line.StartsWith("DCGM_FI_DEV_GPU_TEMP{", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_running_pod_is_on_the_devices_that_the_scheduler_named_and_as_busy_as_it_says()
    {
        await using var cluster = await StartAsync();
        cluster.Cluster.Create(TestCluster.Yaml("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: default, annotations: {weir.scheduler/gpu-devices: "2,5", simulation.weir.scheduler/gpu-utilisation: "0.25"}}
            spec: {nodeName: n1, containers: [{name: train, image: i, resources: {limits: {nvidia.com/gpu: 2}, requests: {nvidia.com/gpu: 2}}}]}
            """));
        await UntilAsync(async () => (await LinesAsync(cluster, "n1")).Any(line => line.Contains("pod=\"p\"", StringComparison.Ordinal)));
        var held = (await LinesAsync(cluster, "n1")).Where(line => line.StartsWith("DCGM_FI_DEV_GPU_UTIL{", StringComparison.Ordinal) && line.Contains("pod=\"p\"", StringComparison.Ordinal)).ToList();
        Assert.Equal(["2", "5"], held.Select(line => LabelName().Matches(line)[0].Groups[2].Value));
        Assert.All(held, line => Assert.EndsWith("} 25", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Faults_show_until_they_are_healed()
    {
        await using var cluster = await StartAsync();
        cluster.Cluster.Faults.Xid("n1", 3, 79);
        cluster.Cluster.Faults.Hot("n1", 3, 97);
        cluster.Cluster.Faults.Remap("n1", 4);
        var page = await LinesAsync(cluster, "n1");
        Assert.EndsWith("err_code=\"79\",err_msg=\"Unknown Error\"} 79", Of(page, "DCGM_FI_DEV_XID_ERRORS", 3), StringComparison.Ordinal);
        Assert.EndsWith("} 97", Of(page, "DCGM_FI_DEV_GPU_TEMP", 3), StringComparison.Ordinal);
        Assert.EndsWith("} 1", Of(page, "DCGM_FI_DEV_ROW_REMAP_FAILURE", 4), StringComparison.Ordinal);
        Assert.EndsWith("} 0", Of(page, "DCGM_FI_DEV_ROW_REMAP_FAILURE", 3), StringComparison.Ordinal);

        cluster.Cluster.Faults.Silence("n1");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await cluster.Http.GetAsync("exporters/n1/metrics", TestCluster.Ct)).StatusCode);
        await LinesAsync(cluster, "n2");
        cluster.Cluster.Faults.Heal("n1", null);
        Assert.EndsWith("} 0", Of(await LinesAsync(cluster, "n1"), "DCGM_FI_DEV_XID_ERRORS", 3), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MIG_instances_share_their_device_and_have_no_utilisation()
    {
        await using var cluster = await TestCluster.StartAsync(options =>
        {
            options.ServesGpuMetrics = true;
            options.Nodes = [new SimulatedNode { Name = "n1", MigProfiles = new Dictionary<string, int> { ["3g.20gb"] = 3 } }];
        });
        var page = await LinesAsync(cluster, "n1");
        var instances = page.Where(line => line.StartsWith("DCGM_FI_PROF_GR_ENGINE_ACTIVE{", StringComparison.Ordinal))
            .Select(line => LabelName().Matches(line).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value)).ToList();
        // Two of three slices each fit into the seven of a device.
        Assert.Equal([("0", "1"), ("0", "2"), ("1", "1")], instances.Select(labels => (labels["gpu"], labels["GPU_I_ID"])));
        Assert.All(instances, labels => Assert.Equal("3g.20gb", labels["GPU_I_PROFILE"]));
        Assert.DoesNotContain(page, line => line.StartsWith("DCGM_FI_DEV_GPU_UTIL{", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0.5", 1000, 0.5)]
    [InlineData("0.9:10m,0.1:5m", 599, 0.9)]
    [InlineData("0.9:10m,0.1:5m", 600, 0.1)]
    [InlineData("0.9:10m,0.1:5m", 901, 0.9)]
    [InlineData("0.9:10m,0", 100_000, 0)]
    public void A_profile_goes_through_its_levels(string text, int seconds, double level)
    {
        Assert.True(UtilisationProfile.TryParse(text, out var profile));
        Assert.Equal(level, profile.At(TimeSpan.FromSeconds(seconds)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("-0.1")]
    [InlineData("0.5:0s")]
    [InlineData("0.5:x")]
    [InlineData("0.5,,0.5")]
    public void Other_texts_are_no_profile(string text) => Assert.False(UtilisationProfile.TryParse(text, out _));

    [GeneratedRegex("""[{,]([A-Za-z_]+)="([^"]*)""")]
    private static partial Regex LabelName();

    private static Task<TestCluster> StartAsync() => TestCluster.StartAsync(options => options.ServesGpuMetrics = true);

    private static string Of(string[] page, string series, int device) =>
        Assert.Single(page, line => line.StartsWith($"{series}{{gpu=\"{device}\"", StringComparison.Ordinal));

    private static async Task<string[]> LinesAsync(TestCluster cluster, string node) =>
        (await cluster.Http.GetStringAsync($"exporters/{node}/metrics", TestCluster.Ct)).Split('\n');

    private static async Task<IReadOnlyList<System.Text.Json.Nodes.JsonObject>> RunningExportersAsync(TestCluster cluster)
    {
        IReadOnlyList<System.Text.Json.Nodes.JsonObject> pods = [];
        await UntilAsync(() =>
        {
            pods = cluster.Cluster.List("v1", "Pod", SimulatedExporters.Namespace);
            return Task.FromResult(pods.Count == 2 && pods.All(pod => pod["status"]!["phase"]!.ToString() == "Running"));
        });
        return pods;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestCluster.Ct);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await condition())
            await timer.WaitForNextTickAsync(limit.Token);
    }
}
