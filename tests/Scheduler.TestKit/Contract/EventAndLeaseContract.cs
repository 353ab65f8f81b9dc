using k8s;
using k8s.Models;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>Events, and the leases that elect a leader.</summary>
public abstract class EventAndLeaseContract(IContractServer server) : ContractTest(server)
{
    private string Events => $"/api/v1/namespaces/{Namespace}/events";

    private string Leases => $"/apis/coordination.k8s.io/v1/namespaces/{Namespace}/leases";

    [Fact]
    public async Task Events_are_created_and_found_by_what_they_are_about()
    {
        (await CreateEventAsync("first", "pod-a", "Scheduled", "Normal")).Expect(201);
        (await CreateEventAsync("second", "pod-b", "FailedScheduling", "Warning")).Expect(201);
        Assert.Equal("first second", await SelectedAsync(""));
        Assert.Equal("first", await SelectedAsync("involvedObject.name=pod-a"));
        Assert.Equal("second", await SelectedAsync("involvedObject.kind=Pod,involvedObject.name=pod-b"));
        Assert.Equal("second", await SelectedAsync("reason=FailedScheduling"));
        Assert.Equal("second", await SelectedAsync("type=Warning"));
        Assert.Equal("", await SelectedAsync("involvedObject.uid=nobody"));
    }

    [Fact]
    public async Task An_event_that_happens_again_is_counted_by_a_patch()
    {
        (await CreateEventAsync("first", "pod-a", "FailedScheduling", "Warning")).Expect(201);
        var again = (await Api.PatchAsync($"{Events}/first", ApiClient.StrategicMergePatch, """{"count":2,"lastTimestamp":"2026-01-02T03:04:09Z"}""", Cancel)).Expect(200);
        Assert.Equal("2", again.TextAt("count"));
        Assert.Equal("pod-a", again.TextAt("involvedObject.name"));
    }

