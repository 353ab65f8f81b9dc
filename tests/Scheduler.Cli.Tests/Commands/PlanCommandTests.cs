using System.Text.Json;
using System.Xml.Linq;
using Scheduler.Cli.Tests.Support;

namespace Scheduler.Cli.Tests.Commands;

public sealed class PlanCommandTests : IDisposable
{
    private const string Scenario = """
        apiVersion: weir.scheduler/v1
        kind: Scenario
        metadata: {name: small}
        spec:
          horizon: 8h
          cluster:
          - {name: h100, count: 2, gpus: 8}
          workloads:
          - {name: query, tenant: search, arrivals: {pattern: poisson, perHour: 6}, duration: {distribution: exponential, mean: 1h}, shapes: [{gpus: 4}]}
        ---
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: search}
        spec: {namespaces: [search], quotas: [{flavor: "*", guaranteed: 8, burst: 80}]}
        ---
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: idle}
        spec: {namespaces: [idle], quotas: [{flavor: "*", guaranteed: 0, burst: 8}]}
        """;

    private const string Goal = "p95 wait of tenant search < 30m";

    private readonly TestFolder _folder = new();
    private readonly string _file;

    public PlanCommandTests() => _file = _folder.Write("scenario.yaml", Scenario);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_cheapest_setting_that_is_enough_is_said_in_a_sentence_below_the_frontier()
    {
        var run = await WeirRun.Of("plan", _file, "--goal", Goal, "--knob", "nodes.h100=1..10", "--seeds", "4");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("nodes.h100  GPUS  p95 wait of tenant search < 30m  VERDICT", run.Out, StringComparison.Ordinal);
        Assert.Contains("Found by bisection", run.Out, StringComparison.Ordinal);
        Assert.Contains(" nodes of group h100 are enough: p95 wait of tenant search ", run.Out, StringComparison.Ordinal);
        Assert.Contains(" over 4 seeds; ", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_input_gives_the_same_JSON_and_a_plot_that_is_well_formed()
    {
        var plot = Path.Combine(Path.GetDirectoryName(_file)!, "frontier.svg");
        string[] args = ["plan", _file, "--goal", "p95 wait of tenant search < 8h", "--goal", "utilisation > 10%", "--knob", "nodes.h100=4..8:2", "--seeds", "6", "--seed", "7", "--output", "json", "--plot", plot];
        var first = await WeirRun.Of(args);
        var firstPlot = await File.ReadAllTextAsync(plot, TestContext.Current.CancellationToken);
        var second = await WeirRun.Of(args);

        Assert.Equal((0, ""), (first.ExitCode, first.Error));
        Assert.Equal(first.Out, second.Out);
        Assert.Equal(firstPlot, await File.ReadAllTextAsync(plot, TestContext.Current.CancellationToken));
        Assert.Equal("svg", XDocument.Parse(firstPlot).Root!.Name.LocalName);
        var report = JsonDocument.Parse(first.Out).RootElement;
        Assert.Equal((7, "grid", true), (report.GetProperty("firstSeed").GetInt32(), report.GetProperty("search").GetString(), report.GetProperty("isEnough").GetBoolean()));
        Assert.Equal(3, report.GetProperty("settings").GetArrayLength());
        Assert.Equal(6, report.GetProperty("settings")[0].GetProperty("figures")[0].GetProperty("bySeed").GetArrayLength());
    }

    [Fact]
    public async Task That_none_is_enough_has_an_exit_code_of_its_own()
    {
        var run = await WeirRun.Of("plan", _file, "--goal", "utilisation > 99.9%", "--knob", "nodes.h100=8..9", "--seeds", "2");

        Assert.Equal((3, ""), (run.ExitCode, run.Error));
        Assert.Contains("No setting is enough. nodes.h100=8 comes closest", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("p97 wait < 1m", "nodes.h100=1..2", "--goal \"p97 wait < 1m\", column 1: 'p97' begins no goal")]
    [InlineData(Goal, "nodes.h100=2..1", "--knob \"nodes.h100=2..1\", column 12: begins above its end; write 1..2")]
    [InlineData(Goal, "nodes.a100=1..2", "--knob \"nodes.a100=1..2\", column 7: there is no node group 'a100'; did you mean 'h100'?")]
    [InlineData("mean wait of tenant serch < 1m", "nodes.h100=1..2", "column 21: there is no tenant 'serch'; did you mean 'search'?")]
    [InlineData("mean wait of tenant idle < 1m", "nodes.h100=1..2", "no such job is submitted with any of the seeds; give the tenant a workload in the scenario")]
    [InlineData("utilisation > 1%", "nodes.h100=1..101", "there are 101 settings, which with 10 seeds is 1010 runs, and at most 1000 are made")]
    public async Task A_mistake_is_one_line_with_its_place_and_a_remedy(string goal, string knob, string message)
    {
        var run = await WeirRun.Of("plan", _file, "--goal", goal, "--knob", knob);

        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.StartsWith("weir: ", run.SingleError, StringComparison.Ordinal);
        Assert.Contains(message, run.SingleError, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-such.yaml", "there is no such file; check the path")]
    [InlineData("", "\"\": is no file's name; name a file")]
    public async Task A_scenario_that_cannot_be_read_is_bad_input(string file, string message)
    {
        var run = await WeirRun.Of("plan", file, "--goal", Goal, "--knob", "nodes.h100=1..2");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.SingleError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_goal_and_a_knob_are_needed_and_a_plot_has_a_folder()
    {
        Assert.Equal(2, (await WeirRun.Of("plan", _file)).ExitCode);
        var run = await WeirRun.Of("plan", _file, "--goal", Goal, "--knob", "nodes.h100=1..2", "--plot", "/no/such/folder/x.svg");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--plot: there is no folder /no/such/folder; make it first", run.SingleError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_help_has_an_example_and_the_exit_codes()
    {
        var run = await WeirRun.Of("plan", "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("weir plan sim/examples/capacity.yaml --goal", run.Out, StringComparison.Ordinal);
        Assert.Contains("3 if none is", run.Out, StringComparison.Ordinal);
    }
}
