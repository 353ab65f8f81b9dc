using System.Text.Json;
using Scheduler.Cli.Tests.Support;

namespace Scheduler.Cli.Tests.Commands;

public sealed class ValidateTests : IDisposable
{
    private const string TwoTenants = """
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: research}
        spec:
          quotas: [{flavor: "*", guaranteed: 10}]
        ---
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: vision}
        spec:
          parent: research
          namespaces: [vision]
          quotas:
          - flavor: "*"
            guaranteed: 8
            burst: 4
        """;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Right_files_end_with_0_and_a_summary_of_the_tree()
    {
        var run = await WeirRun.Of("validate", _folder.Write("tenants.yaml", TwoTenants), _folder.Write("policy.yaml", """
            apiVersion: weir.scheduler/v1
            kind: SchedulingPolicy
            maxShareOfCluster: 0.6
            restartCost: 2m
            fairShareReclaim: false
            reservationsPerTenant: 2
            topologyLevels: [topology.kubernetes.io/zone, example.com/rack]
            burstNodes: {pool: shared}
            scores: {fragmentation: 100, packing: 10, preference: 50}
            """));

        Assert.Equal("", run.Error);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("  vision  *                8     12  vision", run.Out, StringComparison.Ordinal);
        Assert.Contains("2 tenants, 10 GPUs guaranteed. No mistakes.", run.Out, StringComparison.Ordinal);
        Assert.Contains("60 % of the cluster", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("    guaranteed: 8", "    guarantee: 8", 15, "tenant/vision.quotas[0].guarantee: unknown field; did you mean 'guaranteed'?")]
    [InlineData("    guaranteed: 8", "    guaranteed: -8", 15, "tenant/vision.quotas[0].guaranteed: is negative (-8); it must be 0 or more")]
    [InlineData("    guaranteed: 8", "    guaranteed: eight", 15, "tenant/vision.quotas[0].guaranteed: is 'eight'; it must be a number of GPUs")]
    [InlineData("    guaranteed: 8", "    guaranteed: 18", 5, "tenant/research.quotas[0].guaranteed: is 10 GPUs of '*', less than the 18 that its children (vision)")]
    [InlineData("parent: research", "parent: reserch", 11, "tenant/vision.parent: there is no tenant 'reserch'")]
    [InlineData("parent: research\n  namespaces: [vision]", "parent: vision", 11, "tenant/vision.parent: the tenant is above itself")]
    [InlineData("namespaces: [vision]", "namespaces: [vision, vision]", 12, "tenant/vision.namespaces[1]: 'vision' is listed twice")]
    [InlineData("namespaces: [vision]", "namespaces: vision", 12, "tenant/vision.namespaces: must be a list")]
    [InlineData("namespaces: [vision]", "namespaces: [17]", 12, "tenant/vision.namespaces[0]: '17' is not text; put it in quotes")]
    [InlineData("namespaces: [vision]", "namespaces: [vision]\n  weight: 0", 13, "tenant/vision.weight: is '0'; it must be a whole number from 1 to 1000000")]
    [InlineData("namespaces: [vision]", "namespaces: [vision]\n  suspended: \"yes\"", 13, "tenant/vision.suspended: is the text \"yes\"; it must be true or false")]
    [InlineData("metadata: {name: vision}", "metadata: {nam: vision}", 9, "metadata.nam: unknown field; did you mean 'name'?")]
    [InlineData("metadata: {name: vision}", "metadata: {name: vision, name: v}", 9, "is not valid YAML: Duplicate key")]
    [InlineData("kind: Tenant\nmetadata: {name: vision}", "kind: Tennant\nmetadata: {name: vision}", 8, "kind: 'Tennant' does not belong here")]
    [InlineData("v1\nkind: Tenant\nmetadata: {name: vision}", "v2\nkind: Tenant\nmetadata: {name: vision}", 7, "apiVersion: is 'weir.scheduler/v2'; it must be weir.scheduler/v1")]
    public async Task A_mistake_is_one_line_with_its_place_and_remedy(string right, string wrong, int line, string message)
    {
        Assert.Contains(right, TwoTenants, StringComparison.Ordinal);
        var file = _folder.Write("tenants.yaml", TwoTenants.Replace(right, wrong, StringComparison.Ordinal));

        var run = await WeirRun.Of("validate", file);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"weir: {file}:{line}: {message}", run.SingleError, StringComparison.Ordinal);
        Assert.Equal("", run.Out);
    }

