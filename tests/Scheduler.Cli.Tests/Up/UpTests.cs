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
    public async Task A_GPU_that_is_broken_by_a_typed_command_is_listed_in_quarantine_and_an_operator_has_the_last_word()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var output = new ExpectingWriter("It ends with Ctrl-C.");
        await using var error = new StringWriter();
        var terminal = new Terminal { Out = output, Error = TextWriter.Synchronized(error), OpenIn = () => new StringReader("melt h100-0 3\nremap h100-0 3\n") };
        var up = WeirCommand.RunAsync(["up", "--inject", "-", "--port", "0", "--api-port", "0"], terminal, stop: stop.Token);
        await await Task.WhenAny(output.Seen, up);
        var address = AddressInHeader().Match(output.ToString()).Groups[1].Value;

        var gpu = await UntilGpuAsync(address, 3, health => health == "quarantined");
        Assert.Equal("a memory row could not be remapped", gpu.GetProperty("reason").GetString());
        var table = await WeirRun.Of("gpus", "--node", "h100-0", "--address", address);
        Assert.StartsWith("NODE    GPU  MODEL", table.Out, StringComparison.Ordinal);
        Assert.Contains("quarantined: a memory row could not be remapped", table.Out, StringComparison.Ordinal);

        var released = await WeirRun.Of("gpus", "release", "h100-0", "3", "--address", address);
        Assert.Equal("GPU 3 of h100-0 is released.", released.Out.Trim());
        await UntilGpuAsync(address, 3, health => health == "probation");
        var taken = await WeirRun.Of("gpus", "quarantine", "h100-0", "4", "--reason", "fan broken", "--address", address);
        Assert.Equal((0, "GPU 4 of h100-0 is in quarantine."), (taken.ExitCode, taken.Out.Trim()));
        Assert.Equal("fan broken", (await UntilGpuAsync(address, 4, health => health == "quarantined")).GetProperty("reason").GetString());

        Assert.Contains("no GPU 9", (await WeirRun.Of("gpus", "release", "h100-0", "9", "--address", address)).SingleError, StringComparison.Ordinal);
        Assert.Contains("no node 'x'", (await WeirRun.Of("gpus", "--node", "x", "--address", address)).SingleError, StringComparison.Ordinal);
        var bad = await WeirRun.Of("gpus", "release", "h100-0", "three");
        Assert.Equal(2, bad.ExitCode);
        Assert.Contains("see weir gpus release --help", bad.SingleError, StringComparison.Ordinal);
        await stop.CancelAsync();
        Assert.Equal(0, await up);
        Assert.Contains("weir: 'melt h100-0 3' is none of xid NODE GPU CODE", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_that_cannot_be_injected_is_refused_before_anything_starts()
    {
        var run = await WeirRun.Of("up", "--for", "1s", "--inject", "1s melt h100-0", "--inject", "1s silent nowhere");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal(2, run.ErrorLines.Length);
        Assert.Contains("--inject: '1s melt h100-0' is none of", run.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("--inject: there is no node 'nowhere'", run.ErrorLines[1], StringComparison.Ordinal);
    }

    private static async Task<JsonElement> UntilGpuAsync(string address, int device, Func<string, bool> isAsWanted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            var run = await WeirRun.Of("gpus", "--node", "h100-0", "--address", address, "--output", "json");
            Assert.Equal("", run.Error);
            using var json = JsonDocument.Parse(run.Out);
            var gpu = json.RootElement.GetProperty("gpus").EnumerateArray().FirstOrDefault(gpu => gpu.GetProperty("device").GetInt32() == device);
            if (gpu.ValueKind == JsonValueKind.Object && isAsWanted(gpu.GetProperty("health").GetString()!))
            {
                return gpu.Clone();
            }

            await timer.WaitForNextTickAsync(limit.Token);
        }
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
