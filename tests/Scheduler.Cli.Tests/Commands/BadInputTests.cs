using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Tests.Support;

namespace Scheduler.Cli.Tests.Commands;

/// <summary>A mistake of the user is one clear line on stderr, an exit code that is not 0, and no stack trace.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Tenant = """
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: vision}
        spec: {namespaces: [vision], quotas: [{flavor: "*", guaranteed: 4}]}
        """;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static void AssertOneLine(WeirRun run, int code, string part)
    {
        Assert.Equal(code, run.ExitCode);
        Assert.StartsWith("weir: ", run.SingleError, StringComparison.Ordinal);
        Assert.Contains(part, run.SingleError, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("an unknown field", "guaranteed: 4", "guarantee: 4", "unknown field; did you mean 'guaranteed'?")]
    [InlineData("a negative number", "guaranteed: 4", "guaranteed: -4", "is negative (-4); it must be 0 or more")]
    [InlineData("a guarantee over capacity", "guaranteed: 4", "guaranteed: 400", "the guarantees add up to 400 GPUs, but the cluster has 48")]
    public async Task Up_refuses_a_tenant_file_before_anything_starts(string what, string right, string wrong, string message)
    {
        var file = _folder.Write("tenants.yaml", Tenant.Replace(right, wrong, StringComparison.Ordinal));
        var run = await WeirRun.Of("up", "--tenants", file, "--for", "1s");
        AssertOneLine(run, 1, message);
        Assert.True(run.Out.Length == 0, what);
    }

    [Fact]
    public async Task Up_refuses_a_parent_smaller_than_its_children()
    {
        var file = _folder.Write("tenants.yaml", Tenant.Replace("{namespaces", "{parent: top, namespaces", StringComparison.Ordinal) + """

            ---
            apiVersion: weir.scheduler/v1
            kind: Tenant
            metadata: {name: top}
            spec: {quotas: [{flavor: "*", guaranteed: 3}]}
            """);
        AssertOneLine(await WeirRun.Of("up", "--tenants", file, "--for", "1s"), 1, "tenant/top.quotas[0].guaranteed: is 3 GPUs of '*', less than the 4");
    }

    [Fact]
    public async Task A_pod_with_a_malformed_annotation_is_one_line_and_the_run_a_failure()
    {
        var workload = _folder.Write("workload.yaml", """
            workloads:
            - name: confused
              tenant: vision
              kind: pod
              gpus: 1
              annotations: {weir.scheduler/min-runtime: soon}
            """);
        var run = await WeirRun.Of("up", "--port", "0", "--api-port", "0", "--workload", workload, "--output", "json");
        AssertOneLine(run, 1, "pod vision/confused is not queued: ");
        Assert.Contains("min-runtime", run.SingleError, StringComparison.Ordinal);
        Assert.Contains("soon", run.SingleError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_names_a_kubeconfig_that_does_not_exist() =>
        AssertOneLine(await WeirRun.Of("run", "--kubeconfig", "/no/such/kubeconfig"), 1, "there is no kubeconfig at /no/such/kubeconfig");

    [Theory]
    [InlineData("up", "--port")]
    [InlineData("up", "--api-port")]
    [InlineData("run", "--grpc-port")]
    [InlineData("run", "--http-port")]
    public async Task A_port_in_use_is_one_line(string command, string option)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        string[] args = command == "up"
            ? ["up", "--for", "1s", option, port, .. option == "--port" ? Array.Empty<string>() : ["--port", "0"]]
            : ["run", "--server", "http://127.0.0.1:9", option, port, option == "--grpc-port" ? "--http-port" : "--grpc-port", "0", "--log-level", "none"];

        AssertOneLine(await WeirRun.Of(args), 1, port);
    }

    [Theory]
    [InlineData("queue")]
    [InlineData("tenants")]
    public async Task Nothing_that_listens_is_one_line(string command) =>
        AssertOneLine(await WeirRun.Of(command, "--address", "http://127.0.0.1:9"), 1, "no daemon answers at http://127.0.0.1:9; start one with weir up");

    [Theory]
    [InlineData("--address: 'nowhere' is not an address", 1, "queue", "--address", "nowhere")]
    [InlineData("--for: 'soon' is not a duration", 2, "up", "--for", "soon")]
    [InlineData("--limit: '-3' is not a whole number from 1", 2, "up", "--limit", "-3")]
    [InlineData("--speed: '0' is not a number above 0", 2, "up", "--speed", "0")]
    [InlineData("--port: '70000' is not a whole number from 0 to 65535", 2, "up", "--port", "70000")]
    [InlineData("--output: 'xml' is none of table, json", 2, "validate", "a.yaml", "--output", "xml")]
    [InlineData("--log-format: 'xml' is none of text, json", 2, "run", "--log-format", "xml")]
    [InlineData("--output json without --workload would never end by itself; add --for 30s", 2, "up", "--output", "json")]
    [InlineData("--kubeconfig and --server name different ways to a cluster", 2, "run", "--kubeconfig", "a", "--server", "http://127.0.0.1:9")]
    [InlineData("'explode'", 2, "explode")]
    [InlineData("'--colour'", 2, "up", "--colour")]
    [InlineData("name a command", 2)]
    [InlineData("/no/nodes.yaml: there is no such file", 1, "up", "--nodes", "/no/nodes.yaml")]
    [InlineData("/no/pods.csv.gz: there is no such file", 1, "up", "--workload", "/no/pods.csv.gz")]
    public async Task A_wrong_option_is_one_line(string part, int code, params string[] args) => AssertOneLine(await WeirRun.Of(args), code, part);

    [Theory]
    [InlineData("api: {grpcPort: 99999}", "config.yaml:1: api.grpcPort: ")]
    [InlineData("api: {grpcprot: 1}", "config.yaml:1: api.grpcprot: unknown field; did you mean 'grpcPort'?")]
    [InlineData("\nscheduling:\n  packingWeight: many", "config.yaml:3: scheduling.packingWeight: is 'many'; it must be a whole number")]
    [InlineData("scheduling: {topologyLevels: zone}", "config.yaml:1: scheduling.topologyLevels: must be a list")]
    [InlineData("scheduling:\n  topologyLevels:\n  - zone\n  - zone", "config.yaml:4: scheduling.topologyLevels[1]: 'zone' is there twice")]
    [InlineData("scheduling: {burstNodes: {pool: 7}}", "config.yaml:1: scheduling.burstNodes.pool: '7' is not text")]
    [InlineData("scheduling: {restartCostSeconds: 100000}", "config.yaml:1: scheduling.restartCostSeconds: ")]
    [InlineData("log: {level: loud}", "config.yaml:1: log.level: 'loud' is none of trace")]
    [InlineData("leadership: {retryPeriodSeconds: 60}", "config.yaml:1: leadership.retryPeriodSeconds: is 60; it must be less than")]
    public async Task A_mistake_in_the_daemons_settings_is_one_line(string text, string message) =>
        AssertOneLine(await WeirRun.Of("run", "--server", "http://127.0.0.1:9", "--config", _folder.Write("config.yaml", text)), 1, message);

    [Theory]
    [InlineData("--help")]
    [InlineData("up", "--help")]
    [InlineData("run", "--help")]
    [InlineData("queue", "--help")]
    [InlineData("tenants", "--help")]
    [InlineData("validate", "--help")]
    public async Task Help_has_an_example(params string[] args)
    {
        var run = await WeirRun.Of(args);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("Examples:", run.Out, StringComparison.Ordinal);
        Assert.Contains("  weir ", run.Out.Split("Examples:")[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_real_process_ends_with_the_exit_code_and_one_line() =>
        AssertOneLine(await OfProcess("validate", "/no/such/tenants.yaml"), 1, "/no/such/tenants.yaml: there is no such file");

    /// <summary>In this process a log line goes past the writers that the tests read: only a process of its own shows all of stderr.</summary>
    [Theory]
    [InlineData("--http-port", "--grpc-port", "text")]
    [InlineData("--grpc-port", "--http-port", "json")]
    public async Task The_real_process_tells_of_a_port_in_use_in_one_line_and_logs_nothing_beside_it(string taken, string free, string format)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);

        var run = await OfProcess("run", "--server", "http://127.0.0.1:1", taken, port, free, "0", "--log-format", format);

        AssertOneLine(run, 1, port);
    }

    private static async Task<WeirRun> OfProcess(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(WeirCommand).Assembly.Location, .. args])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = await process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new WeirRun(process.ExitCode, await output, error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
