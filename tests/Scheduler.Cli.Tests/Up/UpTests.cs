using System.Text.Json;
using System.Text.RegularExpressions;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Tests.Support;

namespace Scheduler.Cli.Tests.Up;

/// <summary>The whole of it in this process: embedded cluster, daemon, submission, view.</summary>
public sealed partial class UpTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_demo_ends_after_its_time_with_one_JSON_object()
    {
        var run = await WeirRun.Of("up", "--for", "3s", "--output", "json", "--port", "0", "--api-port", "0");

        Assert.Equal("", run.Error);
        Assert.Equal(0, run.ExitCode);
        using var json = JsonDocument.Parse(run.Out);
        var root = json.RootElement;
        Assert.InRange(root.GetProperty("seconds").GetDouble(), 3, 60);
        Assert.Equal(0, root.GetProperty("overcommittedDevices").GetInt32());
        Assert.Equal(0, root.GetProperty("overcommittedNodes").GetInt32());
        Assert.True(root.GetProperty("bound").GetInt32() > 0);
        Assert.True(root.GetProperty("lostGpuHours").GetDecimal() >= 0);
        Assert.All(["running", "pending", "succeeded", "evicted"], name => Assert.True(root.GetProperty(name).GetInt32() >= 0));
        var tenants = root.GetProperty("tenants").EnumerateArray().ToArray();
        Assert.Equal(["language", "search", "vision"], tenants.Select(tenant => tenant.GetProperty("name").GetString()));
        Assert.Equal([16, 8, 9], tenants.Select(tenant => tenant.GetProperty("guaranteed").GetInt32()));
        Assert.Equal([32, 16, 24], tenants.Select(tenant => tenant.GetProperty("limit").GetInt32()));
        Assert.All(tenants, tenant => Assert.True(tenant.GetProperty("used").GetDecimal() <= tenant.GetProperty("limit").GetDecimal()));
        Assert.All(tenants, tenant => Assert.True(tenant.TryGetProperty("pending", out _)));
    }

    [Fact]
    public async Task A_workload_ends_by_itself_when_everything_is_placed_or_waits_with_a_reason()
    {
        var nodes = _folder.Write("nodes.yaml", "nodes: [{name: n1, gpus: 4, gpuModel: A100}]");
        var tenants = _folder.Write("tenants.yaml", """
            apiVersion: weir.scheduler/v1
            kind: Tenant
            metadata: {name: vision}
            spec: {namespaces: [vision], quotas: [{flavor: "*", guaranteed: 2, burst: 2}]}
            """);
        var workload = _folder.Write("workload.yaml", """
            workloads:
            - {name: fits, tenant: vision, pods: 2, gpus: 1}
            - {name: half, tenant: vision, kind: pod, fraction: 0.5, preemptible: true}
            - {name: too-much, tenant: vision, at: 100ms, pods: 2, gpus: 1}
            - {name: nobodys, namespace: elsewhere, kind: pod, gpus: 1}
            """);

        var run = await WeirRun.Of(
            "up", "--nodes", nodes, "--tenants", tenants, "--workload", workload, "--output", "json", "--port", "0", "--api-port", "0");

        Assert.Equal("", run.Error);
        using var json = JsonDocument.Parse(run.Out);
        var root = json.RootElement;
        Assert.Equal(6, root.GetProperty("pods").GetInt32());
        Assert.Equal(3, root.GetProperty("bound").GetInt32());
        Assert.Equal(3, root.GetProperty("pending").GetInt32());
        Assert.True(root.GetProperty("settled").GetBoolean());
        Assert.Equal(0, root.GetProperty("overcommittedDevices").GetInt32());
        Assert.Equal("""{"LimitReached":1,"TenantUnknown":1}""", Compact(root.GetProperty("waitReasons")));
        Assert.Equal(2, root.GetProperty("tenants")[0].GetProperty("pending").GetInt32());
    }

    [Fact]
    public async Task A_cluster_of_more_nodes_than_fit_into_one_page_of_a_list_is_scheduled()
    {
        var nodes = _folder.Write("nodes.yaml", "nodes: [{namePrefix: n-, count: 1200, gpus: 1, gpuModel: T4}]");
        var workload = _folder.Write("workload.yaml", "workloads: [{name: one, tenant: tenant-a, kind: pod, gpus: 1}]");

        var run = await WeirRun.Of("up", "--nodes", nodes, "--workload", workload, "--output", "json", "--port", "0", "--api-port", "0");

        Assert.Equal("", run.Error);
        using var json = JsonDocument.Parse(run.Out);
        Assert.Equal(1, json.RootElement.GetProperty("bound").GetInt32());
    }

    [Fact]
    public async Task In_a_pipe_the_lines_are_plain_and_name_kubectl_places_and_standing()
    {
        var run = await WeirRun.Of("up", "--for", "4s", "--port", "0", "--api-port", "0");

        Assert.Equal("", run.Error);
        Assert.DoesNotContain('\u001b', run.Out);
        Assert.Matches(@"kubectl --server http://127\.0\.0\.1:\d+ get pods -A", run.Out);
        Assert.Matches(@"bound    vision/detector-1-\w+ on a100-\d, devices \d-\d \(tenant vision, guaranteed\)", run.Out);
        Assert.Contains("TENANT    GUARANTEED  LIMIT", run.Out, StringComparison.Ordinal);
        Assert.Contains("over-committed devices: 0.", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Queue_and_tenants_answer_while_it_runs_and_ending_it_is_a_success()
    {
        var workload = _folder.Write("workload.yaml", """
            workloads:
            - {name: never, tenant: search, kind: pod, gpus: 100}
            """);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var output = new ExpectingWriter("waits    search/never");
        await using var error = new StringWriter();
        var up = WeirCommand.RunAsync(
            ["up", "--workload", workload, "--port", "0", "--api-port", "0"], new Terminal { Out = output, Error = error }, stop: stop.Token);
        await await Task.WhenAny(output.Seen, up);
        var address = AddressInHeader().Match(output.ToString()).Groups[1].Value;

        var queue = await WeirRun.Of("queue", "--address", address);
        var empty = await WeirRun.Of("queue", "--address", address, "--tenant", "vision");
        var unknown = await WeirRun.Of("queue", "--address", address, "--tenant", "nobody");
        var queueJson = await WeirRun.Of("queue", "--address", address, "--output", "json");
        var tenants = await WeirRun.Of("tenants", "--address", address);
        await stop.CancelAsync();

        Assert.Equal(0, await up);
        Assert.Equal((0, ""), (queue.ExitCode, queue.Error));
        Assert.StartsWith("PLACE  TENANT  IN TENANT  WORKLOAD", queue.Out, StringComparison.Ordinal);
        Assert.Contains("    1  search          1  search/never     1   100", queue.Out, StringComparison.Ordinal);
        Assert.Equal("Nothing waits.", empty.Out.Trim());
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("nobody", unknown.SingleError, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(queueJson.Out);
        Assert.Equal("search/never", json.RootElement.GetProperty("queue")[0].GetProperty("workload").GetString());
        Assert.Contains("search             8     16     0", tenants.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_live_cluster_is_exported_and_simulated_from_its_file_and_from_itself()
    {
        var workload = _folder.Write("workload.yaml", """
            workloads:
            - {name: short, tenant: vision, kind: pod, gpus: 1, duration: 200ms}
            - {name: long, tenant: vision, kind: pod, gpus: 2}
            - {name: never, tenant: search, kind: pod, at: 3s, gpus: 100}
            """);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var output = new ExpectingWriter("waits    search/never");
        await using var error = new StringWriter();
        var up = WeirCommand.RunAsync(
            ["up", "--workload", workload, "--port", "0", "--api-port", "0"], new Terminal { Out = output, Error = error }, stop: stop.Token);
        await await Task.WhenAny(output.Seen, up);
        var address = AddressInHeader().Match(output.ToString()).Groups[1].Value;
        var file = _folder.Write("cluster.yaml", "");

        var export = await WeirRun.Of("export", file, "--address", address);
        var printed = await WeirRun.Of("export", "--address", address);
        var live = await WeirRun.Of("simulate", "--from-cluster", "--address", address, "--output", "json");
        await stop.CancelAsync();
        Assert.Equal(0, await up);
        var first = await WeirRun.Of("simulate", "--from-cluster", file, "--output", "json", "--assume-duration", "2h", "--check");
        var second = await WeirRun.Of("simulate", "--from-cluster", file, "--output", "json", "--assume-duration", "2h", "--check");

        Assert.Equal((0, ""), (export.ExitCode, export.Error));
        Assert.StartsWith($"{file}: 6 nodes, 3 tenants, 2 workloads; 1 ended in", export.Out, StringComparison.Ordinal);
        Assert.Contains("kind: ClusterExport", printed.Out, StringComparison.Ordinal);
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        Assert.Matches(@"- \{name: short, namespace: vision, .*ended: ", text);
        Assert.Equal(0, live.ExitCode);
        Assert.Contains("never end; --assume-duration", live.Error, StringComparison.Ordinal);
        Assert.Equal((0, first.Out), (first.ExitCode, second.Out));
        var jobs = JsonDocument.Parse(first.Out).RootElement.GetProperty("results")[0].GetProperty("jobs");
        Assert.Equal((2, 1, 1), (jobs.GetProperty("submitted").GetInt32(), jobs.GetProperty("done").GetInt32(), jobs.GetProperty("stillWaiting").GetInt32()));
    }

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);

    [GeneratedRegex(@"weir tenants --address (http://127\.0\.0\.1:\d+)")]
    private static partial Regex AddressInHeader();
}
