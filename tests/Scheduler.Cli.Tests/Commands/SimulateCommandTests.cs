using System.Text;
using System.Text.Json;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Tests.Support;
using Scheduler.TestKit;

namespace Scheduler.Cli.Tests.Commands;

public sealed class SimulateCommandTests
{
    private static readonly string Example = Path.Combine(Repository.Root, "sim", "examples", "faults.yaml");

    [Fact]
    public async Task Each_tenant_has_a_row_and_the_same_seed_gives_the_same_JSON()
    {
        var table = await WeirRun.Of("simulate", Example);
        var first = await WeirRun.Of("simulate", Example, "--seed", "7", "--output", "json");
        var second = await WeirRun.Of("simulate", Example, "--seed", "7", "--output", "json");

        Assert.Equal((0, ""), (table.ExitCode, table.Error));
        Assert.Contains("\nlab ", table.Out, StringComparison.Ordinal);
        Assert.Contains("\nguests ", table.Out, StringComparison.Ordinal);
        Assert.Equal(0, first.ExitCode);
        Assert.Equal(first.Out, second.Out);
        var report = JsonDocument.Parse(first.Out).RootElement;
        Assert.Equal(7, report.GetProperty("seed").GetInt32());
        Assert.Equal("lab", report.GetProperty("results")[0].GetProperty("tenants")[1].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Mistakes_of_a_scenario_are_told_in_one_line_each()
    {
        using var folder = new TestFolder();
        var run = await WeirRun.Of("simulate", folder.Write("empty.yaml", "apiVersion: weir.scheduler/v1\nkind: Scenario\nspec: {}\n"));

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(2, run.ErrorLines.Length);
        Assert.All(run.ErrorLines, line => Assert.StartsWith("weir: ", line, StringComparison.Ordinal));
        Assert.Contains("scenario.cluster: is missing", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_is_written_as_one_page_and_leaves_the_JSON_as_it_was()
    {
        using var folder = new TestFolder();
        var file = folder.Write("report.html", "an older one, longer or not");
        var plain = await WeirRun.Of("simulate", Example, "--output", "json");
        var run = await WeirRun.Of("simulate", Example, "--report", file, "--output", "json");
        var table = await WeirRun.Of("simulate", Example, "--report", file);

        Assert.Equal((0, plain.Out), (run.ExitCode, run.Out));
        Assert.EndsWith($"Report: {file}", table.Out.TrimEnd(), StringComparison.Ordinal);
        var page = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        Assert.StartsWith("<!DOCTYPE html>", page, StringComparison.Ordinal);
        Assert.EndsWith("</html>\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_that_cannot_be_written_is_one_error_before_anything_is_simulated()
    {
        using var folder = new TestFolder();
        var isFolder = await WeirRun.Of("simulate", Example, "--report", Path.GetDirectoryName(folder.Write("x", ""))!);
        var isNowhere = await WeirRun.Of("simulate", Example, "--report", Path.Combine(Path.GetDirectoryName(folder.Write("y", ""))!, "no", "report.html"));

        Assert.Equal((1, ""), (isFolder.ExitCode, isFolder.Out));
        Assert.Contains("is a folder; name a file", isFolder.SingleError, StringComparison.Ordinal);
        Assert.Equal((1, ""), (isNowhere.ExitCode, isNowhere.Out));
        Assert.Contains("there is no such folder", isNowhere.SingleError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_without_a_name_and_output_that_cannot_be_written_are_one_error_each()
    {
        var nameless = await WeirRun.Of("simulate", Example, "--report", "");
        using var error = new StringWriter();
        var full = await WeirCommand.RunAsync(["simulate", Example], new Terminal { Out = new FullDisk(), Error = error }, stop: TestContext.Current.CancellationToken);

        Assert.Equal((1, "weir: --report: names no file; write its path"), (nameless.ExitCode, nameless.SingleError));
        Assert.Equal(1, full);
        Assert.Equal("weir: standard output cannot be written: No space left on device; make room, or write elsewhere", error.ToString().TrimEnd());
    }

    [Fact]
    public async Task Cycles_as_far_apart_as_asked_for_let_jobs_wait_longer()
    {
        var usual = await WeirRun.Of("simulate", Example, "--output", "json");
        var coarse = await WeirRun.Of("simulate", Example, "--cycle-interval", "30m", "--output", "json");

        Assert.Equal((0, ""), (coarse.ExitCode, coarse.Error));
        Assert.True(Cycles(coarse) > 0 && Cycles(coarse) < Cycles(usual) / 2, $"{Cycles(coarse)} cycles instead of {Cycles(usual)}");

        static long Cycles(WeirRun run) => JsonDocument.Parse(run.Out).RootElement.GetProperty("results")[0].GetProperty("cycles").GetInt64();
    }

    /// <summary>Takes nothing, as a full disk.</summary>
    private sealed class FullDisk : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => throw new IOException("No space left on device");
    }

    [Fact]
    public async Task Baselines_are_checked_for_what_any_scheduler_keeps_and_not_for_limits_and_reasons_that_they_know_nothing_of()
    {
        var run = await WeirRun.Of("simulate", Example, "--policy", "fifo,drf", "--check");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Jobs_of_a_scenario_come_to_an_exported_cluster_and_what_the_cluster_brings_itself_is_refused()
    {
        using var folder = new TestFolder();
        var cluster = folder.Write("cluster.yaml", """
            apiVersion: weir.scheduler/v1
            kind: Tenant
            metadata: {name: lab}
            spec: {namespaces: [lab], quotas: [{flavor: "*", guaranteed: 4}]}
            ---
            apiVersion: weir.scheduler/v1
            kind: ClusterExport
            metadata: {name: small}
            spec:
              takenAt: "2026-01-31T12:00:00Z"
              nodes: [{name: a, gpus: 4, cpu: 64, memory: 512Gi}]
              shapes: [{name: s1, gpus: 2}]
              workloads: [{name: runs, namespace: lab, submitted: "2026-01-31T10:00:00Z", declared: 3h, pods: [{name: runs, shape: s1, node: a, gpus: [0, 1]}]}]
            """);
        const string Coming = """
            apiVersion: weir.scheduler/v1
            kind: Scenario
            metadata: {name: more}
            spec:
              workloads:
              - {name: more, tenant: lab, arrivals: {pattern: regular, every: 1h}, duration: 30m, shapes: [{gpus: 1}]}
            """;
        var coming = folder.Write("coming.yaml", Coming);
        var own = folder.Write("own.yaml", Coming + "\n  cluster: [{name: b, gpus: 8}]\n");

        var run = await WeirRun.Of("simulate", coming, "--from-cluster", cluster, "--for", "10h", "--output", "json", "--check");
        var refused = await WeirRun.Of("simulate", own, "--from-cluster", cluster);
        var swapped = await WeirRun.Of("simulate", "--from-cluster", coming);
        var alone = await WeirRun.Of("simulate");
        var without = await WeirRun.Of("simulate", coming, "--arrivals", "history");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using var json = JsonDocument.Parse(run.Out);
        Assert.Equal(11, json.RootElement.GetProperty("results")[0].GetProperty("jobs").GetProperty("submitted").GetInt32());
        Assert.Contains("own.yaml:7: scenario.cluster: stands beside --from-cluster", refused.SingleError, StringComparison.Ordinal);
        Assert.Contains("is a scenario, not an exported cluster; write weir simulate SCENARIO --from-cluster", swapped.SingleError, StringComparison.Ordinal);
        Assert.Equal((2, 2), (alone.ExitCode, without.ExitCode));
        Assert.Contains("name a SCENARIO, or go on from a cluster", alone.SingleError, StringComparison.Ordinal);
        Assert.Contains("--arrivals goes with --from-cluster only", without.SingleError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_that_there_is_not_is_refused()
    {
        var run = await WeirRun.Of("simulate", Example, "--policy", "wier");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("did you mean 'weir'?", run.SingleError, StringComparison.Ordinal);
    }
}