    [Fact]
    public async Task Guarantees_over_the_capacity_of_the_nodes_are_refused()
    {
        var nodes = _folder.Write("nodes.yaml", "nodes: [{name: a, gpus: 8, gpuModel: NVIDIA-H100-80GB-HBM3}]");
        var file = _folder.Write("tenants.yaml", TwoTenants);

        var run = await WeirRun.Of("validate", file, "--nodes", nodes);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            $"weir: {file}:5: flavor/*: the guarantees add up to 10 GPUs, but the cluster has 8; lower tenant 'research' or add nodes",
            run.SingleError);
    }

    [Fact]
    public async Task Every_mistake_is_told_at_once_and_in_the_order_of_the_file()
    {
        var file = _folder.Write("tenants.yaml", TwoTenants
            .Replace("parent: research", "parent: nobody\n  colour: red", StringComparison.Ordinal)
            .Replace("guaranteed: 8", "guaranteed: -1", StringComparison.Ordinal)
            .Replace("burst: 4", "burst: many", StringComparison.Ordinal));

        var run = await WeirRun.Of("validate", file);

        Assert.Equal(4, run.ErrorLines.Length);
        Assert.Equal([11, 12, 16, 17], run.ErrorLines.Select(line => int.Parse(line[$"weir: {file}:".Length..].Split(':')[0], null)));
    }

    [Fact]
    public async Task Namespaces_owned_twice_in_two_files_are_found()
    {
        var first = _folder.Write("a.yaml", TwoTenants);
        var second = _folder.Write("b.yaml", """
            apiVersion: weir.scheduler/v1
            kind: Tenant
            metadata: {name: zebra}
            spec: {namespaces: [vision], quotas: [{flavor: "*", guaranteed: 1}]}
            """);

        var run = await WeirRun.Of("validate", first, second);

        Assert.Equal($"weir: {second}:4: tenant/zebra.namespaces[0]: 'vision' belongs to tenant 'vision' already; a namespace has one tenant", run.SingleError);
    }

    [Theory]
    [InlineData("maxShareOfCluster: 1.5", "policy.maxShareOfCluster: is '1.5'; it must be from 0.001 to 1")]
    [InlineData("scores: {fragmentation: 101}", "policy.scores.fragmentation: is '101'; it must be a whole number from 0 to 100")]
    [InlineData("scores: {packin: 10}", "policy.scores.packin: unknown field; did you mean 'packing'?")]
    [InlineData("restartCost: 1.5s", "policy.restartCost: is not a number of whole seconds")]
    [InlineData("restartCost: 2d", "policy.restartCost: is 2.00:00:00; it must be from 0s to 1d")]
    [InlineData("reservationsPerTenant: 101", "policy.reservationsPerTenant: is '101'; it must be a whole number from 0 to 100")]
    [InlineData("topologyLevels: [a, b, c, d, e, f, g, h, i]", "policy.topologyLevels: names 9 levels; there can be at most 8")]
    [InlineData("maxShare: 1", "policy.maxShare: unknown field; the fields here are")]
    public async Task A_mistake_in_a_policy_is_one_line(string field, string message)
    {
        var file = _folder.Write("policy.yaml", $"apiVersion: weir.scheduler/v1\nkind: SchedulingPolicy\n{field}\n");

        var run = await WeirRun.Of("validate", file);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"weir: {file}:3: {message}", run.SingleError, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n# nothing but a comment\n")]
    public async Task An_empty_file_is_refused(string text)
    {
        var run = await WeirRun.Of("validate", _folder.Write("empty.yaml", text));
        Assert.Equal(1, run.ExitCode);
        Assert.EndsWith("empty.yaml: is empty; it should have Tenant or SchedulingPolicy documents", run.SingleError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_does_not_exist_is_one_line()
    {
        var run = await WeirRun.Of("validate", "/no/such/tenants.yaml");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("weir: /no/such/tenants.yaml: there is no such file; check the path", run.SingleError);
    }

    [Fact]
    public async Task What_kubectl_prints_can_be_validated()
    {
        var run = await WeirRun.Of("validate", _folder.Write("list.yaml", """
            apiVersion: v1
            kind: List
            items:
            - apiVersion: weir.scheduler/v1
              kind: Tenant
              metadata: {name: vision, uid: "1", resourceVersion: "2", creationTimestamp: "2026-01-01T00:00:00Z", generation: 1}
              spec: {namespaces: [vision], quotas: [{flavor: "*", guaranteed: 500m}]}
              status: {used: "3"}
            """));
        Assert.Equal("", run.Error);
        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task Json_has_the_mistakes_with_file_line_path_and_message()
    {
        var file = _folder.Write("tenants.yaml", TwoTenants.Replace("burst: 4", "bursts: 4", StringComparison.Ordinal));

        var run = await WeirRun.Of("validate", file, "--output", "json");

        Assert.Equal(1, run.ExitCode);
        using var json = JsonDocument.Parse(run.Out);
        Assert.False(json.RootElement.GetProperty("valid").GetBoolean());
        var error = Assert.Single(json.RootElement.GetProperty("errors").EnumerateArray());
        Assert.Equal(16, error.GetProperty("line").GetInt32());
        Assert.Equal("tenant/vision.quotas[0].bursts", error.GetProperty("path").GetString());
    }
}
