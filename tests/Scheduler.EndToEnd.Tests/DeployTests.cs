using System.Diagnostics;
using System.Text.Json.Nodes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.EndToEnd.Tests;

/// <summary>What is below deploy/, on a real API server: it is accepted whole, shows what it should, and gives the daemon the rights it needs.</summary>
public sealed class DeployTests(ControlPlaneFixture fixture)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Definitions_have_structural_schemas_and_the_samples_are_valid()
    {
        ControlPlaneFixture.Require();
        await using var plane = await ControlPlane.StartAsync(Cancel);
        using var api = new ApiClient(plane.Endpoint);
        await Manifests.ApplyAsync(api, Cancel, "crds");
        await Manifests.ApplyAsync(api, Cancel, "base");
        foreach (var name in (string[])["tenants.weir.scheduler", "podgroups.scheduling.x-k8s.io"])
        {
            var definition = (await api.GetAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", Cancel)).Expect(200).Body;
            var conditions = definition.At("status.conditions")!.AsArray().ToDictionary(item => item.TextAt("type")!, item => item.TextAt("status"));
            Assert.Equal("True", conditions["Established"]);
            Assert.False(conditions.TryGetValue("NonStructuralSchema", out var bad) && bad == "True", definition.At("status.conditions")!.ToJsonString());
        }

        // Tenants first: they bring the namespaces. Applying twice changes nothing, so the order of names does not matter to a user.
        await Manifests.ApplyAsync(api, Cancel, "samples", "1-tenants.yaml");
        var applied = await Manifests.ApplyAsync(api, Cancel, "samples");
        Assert.Equal(
            ["Deployment", "Job", "Namespace", "PodGroup", "Tenant"],
            applied.Select(item => item.TextAt("kind")!).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Get_tenants_shows_quota_use_and_acceptance()
    {
        ControlPlaneFixture.Require();
        await using var plane = await ControlPlane.StartAsync(Cancel);
        using var api = new ApiClient(plane.Endpoint);
        await Manifests.ApplyAsync(api, Cancel, "crds", "tenants.yaml");
        await Manifests.ApplyAsync(api, Cancel, "samples", "1-tenants.yaml");
        const string Status = """
            {"status":{"guaranteed":"8","limit":"24","used":"3.5","pendingWorkloads":2,"conditions":[{"type":"Accepted","status":"True"}]}}
            """;
        (await api.PatchAsync("/apis/weir.scheduler/v1/tenants/vision/status", ApiClient.MergePatch, Status, Cancel)).Expect(200);

        var table = (await api.SendAsync(
            HttpMethod.Get, "/apis/weir.scheduler/v1/tenants/vision", null, Cancel, accept: "application/json;as=Table;v=v1;g=meta.k8s.io")).Expect(200).Body;
        var columns = table["columnDefinitions"]!.AsArray().Select(column => column.TextAt("name")!);
        Assert.Equal(["Name", "Parent", "Guaranteed", "Limit", "Used", "Waiting", "Accepted", "Age"], columns);
        var cells = table.At("rows.0.cells")!.AsArray().Select(cell => cell!.ToString()).Take(7);
        Assert.Equal(["vision", "research", "8", "24", "3.5", "2", "True"], cells);
    }

    [Fact]
    public async Task Kubectl_applies_all_of_it_as_the_comments_in_the_files_say()
    {
        ControlPlaneFixture.Require();
        await using var plane = await ControlPlane.StartAsync(Cancel);
        await KubectlAsync(plane, "apply", "-k", Repository.PathOf("deploy"));
        Assert.Contains("service/weir-extender created", await KubectlAsync(plane, "apply", "-k", Repository.PathOf("deploy", "extender")), StringComparison.Ordinal);
        await KubectlAsync(plane, "wait", "--for=condition=Established", "--timeout=30s", "crd", "tenants.weir.scheduler", "podgroups.scheduling.x-k8s.io");
        await KubectlAsync(plane, "apply", "-f", Repository.PathOf("deploy", "samples", "1-tenants.yaml"));
        Assert.Contains("tenant.weir.scheduler/vision", await KubectlAsync(plane, "apply", "-f", Repository.PathOf("deploy", "samples")), StringComparison.Ordinal);
        Assert.Contains(
            "job.batch/training-loop created",
            await KubectlAsync(plane, "apply", "-k", Repository.PathOf("deploy", "samples", "training-loop")), StringComparison.Ordinal);
        Assert.Contains("PREEMPT_BY", await KubectlAsync(plane, "get", "configmap", "training-loop", "-n", "vision", "-o", "yaml"), StringComparison.Ordinal);
        var shown = await KubectlAsync(plane, "get", "tenants");
        Assert.Matches(@"^NAME +PARENT +GUARANTEED +LIMIT +USED +WAITING +ACCEPTED +AGE\n", shown);
        Assert.Matches(@"\nvision +research ", shown);

        // Removal, as docs/operations.md says. There is no controller manager here, so a namespace stays Terminating: nobody waits for it.
        await KubectlAsync(plane, "delete", "--wait=false", "-k", Repository.PathOf("deploy", "extender"));
        await KubectlAsync(plane, "delete", "--wait=false", "--ignore-not-found", "-k", Repository.PathOf("deploy"));
        Assert.DoesNotContain("weir", await KubectlAsync(plane, "get", "clusterrole,clusterrolebinding,priorityclass,crd", "-o", "name"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list", "", "pods", true)]
    [InlineData("create", "", "pods/binding", true)]
    [InlineData("create", "", "pods/eviction", true)]
    [InlineData("patch", "", "pods", true)]
    [InlineData("patch", "weir.scheduler", "tenants/status", true)]
    [InlineData("delete", "", "pods", false)]
    [InlineData("create", "", "pods", false)]
    [InlineData("patch", "", "nodes", true)]
    [InlineData("update", "", "nodes", false)]
    [InlineData("delete", "", "nodes", false)]
    [InlineData("list", "", "secrets", false)]
    [InlineData("patch", "weir.scheduler", "tenants", false)]
    [InlineData("create", "coordination.k8s.io", "leases", false)]
    public async Task The_daemon_may_do_its_work_in_any_namespace_and_nothing_else(string verb, string group, string resource, bool isAllowed)
    {
        var plane = fixture.Plane;
        using var admin = new ApiClient(plane.Endpoint);
        await Manifests.ApplyAsync(admin, Cancel, "base");
        using var daemon = new ApiClient(await DaemonAccount.SignInAsync(plane, Cancel));
        var parts = resource.Split('/');
        var review = new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1",
            ["kind"] = "SelfSubjectAccessReview",
            ["spec"] = new JsonObject
            {
                ["resourceAttributes"] = new JsonObject
                {
                    ["namespace"] = "default",
                    ["verb"] = verb,
                    ["group"] = group,
                    ["resource"] = parts[0],
                    ["subresource"] = parts.ElementAtOrDefault(1),
                },
            },
        };
        var answer = (await daemon.PostAsync("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review.ToJsonString(), Cancel)).Expect(201);
        Assert.Equal(isAllowed, answer.TextAt("status.allowed") == "true");
    }

    /// <summary>Runs kubectl as an administrator and returns what it says; skips the calling test where there is none.</summary>
    private static async Task<string> KubectlAsync(ControlPlane plane, params string[] arguments)
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "kubectl")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(program is null, "kubectl is not on the PATH");
        var cache = Path.Combine(Path.GetDirectoryName(plane.Kubeconfig())!, "kubectl");
        var start = new ProcessStartInfo(program!, ["--kubeconfig", plane.Kubeconfig(), "--cache-dir", cache, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(Cancel), process.StandardError.ReadToEndAsync(Cancel));
        await process.WaitForExitAsync(Cancel);
        Assert.True(process.ExitCode == 0, $"kubectl {string.Join(' ', arguments)}: {await output}{await errors}");
        return await output;
    }
}
