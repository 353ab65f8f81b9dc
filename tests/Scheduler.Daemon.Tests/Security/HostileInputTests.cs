using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Options;
using Scheduler.Daemon.Tests.WholePath;
using Scheduler.TestKit.Clusters;
using Weir.V1;

namespace Scheduler.Daemon.Tests.Security;

/// <summary>
/// Requests and objects that are broken or absurd, from a seed. 300 of each kind in the usual run; WEIR_CASES sets another number
/// (100,000 for the long form), WEIR_SEED the first seed.
/// </summary>
public class HostileInputTests(ITestOutputHelper output)
{
    private const int UsualCases = 300;
    private const ulong FirstSeed = 20261130;

    private static readonly string[] Absurd =
    [
        "", "-1", "0", "1e999", "-0", "99999999999999999999999999", "9223372036854775807", "1Ei", "9999999Ei", "0.0000000000001n", "NaN", "∞", "null", "true", "[]", "{}",
        "\\u0000", "../../etc", "a/b/c/d", "${jndi}", "%00", "'; drop", "🙂", "\\ud800", "required=", "required=x,preferred=y", "99999999h", "-5m", "1h1h1h", "0x10", "½",
    ];

    private static readonly string[] ExtenderVerbs = ["filter", "prioritize", "preempt", "bind"];

