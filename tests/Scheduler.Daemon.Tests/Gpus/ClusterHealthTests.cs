using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Core.Model;
using Scheduler.Daemon.Gpus;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Tests.Support;
using Scheduler.Telemetry.Devices;
using Scheduler.Telemetry.Exposition;
using Scheduler.Telemetry.Health;

namespace Scheduler.Daemon.Tests.Gpus;

public sealed class ClusterHealthTests : IAsyncDisposable
{
    private static readonly HealthPolicy Policy = HealthPolicy.Default;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(2);

    private readonly WriterFixture _fixture = new();
    private readonly ExporterBook _exporters = new([]);
    private readonly ClusterHealth _health;

    public ClusterHealthTests()
    {
        _health = NewHealth();
        _health.Nodes.Replace([Record("n0", 2)]);
    }

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task A_silent_exporter_is_seen_and_changes_nothing_else()
    {
        _fixture.Leadership.Lead();
        _health.Observe("n0", await ReadAsync(Device(0), Device(1)));
        _fixture.Time.Advance(Policy.StaleAfter);
        _health.Tick();

        var node = Assert.Single(_health.View());
        Assert.True(node.IsSilent);
        Assert.All(node.Devices, device => Assert.Equal((HealthState.Healthy, null), (device.Health.State, device.Reading)));
        Assert.Equal(2000, Planned("n0").HealthyMilliGpu);
        Assert.Contains("weir_gpu_exporters_silent 1", await MetricsAsync(), StringComparison.Ordinal);
        Assert.Contains($"weir_gpu_scrape_age_seconds {Policy.StaleAfter.TotalSeconds}", await MetricsAsync(), StringComparison.Ordinal);

        _health.Observe("n0", await ReadAsync(Device(0), Device(1)));
        Assert.False(Assert.Single(_health.View()).IsSilent);
    }

    [Fact]
    public void An_exporter_that_never_spoke_is_silent_after_the_same_time()
    {
        var sink = _exporters.NewSink();
        sink.Replace([new ExporterPod("u", new ExporterTarget(new Uri("http://10.0.0.1:9400/metrics"), "n0"))]);
        _health.Tick();
        Assert.False(Assert.Single(_health.View()).IsSilent);
        _fixture.Time.Advance(Policy.StaleAfter);
        _health.Tick();
        Assert.True(Assert.Single(_health.View()).IsSilent);
    }

    [Fact]
    public async Task A_faulty_device_is_no_capacity_from_the_read_on_that_shows_it()
    {
        _health.Observe("n0", await ReadAsync(Device(0), Device(1)));
        _health.Observe("n0", await ReadAsync(Device(0), Device(1, xid: 79)));
        Assert.Equal([DeviceHealth.Healthy, DeviceHealth.Quarantined], Planned("n0").Devices.Select(device => device.Health));
    }

    [Fact]
    public async Task MIG_instances_of_a_faulty_device_are_no_capacity()
    {
        _health.Nodes.Upsert(Record("n0", 0) with { Node = CacheFixture.Node("n0", 0) with { MigCapacities = [new MigCapacity("1g.5gb", 4), new MigCapacity("2g.10gb", 1)] } });
        _health.Observe("n0", await ReadAsync(Mig(0, 1, "1g.5gb"), Mig(0, 2, "1g.5gb"), Mig(1, 1, "1g.5gb"), Mig(1, 2, "1g.5gb"), Mig(1, 3, "2g.10gb")));
        _health.Observe("n0", await ReadAsync(Mig(0, 1, "1g.5gb", 79), Mig(0, 2, "1g.5gb"), Mig(1, 1, "1g.5gb"), Mig(1, 2, "1g.5gb"), Mig(1, 3, "2g.10gb")));
        Assert.Equal([new MigCapacity("1g.5gb", 2), new MigCapacity("2g.10gb", 1)], Planned("n0").MigCapacities);
    }

