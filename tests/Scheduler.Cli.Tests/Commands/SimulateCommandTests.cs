using System.Text.Json;
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
    public async Task A_policy_that_there_is_not_is_refused()
    {
        var run = await WeirRun.Of("simulate", Example, "--policy", "wier");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("did you mean 'weir'?", run.SingleError, StringComparison.Ordinal);
    }
}
