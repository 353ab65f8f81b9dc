using System.Reflection;
using System.Text;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.Client;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Security;
using Scheduler.Daemon.Tests.WholePath;
using Scheduler.SimulatedCluster.Access;
using Scheduler.TestKit;
using Weir.V1;

namespace Scheduler.Daemon.Tests.Security;

/// <summary>Methods × roles × own and other tenant, asked for of a whole daemon, with the roles that deploy/ ships.</summary>
public class AccessMatrixTests
{
    private static readonly (string Token, string Title)[] Callers =
    [
        ("platform-admin", "platform admin"), ("tenant-admin", "tenant admin"), ("developer", "developer"), ("viewer", "viewer"), ("stranger", "no role"), ("", "no token"),
    ];

    [Fact]
    public void Every_method_of_the_api_has_an_access_rule()
    {
        var methods = typeof(QueueService).Assembly.GetTypes()
            .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static))
            .Where(property => property?.PropertyType == typeof(ServiceDescriptor))
            .SelectMany(property => ((ServiceDescriptor)property!.GetValue(null)!).Methods)
            .Select(method => $"/{method.Service.FullName}/{method.Name}")
            .ToArray();
        Assert.Contains("/weir.v1.QueueService/ListQueue", methods);
        Assert.DoesNotContain(methods, method => !AccessTable.Rules.ContainsKey(method));
    }

    [Fact]
    public async Task The_table_in_the_documentation_is_what_the_daemon_does()
    {
        await using var cluster = await StartClusterAsync();
        var host = await StartDaemonAsync(cluster);
        var table = new StringBuilder();
        table.AppendLine($"| method | about | {string.Join(" | ", Callers.Select(caller => caller.Title))} |");
        table.AppendLine($"|---|---|{string.Concat(Callers.Select(_ => "---|"))}");
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        foreach (var (method, isOwn, ask) in Questions(channel))
        {
            var answers = new List<string>();
            foreach (var (token, _) in Callers)
                answers.Add(await AnswerAsync(() => ask(Headers(token))));
            table.AppendLine($"| {method} | {isOwn} | {string.Join(" | ", answers)} |");
        }

        var path = Repository.PathOf("docs", "access.md");
        const string Begin = "<!-- made by AccessMatrixTests -->\n";
        const string End = "<!-- end -->";
        var page = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        var (from, to) = (page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, page.IndexOf(End, StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("WEIR_GOLDEN") == "write")
            await File.WriteAllTextAsync(path, page[..from] + table + page[to..], TestContext.Current.CancellationToken);
        else
            Assert.Equal(table.ToString(), page[from..to]);
        // The table is read by people; what matters most is said here too.
        var developer = table.ToString().Split('\n').Single(line => line.StartsWith("| QueueService/GetPosition | other", StringComparison.Ordinal));
        Assert.Equal("| QueueService/GetPosition | other tenant | yes | no | no | no | no | who? |", developer);
    }

    [Fact]
    public async Task A_tenant_sees_its_own_queue_and_of_others_only_numbers()
    {
        await using var cluster = await StartClusterAsync();
        var host = await StartDaemonAsync(cluster);
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var queue = new QueueService.QueueServiceClient(channel);
        var everything = await queue.ListQueueAsync(new ListQueueRequest(), Headers("platform-admin"), cancellationToken: Cancel);
        var own = await queue.ListQueueAsync(new ListQueueRequest(), Headers("developer"), cancellationToken: Cancel);
        Assert.Equal(["search", "vision"], everything.Entries.Select(entry => entry.Namespace).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(["search"], own.Entries.Select(entry => entry.Namespace).Distinct());
        Assert.Equal(own.Entries.Count, own.Total);

        var tenants = await new TenantService.TenantServiceClient(channel).ListTenantsAsync(new ListTenantsRequest(), Headers("developer"), cancellationToken: Cancel);
        Assert.Equal(["search"], tenants.Tenants.Single(tenant => tenant.Name == "search").Namespaces);
        var other = tenants.Tenants.Single(tenant => tenant.Name == "vision");
        Assert.Empty(other.Namespaces);
        Assert.True(other.PendingWorkloads > 0);
    }

    [Fact]
    public async Task A_token_that_nobody_holds_is_refused_and_an_api_server_that_is_away_serves_nobody()
    {
        await using var cluster = await StartClusterAsync();
        var host = await StartDaemonAsync(cluster);
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var queue = new QueueService.QueueServiceClient(channel);
        var unknown = await Assert.ThrowsAsync<RpcException>(() => queue.ListQueueAsync(new ListQueueRequest(), Headers("nonsense"), cancellationToken: Cancel).ResponseAsync);
        Assert.Equal(StatusCode.Unauthenticated, unknown.StatusCode);
        await cluster.Cluster.DisposeAsync();
        var unasked = await Assert.ThrowsAsync<RpcException>(() => queue.ListQueueAsync(new ListQueueRequest(), Headers("not-seen-yet"), cancellationToken: Cancel).ResponseAsync);
        Assert.Equal(StatusCode.Unavailable, unasked.StatusCode);
        Assert.Contains("nobody is served unasked", unasked.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_asks_too_often_is_held_back_and_others_are_not()
    {
        await using var cluster = await StartClusterAsync();
        var host = await StartDaemonAsync(cluster, requestsPerSecond: 1);
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var tenants = new TenantService.TenantServiceClient(channel);
        var codes = new List<StatusCode>();
        for (var call = 0; call < 50 && !codes.Contains(StatusCode.ResourceExhausted); call++)
            codes.Add(await CodeAsync(() => tenants.ListTenantsAsync(new ListTenantsRequest(), Headers("viewer"), cancellationToken: Cancel).ResponseAsync));
        Assert.Contains(StatusCode.ResourceExhausted, codes);
        Assert.Equal(StatusCode.OK, await CodeAsync(() => tenants.ListTenantsAsync(new ListTenantsRequest(), Headers("platform-admin"), cancellationToken: Cancel).ResponseAsync));
    }

    [Fact]
    public async Task A_request_beyond_its_size_is_refused()
    {
        await using var cluster = await StartClusterAsync();
        var host = await StartDaemonAsync(cluster);
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var huge = new ListQueueRequest { Tenant = new string('x', 1 << 20) };
        Assert.Equal(
            StatusCode.ResourceExhausted,
            await CodeAsync(() => new QueueService.QueueServiceClient(channel).ListQueueAsync(huge, Headers("platform-admin"), cancellationToken: Cancel).ResponseAsync));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<ClusterFixture> StartClusterAsync()
    {
        var cluster = await ClusterFixture.StartAsync(
            tokens: Callers.Where(caller => caller.Token.Length > 0).ToDictionary(caller => caller.Token, caller => new SimulatedUser(caller.Token)));
        cluster.Cluster.ApplyManifest(await File.ReadAllTextAsync(Repository.PathOf("deploy", "base", "roles.yaml"), Cancel));
        cluster.Cluster.ApplyManifest(Bindings);
        // More than there is: each tenant has workloads that wait.
        foreach (var tenant in new[] { "search", "vision" })
        {
            for (var index = 0; index < 5; index++)
                cluster.Cluster.Create(ClusterFixture.Pod($"{tenant}-{index}", gpus: 4, @namespace: tenant));
        }

        return cluster;
    }

    private static async Task<DaemonHost> StartDaemonAsync(ClusterFixture cluster, int requestsPerSecond = 1000)
    {
        var host = await cluster.StartDaemonAsync(settings =>
        {
            settings.Api.RequestsPerSecond = requestsPerSecond;
            return settings with { AllowAnonymous = false };
        });
        await ClusterFixture.UntilCycleAsync(host, cycle => cycle.Queue.Select(entry => entry.Workload.Namespace).Distinct().Count() == 2);
        return host;
    }

    private static Metadata Headers(string token) => token.Length == 0 ? [] : new Metadata { { "authorization", $"Bearer {token}" } };

    private static async Task<StatusCode> CodeAsync(Func<Task> ask)
    {
        try
        {
            await ask();
            return StatusCode.OK;
        }
        catch (RpcException refusal)
        {
            return refusal.StatusCode;
        }
    }

    private static async Task<string> AnswerAsync(Func<Task<string>> ask)
    {
        try
        {
            return await ask();
        }
        catch (RpcException refusal)
        {
            return refusal.StatusCode switch
            {
                StatusCode.PermissionDenied => "no",
                StatusCode.Unauthenticated => "who?",
                _ => refusal.Status.ToString(),
            };
        }
    }

    private static IEnumerable<(string Method, string About, Func<Metadata, Task<string>> Ask)> Questions(GrpcChannel channel)
    {
        var queue = new QueueService.QueueServiceClient(channel);
        var tenants = new TenantService.TenantServiceClient(channel);
        var exports = new ExportService.ExportServiceClient(channel);
        var cluster = new ClusterService.ClusterServiceClient(channel);
        foreach (var (about, tenant) in new[] { ("own tenant", "search"), ("other tenant", "vision") })
        {
            var request = new GetPositionRequest { Pod = new PodRef { Namespace = tenant, Name = $"{tenant}-0" } };
            yield return ("QueueService/GetPosition", about, async headers =>
            {
                await queue.GetPositionAsync(request, headers, cancellationToken: Cancel);
                return "yes";
            }
            );
            yield return ("QueueService/WatchPosition", about, async headers =>
            {
                using var stream = queue.WatchPosition(request, headers, cancellationToken: Cancel);
                Assert.True(await stream.ResponseStream.MoveNext(Cancel));
                return "yes";
            }
            );
            yield return ("QueueService/ListQueue", about, async headers =>
            {
                var list = await queue.ListQueueAsync(new ListQueueRequest { Tenant = tenant }, headers, cancellationToken: Cancel);
                return list.Entries.Count > 0 ? "yes" : "nothing";
            }
            );
            yield return ("TenantService/GetTenant", about, async headers =>
                (await tenants.GetTenantAsync(new GetTenantRequest { Name = tenant }, headers, cancellationToken: Cancel)).Namespaces.Count > 0 ? "yes" : "numbers");
            yield return ("TenantService/ListTenants", about, async headers =>
                (await tenants.ListTenantsAsync(new ListTenantsRequest(), headers, cancellationToken: Cancel)).Tenants.Single(one => one.Name == tenant).Namespaces.Count > 0
                    ? "yes" : "numbers");
        }

        yield return ("ExportService/ExportCluster", "the cluster", async headers =>
        {
            using var stream = exports.ExportCluster(new ExportClusterRequest(), headers, cancellationToken: Cancel);
            Assert.True(await stream.ResponseStream.MoveNext(Cancel));
            return "yes";
        }
        );
        yield return ("ClusterService/ListGpus", "the cluster", async headers =>
            (await cluster.ListGpusAsync(new ListGpusRequest(), headers, cancellationToken: Cancel)).Nodes.Count > 0 ? "yes" : "nothing");
        yield return ("ClusterService/QuarantineGpu", "the cluster", async headers =>
        {
            await cluster.QuarantineGpuAsync(new QuarantineGpuRequest { Node = "n0", Device = 0, Reason = "asked" }, headers, cancellationToken: Cancel);
            return "yes";
        }
        );
        yield return ("ClusterService/ReleaseGpu", "the cluster", async headers =>
        {
            await cluster.ReleaseGpuAsync(new ReleaseGpuRequest { Node = "n0", Device = 0, Reason = "asked" }, headers, cancellationToken: Cancel);
            return "yes";
        }
        );
    }

    private const string Bindings = """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: admins}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: weir-platform-admin}
        subjects: [{kind: User, name: platform-admin}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: viewers}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: weir-viewer}
        subjects: [{kind: User, name: viewer}, {kind: User, name: tenant-admin}, {kind: User, name: developer}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: admins, namespace: search}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: weir-tenant-admin}
        subjects: [{kind: User, name: tenant-admin}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: developers, namespace: search}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: weir-developer}
        subjects: [{kind: User, name: developer}]
        """;
}
