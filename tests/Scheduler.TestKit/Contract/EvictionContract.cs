using Xunit;

namespace Scheduler.TestKit;

/// <summary>Evictions and disruption budgets. Kubernetes before 1.22 has policy/v1beta1 only, newer ones policy/v1: clients discover.</summary>
public abstract class EvictionContract(IContractServer server) : ContractTest(server)
{
    [Fact]
    public async Task Discovery_names_a_version_of_the_eviction_and_the_policy_group_serves_budgets_in_it()
    {
        var version = await PolicyVersionAsync();
        Assert.Contains(version, (string[])["policy/v1", "policy/v1beta1"]);
        var resources = (await Api.GetAsync($"/apis/{version}", Cancel)).Expect(200).Body.At("resources")!.AsArray();
        Assert.Contains(resources, resource => resource.TextAt("name") == "poddisruptionbudgets");
    }

    [Fact]
    public async Task Evicting_a_bound_pod_deletes_it_gracefully()
    {
        await CreateRunningPodAsync("pod", "{}");
        var evicted = (await EvictAsync("pod")).Expect(201);
        Assert.Equal("Success", evicted.TextAt("status"));
        var leaving = (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(200);
        Assert.NotNull(leaving.TextAt("metadata.deletionTimestamp"));
        Assert.Equal("30", leaving.TextAt("metadata.deletionGracePeriodSeconds"));
    }

    [Fact]
    public async Task An_eviction_may_set_the_grace()
    {
        await CreateRunningPodAsync("pod", "{}");
        (await EvictAsync("pod", """{"gracePeriodSeconds":7}""")).Expect(201);
        Assert.Equal("7", (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(200).TextAt("metadata.deletionGracePeriodSeconds"));
    }

    [Fact]
    public async Task Evicting_a_pod_that_is_not_there_is_404() => (await EvictAsync("nobody")).ExpectFailure(404, "NotFound");

    [Fact]
    public async Task Evicting_with_the_uid_of_another_pod_is_409_and_evicts_nothing()
    {
        await CreateRunningPodAsync("pod", "{}");
        (await EvictAsync("pod", """{"preconditions":{"uid":"11111111-2222-3333-4444-555555555555"}}""")).ExpectFailure(409, "Conflict");
        Assert.Null((await Api.GetAsync($"{Pods}/pod", Cancel)).TextAt("metadata.deletionTimestamp"));
    }

    [Fact]
    public async Task A_budget_that_allows_nothing_makes_an_eviction_429_and_the_pod_stays()
    {
        await CreateRunningPodAsync("pod", """{"app":"web"}""");
        await CreateBudgetAsync("minAvailable", allowed: 0);
        var refused = (await EvictAsync("pod")).ExpectFailure(429, "TooManyRequests");
        Assert.Equal("DisruptionBudget", refused.TextAt("details.causes.0.reason"));
        Assert.Null((await Api.GetAsync($"{Pods}/pod", Cancel)).TextAt("metadata.deletionTimestamp"));
        // A plain deletion does not ask the budget.
        (await Api.DeleteAsync($"{Pods}/pod", Cancel)).Expect(200);
    }

    [Fact]
    public async Task A_budget_that_allows_one_lets_one_go()
    {
        await CreateRunningPodAsync("one", """{"app":"web"}""");
        await CreateRunningPodAsync("two", """{"app":"web"}""");
        await CreateBudgetAsync("maxUnavailable", allowed: 1);
        (await EvictAsync("one")).Expect(201);
        (await EvictAsync("two")).ExpectFailure(429, "TooManyRequests");
    }

    [Fact]
    public async Task A_budget_of_other_pods_does_not_matter()
    {
        await CreateRunningPodAsync("pod", """{"app":"db"}""");
        await CreateBudgetAsync("minAvailable", allowed: 0);
        (await EvictAsync("pod")).Expect(201);
    }

    [Fact]
    public async Task A_pending_pod_is_evicted_whatever_its_budget_says()
    {
        await CreatePodAsync("pod", """{"app":"web"}""");
        await CreateBudgetAsync("minAvailable", allowed: 0);
        (await EvictAsync("pod")).Expect(201);
        (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(404);
    }

    private async Task CreateRunningPodAsync(string name, string labels)
    {
        var node = await CreateNodeAsync();
        await CreatePodAsync(name, labels);
        (await BindAsync(name, node)).Expect(201);
        await PatchStatusAsync($"{Pods}/{name}", """{"phase":"Running","conditions":[{"type":"PodScheduled","status":"True"},{"type":"Ready","status":"True"}]}""");
    }

    // On a server without a controller the test does the controller's part and writes the status; where there is a controller, the
    // budget is chosen so that it comes to the same.
    private async Task CreateBudgetAsync(string rule, int allowed)
    {
        var version = await PolicyVersionAsync();
        var budgets = $"/apis/{version}/namespaces/{Namespace}/poddisruptionbudgets";
        var created = (await Api.PostAsync(budgets, $$"""
            {"apiVersion":"{{version}}","kind":"PodDisruptionBudget","metadata":{"name":"budget"},
             "spec":{"{{rule}}":1,"selector":{"matchLabels":{"app":"web"} } } }
            """, Cancel)).Expect(201);
        await PatchStatusAsync($"{budgets}/budget", $$"""
            {"observedGeneration":{{created.TextAt("metadata.generation") ?? "1"}},"disruptionsAllowed":{{allowed}},"currentHealthy":{{allowed + 1}},"desiredHealthy":1,"expectedPods":{{allowed + 1}} }
            """);
    }

    private async Task<string> PolicyVersionAsync()
    {
        var core = (await Api.GetAsync("/api/v1", Cancel)).Expect(200);
        var eviction = core.Body.At("resources")!.AsArray().Single(resource => resource.TextAt("name") == "pods/eviction");
        Assert.Equal("Eviction", eviction.TextAt("kind"));
        Assert.Equal("policy", eviction.TextAt("group"));
        return $"policy/{eviction.TextAt("version")}";
    }

    private async Task<ApiResponse> EvictAsync(string pod, string deleteOptions = "{}") =>
        await Api.PostAsync($"{Pods}/{pod}/eviction", $$"""
            {"apiVersion":"{{await PolicyVersionAsync()}}","kind":"Eviction","metadata":{"name":"{{pod}}","namespace":"{{Namespace}}"},"deleteOptions":{{deleteOptions}} }
            """, Cancel);
}