    [Fact]
    public async Task One_answer_that_speaks_of_several_nodes_is_taken_apart_and_unknown_nodes_are_counted()
    {
        _health.Nodes.Upsert(Record("n1", 1));
        _health.Observe(null, await ReadAsync(Device(0), Device(0, host: "n1"), Device(0, host: "gone")));
        Assert.All(_health.View(), node => Assert.NotNull(node.Devices[0].Reading));
        Assert.Contains("weir_gpu_scrapes_unmatched_total 1", await MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_leader_wrote_counts_for_those_who_stand_by_and_not_against_the_leader_himself()
    {
        _fixture.Leadership.Lead();
        Assert.Null(_health.Quarantine("n0", 1, "fan broken"));
        var change = Assert.Single(_health.Unwritten());
        Assert.Contains("fan broken", change.Text, StringComparison.Ordinal);

        // Somebody takes the annotation away: the leader still knows better, and writes it again.
        _health.Wrote(change);
        Assert.Empty(_health.Unwritten());
        _health.Nodes.Upsert(Record("n0", 2));
        Assert.Equal(change.Text, Assert.Single(_health.Unwritten()).Text);

        await using var other = new WriterFixture();
        var follower = NewHealth(other);
        follower.Nodes.Replace([Record("n0", 2)]);
        follower.Nodes.Upsert(Record("n0", 2, change.Text));
        var device = Assert.Single(follower.View()).Devices[1];
        Assert.Equal((HealthState.Quarantined, "fan broken", true), (device.Health.State, device.Health.Reason, device.Health.IsByOperator));
        Assert.Empty(follower.Unwritten());
        follower.Nodes.Upsert(Record("n0", 2));
        Assert.Equal(HealthState.Healthy, Assert.Single(follower.View()).Devices[1].Health.State);
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("{\"devices\":{\"x\":{}}}")]
    [InlineData("[]")]
    public void An_annotation_that_cannot_be_read_is_left_aside(string text)
    {
        _health.Nodes.Replace([Record("n0", 2), Record("n1", 1, text)]);
        Assert.All(_health.View(), node => Assert.All(node.Devices, device => Assert.Equal(HealthState.Healthy, device.Health.State)));
    }

    [Fact]
    public void A_node_in_quarantine_is_never_planned_with_as_a_healthy_one()
    {
        _fixture.Leadership.Lead();
        Assert.Null(_health.Quarantine("n0", null, "to be repaired"));
        var text = Assert.Single(_health.Unwritten()).Text;
        var seen = new List<bool>();
        _fixture.Cache.Changed += () => seen.AddRange(_fixture.Cache.View().Snapshot.Nodes.Where(node => node.Name.Value == "n9").Select(node => node.IsSchedulable));
        _health.Nodes.Upsert(Record("n9", 2, text));
        Assert.Equal([false], seen);
    }

    [Fact]
    public void Only_the_leader_takes_an_operators_word_and_only_about_what_is_there()
    {
        Assert.Contains("another, which leads", _health.Quarantine("n0", 0, "r"), StringComparison.Ordinal);
        _fixture.Leadership.Lead();
        Assert.Contains("no node 'n7'", _health.Quarantine("n7", 0, "r"), StringComparison.Ordinal);
        Assert.Contains("no GPU 2", _health.Quarantine("n0", 2, "r"), StringComparison.Ordinal);
        Assert.Contains("no GPU -1", _health.Quarantine("n0", -1, "r"), StringComparison.Ordinal);
        Assert.Null(_health.Quarantine("n0", 1, "r"));
    }

    [Fact]
    public void A_node_that_went_away_and_came_back_as_another_begins_anew()
    {
        _fixture.Leadership.Lead();
        Assert.Null(_health.Quarantine("n0", 0, "r"));
        _health.Nodes.Delete(Record("n0", 2));
        _health.Nodes.Upsert(Record("n0", 2) with { Uid = "another" });
        Assert.Equal(2000, Planned("n0").HealthyMilliGpu);
    }

    [Fact]
    public async Task A_pod_whose_GPU_does_nothing_for_the_whole_window_is_idle_to_the_planner_until_it_works_or_is_not_heard()
    {
        _fixture.Cache.Pods.Upsert(Support.Pods.Map($"{Support.Pods.Gpus(1)},\"nodeName\":\"n0\"", [("gpu-devices", "0")], status: "\"phase\":\"Running\""));
        await WorkAsync(activity: 0.01);
        Assert.False(IsIdle("p"));
        _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        await WorkAsync(activity: 0);
        _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        await WorkAsync(activity: 0);
        Assert.True(IsIdle("p"));
        _health.Tick();
        Assert.Contains("weir_tenant_idle_gpus{tenant=\"team\"} 1", await MetricsAsync(), StringComparison.Ordinal);

        await WorkAsync(activity: 0.5);
        Assert.False(IsIdle("p"));
        _health.Tick();
        Assert.Contains("weir_tenant_idle_gpus{tenant=\"team\"} 0", await MetricsAsync(), StringComparison.Ordinal);

        foreach (var _ in Enumerable.Range(0, 3))
        {
            await WorkAsync(activity: 0);
            _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.True(IsIdle("p"));
        _fixture.Time.Advance(Policy.StaleAfter);
        _health.Tick();
        Assert.False(IsIdle("p"));
    }

    [Theory]
    [InlineData(0, 60_000)]
    [InlineData(0, null)]
    [InlineData(null, 100)]
    public async Task One_that_has_a_model_loaded_or_of_which_not_all_is_known_is_not_idle(int? activity, int? usedMebibytes)
    {
        _fixture.Cache.Pods.Upsert(Support.Pods.Map($"{Support.Pods.Gpus(1)},\"nodeName\":\"n0\"", [("gpu-devices", "0")], status: "\"phase\":\"Running\""));
        foreach (var _ in Enumerable.Range(0, 4))
        {
            await WorkAsync(activity, usedMebibytes);
            _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.False(IsIdle("p"));
    }

    private bool IsIdle(string pod) => Assert.Single(_fixture.Cache.View().Snapshot.Workloads.SelectMany(workload => workload.Pods), candidate => candidate.Name == pod).IsIdle;

    private async Task WorkAsync(double? activity, int? usedMebibytes = 100)
    {
        const string Labels = "{gpu=\"0\",UUID=\"GPU-n0-0\",Hostname=\"n0\",namespace=\"ns\",pod=\"p\"}";
        var lines = new List<string> { $"DCGM_FI_DEV_FB_FREE{Labels} 20000" };
        if (activity is { } busy)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"DCGM_FI_PROF_GR_ENGINE_ACTIVE{Labels} {busy}"));
        if (usedMebibytes is { } used)
            lines.Add($"DCGM_FI_DEV_FB_USED{Labels} {used}");
        _health.Observe("n0", await ReadAsync([.. lines]));
    }

    private ClusterHealth NewHealth(WriterFixture? fixture = null)
    {
        fixture ??= _fixture;
        return new ClusterHealth(Policy, new IdleRule { Window = Window }, fixture.Cache, _exporters, fixture.Leadership, fixture.Events, fixture.Metrics, fixture.Time, NullLogger.Instance);
    }

    private Node Planned(string name) => Assert.Single(_fixture.Cache.View().Snapshot.Nodes, node => node.Name.Value == name);

    private static NodeRecord Record(string name, int gpus, string? annotation = null) => new(CacheFixture.Node(name, gpus), $"uid-{name}", annotation);

    private static string Device(int index, int xid = 0, string host = "n0") => string.Create(CultureInfo.InvariantCulture, $$"""
        DCGM_FI_DEV_GPU_TEMP{gpu="{{index}}",UUID="GPU-{{host}}-{{index}}",Hostname="{{host}}"} 40
        DCGM_FI_DEV_XID_ERRORS{gpu="{{index}}",UUID="GPU-{{host}}-{{index}}",Hostname="{{host}}"} {{xid}}
        """);

    private static string Mig(int index, int instance, string profile, int xid = 0) => string.Create(CultureInfo.InvariantCulture,
        $$"""DCGM_FI_DEV_XID_ERRORS{gpu="{{index}}",UUID="GPU-{{index}}",GPU_I_PROFILE="{{profile}}",GPU_I_ID="{{instance}}",Hostname="n0"} {{xid}}""");

    private static async Task<NodeReading> ReadAsync(params string[] lines)
    {
        using var body = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
        return await GpuReader.ReadAsync(body, ExpositionLimits.Default, ReadingLimits.Default, TestContext.Current.CancellationToken);
    }

    private async Task<string> MetricsAsync()
    {
        using var page = new MemoryStream();
        await _fixture.Metrics.Registry.CollectAndExportAsTextAsync(page, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(page.ToArray());
    }
}
