using System.Diagnostics;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

/// <summary>What a user does with the real kubectl. Skipped where there is none on the PATH.</summary>
public sealed class KubectlTests : IDisposable
{
    private static readonly string? Program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "kubectl.exe" : "kubectl")).FirstOrDefault(File.Exists);

    private readonly string _home = Directory.CreateTempSubdirectory("weir-kubectl-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    private async Task<(int Code, string Output)> RunAsync(TestCluster cluster, string arguments, string? input = null)
    {
        Assert.SkipWhen(Program is null, "kubectl is not on the PATH");
        var start = new ProcessStartInfo(Program!, $"--server {cluster.Cluster.Address} --cache-dir {_home} {arguments}")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = _home;
        start.Environment.Remove("KUBECONFIG");
        using var process = Process.Start(start)!;
        if (input is not null)
            await process.StandardInput.WriteAsync("---\n" + input); // text that begins with a brace would be taken for JSON
        process.StandardInput.Close();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestCluster.Ct);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output + await errors);
    }

    private async Task<string> OkAsync(TestCluster cluster, string arguments, string? input = null)
    {
        var (code, output) = await RunAsync(cluster, arguments, input);
        Assert.True(code == 0, $"kubectl {arguments}: {output}");
        return output;
    }

    [Fact]
    public async Task A_list_of_objects_is_applied()
    {
        // kubectl validates a List by the version 2 document, whose media type it has to be able to parse.
        await using var cluster = await TestCluster.StartAsync();
        const string List = "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}, {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}]}";
        Assert.Equal("configmap/a created\nconfigmap/b created\n", await OkAsync(cluster, "apply -f -", List));
    }

    [Fact]
    public async Task Apply_and_get_and_describe_and_delete_a_pod()
    {
        await using var cluster = await TestCluster.StartAsync();
        const string Pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeName: n1, containers: [{name: c, image: x, resources: {limits: {nvidia.com/gpu: '1'}}}]}}";
        Assert.Equal("pod/a created\n", await OkAsync(cluster, "apply -f -", Pod));
        Assert.Equal("pod/a unchanged\n", await OkAsync(cluster, "apply -f -", Pod));
        Assert.Contains("condition met", await OkAsync(cluster, "wait --for=condition=Ready pod/a --timeout=20s"), StringComparison.Ordinal);
        Assert.Matches(@"a +1/1 +Running +0 +\d+s +10\.\S+ +n1", await OkAsync(cluster, "get pods -o wide"));
        Assert.Contains("Started container c", await OkAsync(cluster, "describe pod a"), StringComparison.Ordinal);
        Assert.Contains("nvidia.com/gpu     1 ", await OkAsync(cluster, "describe node n1"), StringComparison.Ordinal);
        Assert.Contains("deleted", await OkAsync(cluster, "delete pod a --timeout=20s"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Namespaces_deployments_scaling_and_draining()
    {
        await using var cluster = await TestCluster.StartAsync();
        await OkAsync(cluster, "create namespace team");
        await OkAsync(cluster, "-n team create deployment web --image=x --replicas=2");
        await OkAsync(cluster, "-n team scale deployment web --replicas=1");
        await OkAsync(cluster, "-n team label deployment web tier=front");
        await OkAsync(cluster, "-n team annotate deployment web a=b");
        await OkAsync(cluster, "-n team set image deployment/web x=y");
        Assert.Contains("tier=front", await OkAsync(cluster, "-n team get deployment web --show-labels"), StringComparison.Ordinal);
        await OkAsync(cluster, "drain n1 --timeout=20s");
        Assert.Contains("SchedulingDisabled", await OkAsync(cluster, "get node n1"), StringComparison.Ordinal);
        await OkAsync(cluster, "delete namespace team --timeout=30s");
    }

    [Fact]
    public async Task Custom_resources_are_applied_validated_and_explained()
    {
        await using var cluster = await TestCluster.StartAsync();
        var tenants = await File.ReadAllTextAsync(Path.Combine(Root(), "deploy", "crds", "tenants.yaml"), TestCluster.Ct);
        await OkAsync(cluster, "apply -f -", tenants);
        await OkAsync(cluster, "wait --for=condition=Established crd/tenants.weir.scheduler --timeout=10s");
        await OkAsync(cluster, "apply -f -", "{apiVersion: weir.scheduler/v1, kind: Tenant, metadata: {name: t}, spec: {weight: 2, quotas: [{flavor: A10, guaranteed: 4}]}}");
        await OkAsync(cluster, "apply --server-side -f -", "{apiVersion: weir.scheduler/v1, kind: Tenant, metadata: {name: t}, spec: {weight: 2}}");
        var (code, refused) = await RunAsync(cluster, "apply -f -", "{apiVersion: weir.scheduler/v1, kind: Tenant, metadata: {name: u}, spec: {wait: 2}}");
        Assert.NotEqual(0, code);
        Assert.Contains("unknown field \"spec.wait\"", refused, StringComparison.Ordinal);
        Assert.Contains("GUARANTEED", await OkAsync(cluster, "get tn"), StringComparison.Ordinal);
        Assert.Contains("Share of the burst pool", await OkAsync(cluster, "explain tenant.spec"), StringComparison.Ordinal);
        Assert.Contains("tenants", await OkAsync(cluster, "api-resources --api-group=weir.scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_preloaded_is_applied_again_without_a_warning()
    {
        const string Manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, annotations: {z: '<&>'}}, data: {b: 'ü', a: '1'}}";
        var tenants = await File.ReadAllTextAsync(Path.Combine(Root(), "deploy", "crds", "tenants.yaml"), TestCluster.Ct);
        await using var cluster = await TestCluster.StartAsync(o => o.Manifests = [Manifest, tenants]);
        Assert.Equal("configmap/m unchanged\n", await OkAsync(cluster, "apply -f -", Manifest));
        Assert.Equal("customresourcedefinition.apiextensions.k8s.io/tenants.weir.scheduler unchanged\n", await OkAsync(cluster, "apply -f -", tenants));
    }

    [Fact]
    public async Task Built_in_kinds_are_explained_as_far_as_their_fields_are_known()
    {
        await using var cluster = await TestCluster.StartAsync();
        Assert.Contains("schedulerName", await OkAsync(cluster, "explain pod.spec"), StringComparison.Ordinal);
        Assert.Contains("imagePullPolicy", await OkAsync(cluster, "explain pod.spec.containers"), StringComparison.Ordinal);
        Assert.Contains("tolerations", await OkAsync(cluster, "explain job.spec.template.spec"), StringComparison.Ordinal);
        Assert.Contains("preemptionPolicy", await OkAsync(cluster, "explain priorityclass"), StringComparison.Ordinal);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Scheduler.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests do not run inside the repository.");
    }
}