    [Fact]
    public async Task No_body_breaks_the_extender()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync(settings => settings with { Extender = new ExtenderOptions { Enabled = true, Port = 0, DecisionWaitMilliseconds = 0, MaxRequestMebibytes = 1 } });
        await ClusterFixture.UntilCycleAsync(host, _ => true);
        using var client = new HttpClient();
        var answers = new SortedDictionary<string, int>(StringComparer.Ordinal);
        await ForEachCaseAsync(async random =>
        {
            var body = Mutate(Encoding.UTF8.GetBytes(random.Pick(Filter(random), Preempt(random), Bind(random))), random);
            using var content = new ByteArrayContent(body);
            using var answer = await client.PostAsync(new Uri($"{host.ExtenderAddress}/{random.Pick(ExtenderVerbs)}"), content, Cancel);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStreamAsync(Cancel));
            var kind = json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("Error", out var error) && error.GetString() is { Length: > 0 } ? "error" : "answer";
            answers[kind] = answers.GetValueOrDefault(kind) + 1;
        });
        output.WriteLine(string.Join(", ", answers));
        // Both happen, or the bodies are of one kind only.
        Assert.Equal(["answer", "error"], answers.Keys);
        Assert.True(host.Readiness.IsOk, host.Readiness.Text);
    }

    [Fact]
    public async Task No_request_breaks_the_grpc_api()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync();
        await ClusterFixture.UntilCycleAsync(host, _ => true);
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var statuses = new SortedDictionary<string, int>(StringComparer.Ordinal);
        await ForEachCaseAsync(async random =>
        {
            var (method, request, parser) = Request(random);
            var body = Mutate(request.ToByteArray(), random);
            var (status, message) = await CallAsync(client, host, method, body);
            // UNKNOWN is an exception in a handler, unless the bytes are no message at all: that is what gRPC says of them.
            Assert.True(status != "2" || !IsMessage(parser, body), $"{method} {Convert.ToHexString(body)}: {message}");
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
        });
        output.WriteLine(string.Join(", ", statuses));
        Assert.Contains("0", statuses.Keys);
        Assert.Contains("3", statuses.Keys);
        Assert.True(host.Readiness.IsOk, host.Readiness.Text);
    }

    [Fact]
    public async Task No_pod_breaks_the_mapping()
    {
        var (mapped, refused) = (0, 0);
        await ForEachCaseAsync(random =>
        {
            var text = Mutate(Encoding.UTF8.GetBytes(Pod(random)), random);
            PodObject? pod;
            try
            {
                pod = JsonSerializer.Deserialize(text, WireJson.Default.PodObject);
            }
            catch (JsonException)
            {
                // The watch counts it and goes on.
                refused++;
                return Task.CompletedTask;
            }

            if (pod is not null)
            {
                PodMapping.Map(pod, new PodMappingSettings { SchedulerName = "weir", TopologyLevels = ["zone"] });
                mapped++;
            }

            return Task.CompletedTask;
        });
        output.WriteLine($"{mapped} mapped, {refused} refused");
        Assert.True(mapped > 0 && refused > 0);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task ForEachCaseAsync(Func<SplitMix64, Task> run)
    {
        var cases = int.TryParse(Environment.GetEnvironmentVariable("WEIR_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : UsualCases;
        var first = ulong.TryParse(Environment.GetEnvironmentVariable("WEIR_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : FirstSeed;
        for (var number = 0; number < cases; number++)
        {
            try
            {
                await run(new SplitMix64(first + (ulong)number));
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"WEIR_CASES=1 WEIR_SEED={first + (ulong)number} replays it", failure);
            }
        }
    }

    /// <summary>Half of them stay whole, so that what is absurd is reached; the others lose, gain or change bytes.</summary>
    private static byte[] Mutate(byte[] body, SplitMix64 random)
    {
        if (random.Chance(50) || body.Length == 0)
            return body;
        var bytes = new List<byte>(body);
        for (var times = random.Between(1, 4); times > 0 && bytes.Count > 0; times--)
        {
            var place = random.Below(bytes.Count);
            switch (random.Below(4))
            {
                case 0:
                    bytes[place] = (byte)random.Below(256);
                    break;
                case 1:
                    bytes.RemoveRange(place, Math.Min(bytes.Count - place, random.Between(1, 20)));
                    break;
                case 2:
                    bytes.InsertRange(place, Encoding.UTF8.GetBytes(random.Pick(Absurd)));
                    break;
                default:
                    bytes.InsertRange(place, bytes.GetRange(place, Math.Min(bytes.Count - place, random.Between(1, 200))));
                    break;
            }
        }

        return [.. bytes];
    }

    private static string Text(SplitMix64 random) => random.Chance(3) ? new string('x', random.Between(1000, 30_000)) : random.Pick(Absurd);

    private static string Value(SplitMix64 random) => random.Below(5) switch
    {
        0 => "null",
        1 => "[]",
        2 => "{}",
        3 => random.Pick("-1", "0", "1", "3.5", "1e308", "99999999999999999999"),
        _ => $"\"{Text(random)}\"",
    };

    private static string Pod(SplitMix64 random)
    {
        string[] annotations = ["pod-group", "min-member", "expected-duration", "preemption-grace", "min-runtime", "checkpointed-at", "preemptible", "gpu-fraction", "topology", "preempt-by", "preempted-for", "gpu-devices", "reservation"];
        var noted = string.Join(',', Enumerable.Range(0, random.Below(4)).Select(_ => $"\"weir.scheduler/{random.Pick(annotations)}\":{(random.Chance(80) ? $"\"{Text(random)}\"" : Value(random))}"));
        var limits = string.Join(',', new[] { "cpu", "memory", "nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "nvidia.com/mig-9z" }.Where(_ => random.Chance(40)).Select(name => $"\"{name}\":{Value(random)}"));
        var name = random.Chance(80) ? "p" : Text(random);
        var uid = random.Chance(90) ? $"u{random.Below(9)}" : "";
        var selected = random.Chance(80) ? "\"b\"" : Value(random);
        var scheduler = random.Pick("weir", "default-scheduler");
        var priority = random.Pick("0", "2147483647", "-2147483648");
        return $$"""
            {"metadata":{"name":"{{name}}","namespace":"search","uid":"{{uid}}","creationTimestamp":"2026-01-01T00:00:00Z","annotations":{ {{noted}} } },
             "spec":{"schedulerName":"{{scheduler}}","priority":{{priority}},"containers":[ {"resources":{"limits":{ {{limits}} },"requests":{ {{limits}} } } } ],
                     "nodeSelector":{"a":{{selected}} },"tolerations":[ {"operator":"{{Text(random)}}","effect":"{{Text(random)}}" } ] } }
            """;
    }

    private static string Filter(SplitMix64 random)
    {
        var pod = random.Chance(90) ? Pod(random) : Value(random);
        var names = random.Pick("[\"n0\",\"n1\"]", "[\"nowhere\"]", "null", "[]", Value(random));
        var nodes = random.Pick("null", "null", Value(random));
        return $"{{\"Pod\":{pod},\"NodeNames\":{names},\"Nodes\":{nodes}}}";
    }

    private static string Preempt(SplitMix64 random)
    {
        var budgets = random.Pick("0", "-1", Value(random));
        return $"{{\"Pod\":{Pod(random)},\"NodeNameToMetaVictims\":{{\"n0\":{{\"Pods\":[{{\"UID\":\"{Text(random)}\"}}],\"NumPDBViolations\":{budgets}}}}}}}";
    }

    private static string Bind(SplitMix64 random)
    {
        var node = random.Pick("n0", Text(random));
        return $"{{\"PodName\":\"{Text(random)}\",\"PodNamespace\":\"search\",\"PodUID\":{Value(random)},\"Node\":\"{node}\"}}";
    }

    private static (string Method, IMessage Request, MessageParser Parser) Request(SplitMix64 random)
    {
        // Unpaired surrogates are no text that protobuf can send.
        string Name() => random.Chance(30) ? random.Pick("search", "search/pod/p") : Text(random).Replace("\\", "", StringComparison.Ordinal);
        return random.Below(5) switch
        {
            0 => ("QueueService/ListQueue", new ListQueueRequest { Tenant = random.Chance(50) ? "" : Name(), PageSize = random.Pick(0, 1, -1, int.MaxValue, int.MinValue), PageToken = random.Chance(50) ? "" : Name() }, ListQueueRequest.Parser),
            1 => ("QueueService/GetPosition", new GetPositionRequest { Workload = Name() }, GetPositionRequest.Parser),
            2 => ("QueueService/GetPosition", new GetPositionRequest { Pod = new PodRef { Namespace = Name(), Name = Name() } }, GetPositionRequest.Parser),
            3 => ("TenantService/GetTenant", new GetTenantRequest { Name = Name() }, GetTenantRequest.Parser),
            _ => ("TenantService/ListTenants", new ListTenantsRequest(), ListTenantsRequest.Parser),
        };
    }

    private static bool IsMessage(MessageParser parser, byte[] body)
    {
        try
        {
            parser.ParseFrom(body);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static async Task<(string Status, string Message)> CallAsync(HttpClient client, DaemonHost host, string method, byte[] body)
    {
        var framed = new byte[body.Length + 5];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), body.Length);
        body.CopyTo(framed, 5);
        using var content = new ByteArrayContent(framed);
        content.Headers.ContentType = new("application/grpc");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(host.GrpcAddress, $"/weir.v1.{method}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.TE.Add(new("trailers"));
        using var answer = await client.SendAsync(request, Cancel);
        await answer.Content.ReadAsByteArrayAsync(Cancel);
        return (Header("grpc-status"), Header("grpc-message"));

        string Header(string name) => answer.TrailingHeaders.TryGetValues(name, out var trailers) ? trailers.First()
            : answer.Headers.TryGetValues(name, out var headers) ? headers.First() : "";
    }
}