    [Fact]
    public async Task An_event_about_an_object_of_another_namespace_is_refused()
    {
        var refused = await Api.PostAsync(Events, """
            {"apiVersion":"v1","kind":"Event","metadata":{"name":"bad"},"involvedObject":{"kind":"Pod","name":"x","namespace":"default"},"reason":"R","type":"Normal"}
            """, Cancel);
        refused.ExpectFailure(422, "Invalid");
        Assert.Contains("involvedObject.namespace", refused.TextAt("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_event_shows_up_in_a_watch()
    {
        var version = (await Api.GetAsync(Events, Cancel)).Expect(200).Version;
        using var watch = await Api.WatchAsync($"{Events}?watch=true&resourceVersion={version}&timeoutSeconds=60", Cancel);
        (await CreateEventAsync("first", "pod-a", "Scheduled", "Normal")).Expect(201);
        await watch.ExpectAsync("ADDED", "first", Cancel);
    }

    [Fact]
    public async Task A_lease_is_taken_by_whoever_creates_it_and_kept_from_whoever_is_late()
    {
        (await Api.PostAsync(Leases, Lease("alice", ""), Cancel)).Expect(201);
        (await Api.PostAsync(Leases, Lease("bob", ""), Cancel)).ExpectFailure(409, "AlreadyExists");

        var seen = (await Api.GetAsync($"{Leases}/leader", Cancel)).Expect(200);
        Assert.Equal("alice", seen.TextAt("spec.holderIdentity"));
        Assert.Equal("2026-01-02T03:04:05.678901Z", seen.TextAt("spec.renewTime"));
        var renewed = (await Api.PutAsync($"{Leases}/leader", Lease("alice", seen.Version, transitions: 1), Cancel)).Expect(200);
        (await Api.PutAsync($"{Leases}/leader", Lease("bob", seen.Version, transitions: 2), Cancel)).ExpectFailure(409, "Conflict");
        Assert.Equal("alice", (await Api.GetAsync($"{Leases}/leader", Cancel)).TextAt("spec.holderIdentity"));
        Assert.Equal("bob", (await Api.PutAsync($"{Leases}/leader", Lease("bob", renewed.Version, transitions: 2), Cancel)).Expect(200).TextAt("spec.holderIdentity"));
    }

    [Fact]
    public async Task A_time_of_a_lease_without_microseconds_is_400() =>
        (await Api.PostAsync(Leases, Lease("alice", "").Replace(".678901", "", StringComparison.Ordinal), Cancel)).ExpectFailure(400, "BadRequest");

    [Fact]
    public async Task A_lease_is_not_replaced_without_a_version()
    {
        (await Api.PostAsync(Leases, Lease("alice", ""), Cancel)).Expect(201);
        (await Api.PutAsync($"{Leases}/leader", Lease("bob", "", transitions: 2), Cancel)).ExpectFailure(422, "Invalid");
    }

    [Fact]
    public async Task Of_many_who_renew_from_the_same_version_exactly_one_wins()
    {
        var version = (await Api.PostAsync(Leases, Lease("nobody", ""), Cancel)).Expect(201).Version;
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Api.PutAsync($"{Leases}/leader", Lease($"candidate-{i}", version), Cancel)));
        var winner = Assert.Single(answers, answer => answer.Code == 200);
        Assert.All(answers.Where(answer => answer.Code != 200), answer => answer.ExpectFailure(409, "Conflict"));
        Assert.Equal(winner.TextAt("spec.holderIdentity"), (await Api.GetAsync($"{Leases}/leader", Cancel)).TextAt("spec.holderIdentity"));
    }

    [Fact]
    public async Task The_typed_client_takes_and_renews_a_lease()
    {
        using var client = Server.Endpoint.CreateClient();
        var lease = new V1Lease
        {
            Metadata = new() { Name = "leader" },
            // Not a whole second: the client would leave the fraction out, and kube-apiserver refuses a time of a lease without one.
            Spec = new() { HolderIdentity = "alice", LeaseDurationSeconds = 15, RenewTime = new DateTime(2026, 1, 2, 3, 4, 5, 250, DateTimeKind.Utc) },
        };
        var created = await client.CoordinationV1.CreateNamespacedLeaseAsync(lease, Namespace, cancellationToken: Cancel);
        Assert.Equal(lease.Spec.RenewTime, created.Spec.RenewTime?.ToUniversalTime());
        created.Spec.RenewTime = lease.Spec.RenewTime.Value.AddMilliseconds(1500);
        var renewed = await client.CoordinationV1.ReplaceNamespacedLeaseAsync(created, "leader", Namespace, cancellationToken: Cancel);
        Assert.Equal(created.Spec.RenewTime, renewed.Spec.RenewTime?.ToUniversalTime());
    }

    private Task<ApiResponse> CreateEventAsync(string name, string about, string reason, string type) => Api.PostAsync(Events, $$"""
        {"apiVersion":"v1","kind":"Event","metadata":{"name":"{{name}}"},
         "involvedObject":{"apiVersion":"v1","kind":"Pod","namespace":"{{Namespace}}","name":"{{about}}"},
         "reason":"{{reason}}","message":"because","type":"{{type}}","source":{"component":"weir"},
         "firstTimestamp":"2026-01-02T03:04:05Z","lastTimestamp":"2026-01-02T03:04:05Z","count":1}
        """, Cancel);

    private async Task<string> SelectedAsync(string selector) =>
        string.Join(' ', (await Api.GetAsync($"{Events}?fieldSelector={Uri.EscapeDataString(selector)}", Cancel)).Expect(200).Names);

    private static string Lease(string holder, string version, int transitions = 0) => $$"""
        {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"leader","resourceVersion":"{{version}}"},
         "spec":{"holderIdentity":"{{holder}}","leaseDurationSeconds":15,"leaseTransitions":{{transitions}},"renewTime":"2026-01-02T03:04:05.678901Z"} }
        """;
}
