using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Scheduler.Daemon.Tests.Support;
using static Scheduler.Daemon.Tests.Support.ExtenderFixture;

namespace Scheduler.Daemon.Tests.Extender;

/// <summary>Bodies as kube-scheduler sends them, and the answers to the letter.</summary>
public class ExtenderProtocolTests
{
    [Fact]
    public async Task Filter_answers_the_one_node_and_the_same_one_again()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        const string Answer = """
            {"Nodes":null,"NodeNames":["n0"],"FailedNodes":{"n1":"Weir has chosen n0"},"FailedAndUnresolvableNodes":{"n1":"Weir has chosen n0"},"Error":""}
            """;
        Assert.Equal(Answer, await fixture.FilterAsync("p", "n1", "n0"));
        fixture.Cycle();
        Assert.Equal(Answer, await fixture.FilterAsync("p", "n1", "n0"));
    }

    [Fact]
    public async Task A_question_with_whole_nodes_is_answered_with_the_node_as_it_came()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        // Names of the envelope in any case.
        const string Question = """
            {"pod":{"metadata":{"name":"p","namespace":"ns","uid":"uid-p"}},
             "nodes":{"metadata":{"resourceVersion":"7"},"items":[
               {"metadata":{"name":"n0","labels":{"a":"b"}},"status":{"future":[1,2.50]}},{"metadata":{"name":"n1"}}]},
             "nodenames":null}
            """;
        Assert.Equal(
            """{"Nodes":{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"n0","labels":{"a":"b"}},"status":{"future":[1,2.50]}}]},"NodeNames":null,"FailedNodes":{"n1":"Weir has chosen n0"},"FailedAndUnresolvableNodes":{"n1":"Weir has chosen n0"},"Error":""}""",
            await fixture.PostAsync("filter", Question));
    }

    [Fact]
    public async Task A_pod_that_waits_gets_no_node_and_the_reason()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p", gpus: 3));
        fixture.Cycle();
        var answer = JsonNode.Parse(await fixture.FilterAsync("p", "n1", "n0"))!;
        Assert.Empty(answer["NodeNames"]!.AsArray());
        Assert.Equal("", answer["Error"]!.ToString());
        Assert.StartsWith("FlavorUnavailable: ", answer["FailedNodes"]!["n0"]!.ToString(), StringComparison.Ordinal);
        // An answer about a thousand nodes does not say it a thousand times.
        Assert.Equal("FlavorUnavailable", answer["FailedNodes"]!["n1"]!.ToString());
        Assert.True(JsonNode.DeepEquals(answer["FailedNodes"], answer["FailedAndUnresolvableNodes"]));
    }

    [Fact]
    public async Task A_pod_that_must_be_mended_is_told_so()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p", annotations: [("expected-duration", "soon")]));
        fixture.Cycle();
        Assert.Contains("InvalidPod: pod ns/p is not scheduled until this is mended: ", await fixture.FilterAsync("p", "n0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prioritize_gives_the_chosen_node_all_of_the_score()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        Assert.Equal("""[{"Host":"n0","Score":10},{"Host":"n1","Score":0}]""", await fixture.PostAsync("prioritize", Args("p", "n0", "n1")));
        Assert.Equal("""[{"Host":"n0","Score":0}]""", await fixture.PostAsync("prioritize", Args("unknown", "n0")));
    }

    [Fact]
    public async Task Bind_writes_node_and_devices_and_refuses_any_other_node()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Server.Answer("{}");
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        Assert.Equal("""{"Error":"ns/p goes to n0, not to n1; ask filter again"}""", await fixture.BindAsync("p", "n1"));
        Assert.Empty(fixture.Server.Requests);
        Assert.Equal("""{"Error":""}""", await fixture.BindAsync("p", "n0"));
        var written = Assert.Single(fixture.Server.Requests);
        Assert.Equal("/api/v1/namespaces/ns/pods/p/binding", written.Path);
        Assert.Contains("\"weir.scheduler/gpu-devices\":\"0\"", written.Body, StringComparison.Ordinal);
        Assert.Contains("\"uid\":\"uid-p\"", written.Body, StringComparison.Ordinal);
        Assert.Contains("\"name\":\"n0\"", written.Body, StringComparison.Ordinal);
        Assert.Contains("weir_extender_attempts_sum 0", await fixture.MetricsAsync(), StringComparison.Ordinal);
        Assert.Contains("weir_extender_commitments_ended_total{end=\"bound\"} 1", await fixture.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_binding_that_fails_is_told_and_its_room_is_free_again()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Server.Refuse(System.Net.HttpStatusCode.Forbidden);
        fixture.Arrives(Pod("p", gpus: 2));
        fixture.Cycle();
        var answer = await fixture.BindAsync("p", "n0");
        Assert.StartsWith("""{"Error":"binding ns/p to n0: Rejected: """, answer, StringComparison.Ordinal);
        Assert.Contains("scripted", answer, StringComparison.Ordinal);
        Assert.Null(fixture.Cache.NodeOf(new Core.Model.PodId("uid-p")));
        Assert.Equal("""{"Error":"nothing is decided for ns/p any more; it is planned again, ask filter"}""", await fixture.BindAsync("p", "n0"));
    }

    [Theory]
    [InlineData("""{"NodeNameToVictims":null,"NodeNameToMetaVictims":{"n0":{"Pods":[{"UID":"uid-low"}],"NumPDBViolations":0}}}""")]
    [InlineData("""{"NodeNameToVictims":{"n0":{"Pods":[{"metadata":{"uid":"uid-low"}}],"NumPDBViolations":0}},"NodeNameToMetaVictims":null}""")]
    public async Task Preempt_for_a_pod_that_Weir_plans_kills_nobody(string victims)
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("low") with { Priority = -1 });
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        Assert.Equal("""{"NodeNameToMetaVictims":{}}""", await fixture.PostAsync("preempt", WithPod(victims, "p")));
    }

    [Fact]
    public async Task Preempt_for_another_pod_spares_those_that_Weir_plans()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("planned"));
        fixture.Arrives(Pods.Map("\"schedulerName\":\"other\"", name: "free"));
        fixture.Arrives(Pods.Map("\"schedulerName\":\"other\"", name: "p"));
        const string Victims = """
            {"NodeNameToMetaVictims":{
              "n0":{"Pods":[{"UID":"uid-free"},{"UID":"uid-planned"}],"NumPDBViolations":0},
              "n1":{"Pods":[{"UID":"uid-free"}],"NumPDBViolations":2},
              "n2":{"Pods":[],"NumPDBViolations":0}, "n3":null,
              "n4":{"Pods":[{"UID":"uid-never-seen"}],"NumPDBViolations":0}}}
            """;
        Assert.Equal("""{"NodeNameToMetaVictims":{"n1":{"Pods":[{"UID":"uid-free"}],"NumPDBViolations":2}}}""", await fixture.PostAsync("preempt", WithPod(Victims, "p")));
    }

    [Fact]
    public async Task A_pod_that_Weir_does_not_plan_passes_where_its_books_have_room_and_is_bound_without_devices()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Cache.Nodes.Replace([CacheFixture.Node("n0", 2), CacheFixture.Node("n1", 2)]);
        fixture.Arrives(Pods.Map("\"schedulerName\":\"other\"," + Pods.Gpus(1), name: "other"));
        fixture.Arrives(Pod("p", gpus: 2));
        fixture.Cycle();
        Assert.Equal(
            """{"Nodes":null,"NodeNames":["n1"],"FailedNodes":{"n0":"Weir: node n0 has too few GPUs left","n2":"Weir: Weir does not know this node yet"},"FailedAndUnresolvableNodes":{},"Error":""}""",
            await fixture.FilterAsync("other", "n0", "n1", "n2"));
        fixture.Server.Answer("{}");
        Assert.Equal("""{"Error":""}""", await fixture.BindAsync("other", "n1"));
        Assert.DoesNotContain("gpu-devices", Assert.Single(fixture.Server.Requests).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("filter", "", "the request cannot be read at $, line 1, byte 0")]
    [InlineData("filter", "null", "the request is null; it has to be an object")]
    [InlineData("filter", """{"Pod":7}""", "the request Pod is not there")]
    [InlineData("filter", """{"Pod":{"metadata":{"name":"p","namespace":"ns"}}}""", "the request Pod.metadata.uid is not a text, or empty")]
    [InlineData("filter", """{"Pod":{"metadata":{"name":"p","namespace":"ns","uid":"u"}}}""",
        "the request names no nodes: NodeNames (nodeCacheCapable: true) or Nodes has to be there")]
    [InlineData("filter", """{"Pod":{"metadata":{"name":"p","namespace":"ns","uid":"u"}},"NodeNames":["n0",null]}""", "the request NodeNames[1] is not the name of a node")]
    [InlineData("filter", """{"NodeNames":[["n0"]]}""", "the request cannot be read at $.NodeNames[0], line 1, byte 15")]
    [InlineData("bind", """{"PodName":"p","PodNamespace":"ns","Node":"n0"}""", "the request PodUID is not there, or empty")]
    public async Task What_cannot_be_understood_is_one_clear_error(string verb, string body, string error)
    {
        await using var fixture = new ExtenderFixture();
        Assert.Equal(error, JsonNode.Parse(await fixture.PostAsync(verb, body))!["Error"]!.ToString());
        Assert.Contains($"weir_extender_requests_total{{verb=\"{verb}\",result=\"error\"}} 1", await fixture.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_an_answer_has_no_place_for_an_error_it_does_nothing()
    {
        await using var fixture = new ExtenderFixture();
        Assert.Equal("[]", await fixture.PostAsync("prioritize", "{"));
        Assert.Equal("""{"NodeNameToMetaVictims":{}}""", await fixture.PostAsync("preempt", "{"));
    }

    [Theory]
    [InlineData("POST", "/extender/unreserve", StatusCodes.Status404NotFound)]
    [InlineData("POST", "/extender/", StatusCodes.Status404NotFound)]
    [InlineData("POST", "/filter", StatusCodes.Status404NotFound)]
    [InlineData("POST", "/extender/filter/", StatusCodes.Status404NotFound)]
    [InlineData("GET", "/extender/filter", StatusCodes.Status405MethodNotAllowed)]
    public async Task An_unknown_verb_is_not_found(string method, string path, int status)
    {
        await using var fixture = new ExtenderFixture();
        Assert.Equal(status, (await fixture.SendAsync(method, path, [])).Response.StatusCode);
    }

    [Fact]
    public async Task A_replica_that_stands_by_says_so_and_closes_the_connection()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        fixture.Leadership.Lose();
        var context = await fixture.SendAsync("POST", "/extender/filter", Encoding.UTF8.GetBytes(Args("p", "n0")));
        Assert.Equal("close", context.Response.Headers.Connection);
        Assert.Contains("this replica of Weir stands by, another leads", Text(context), StringComparison.Ordinal);
        Assert.Contains("this replica of Weir stands by", await fixture.BindAsync("p", "n0"), StringComparison.Ordinal);
        Assert.Empty(fixture.Server.Requests);
    }

    [Fact]
    public async Task Nothing_is_answered_before_the_first_lists_are_done()
    {
        await using var fixture = new ExtenderFixture { IsSynced = false };
        Assert.Contains("Weir has not read the cluster yet", await fixture.FilterAsync("p", "n0"), StringComparison.Ordinal);
    }

    /// <summary>Hundreds of bodies that are valid but for one change: each is answered, and none with the word of a bug.</summary>
    [Fact]
    public async Task Damaged_bodies_are_answered_without_a_crash()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p", gpus: 3));
        fixture.Cycle();
        (string Verb, string Body)[] seeds =
        [
            ("filter", Args("p", "n0", "n1")),
            ("filter", """{"Pod":{"metadata":{"name":"p","namespace":"ns","uid":"uid-p"}},"Nodes":{"metadata":{},"items":[{"metadata":{"name":"n0"}}]}}"""),
            ("prioritize", Args("p", "n0", "n1")),
            ("preempt", WithPod("""{"NodeNameToMetaVictims":{"n0":{"Pods":[{"UID":"u"}],"NumPDBViolations":0}}}""", "p")),
            ("preempt", WithPod("""{"NodeNameToVictims":{"n0":{"Pods":[{"metadata":{"uid":"u"}}],"NumPDBViolations":0}}}""", "p")),
            ("bind", Binding("p", "n0")),
        ];
        var random = new TestKit.Clusters.SplitMix64(16);
        string[] pieces = ["null", "7", "\"\"", "[]", "{}", "[null]", "-1e999", "\"\\ud800\"", "true", "{\"metadata\":[]}", new string('[', 80), "\0"];
        for (var round = 0; round < 600; round++)
        {
            var (verb, body) = seeds[round % seeds.Length];
            var at = random.Below(body.Length);
            var length = Math.Min(random.Below(12), body.Length - at);
            var damaged = body[..at] + (random.Below(3) == 0 ? "" : pieces[random.Below(pieces.Length)]) + body[(at + length)..];
            // A pod that it does not know makes filter wait for it: no case for here.
            if (verb == "filter" && !damaged.Contains("\"uid-p\"", StringComparison.Ordinal))
                continue;
            var answer = await fixture.PostAsync(verb, damaged);
            Assert.NotNull(JsonNode.Parse(answer));
            Assert.False(answer.Contains("Weir failed", StringComparison.Ordinal), $"{verb} {damaged}\n{answer}");
        }
    }

    private static string WithPod(string body, string pod) => $$$"""{"Pod":{"metadata":{"name":"{{{pod}}}","namespace":"ns","uid":"uid-{{{pod}}}"}},""" + body.TrimStart()[1..];
}
