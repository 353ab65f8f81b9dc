using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.FaultSimulation.Running;

/// <summary>A tenant of a run, as cluster.yaml says.</summary>
/// <param name="Namespace">Its name and its one namespace.</param>
/// <param name="Guaranteed">GPUs that it can always have.</param>
/// <param name="Limit">The most that it may have.</param>
internal sealed record TenantOfRun(string Namespace, int Guaranteed, int Limit);

/// <summary>Draws what users submit. Everything drawn here can run on the whole cluster, beside everything that runs for ever.</summary>
internal sealed class Workload(Random random)
{
    /// <summary>The tenants, in the order of their names.</summary>
    public static IReadOnlyList<TenantOfRun> Tenants { get; } = [new("search", 4, 8), new("speech", 2, 8), new("vision", 4, 8)];

    private static readonly string[] Classes = ["weir-opportunistic", "weir-training", "weir-training", "weir-interactive", "weir-inference"];

    private readonly HashSet<string> _withService = [];
    private int _number;

    /// <summary>The next submission.</summary>
    public JsonObject Next()
    {
        var tenant = Tenants[random.Next(Tenants.Count)];
        var name = string.Create(CultureInfo.InvariantCulture, $"w{_number++}");
        switch (random.Next(10))
        {
            case 0 when _withService.Add(tenant.Namespace):
                // One a tenant, inside its guarantee: it can never be in the way of what else is drawn.
                return Pod(name, tenant.Namespace, 1, null, random.Next(2) == 0 ? [("preemptible", "true")] : []);
            case 0 or 1:
                return Pod(name, tenant.Namespace, 1, Duration(), []);
            case 2 or 3 or 4:
                return Gang(name, tenant.Namespace, random.Next(2, 4), random.Next(1, 3));
            case 5:
                return Job(name, tenant.Namespace, random.Next(2, 5), 1, [.. Wishes()]);
            default:
                return Job(name, tenant.Namespace, 1, random.Next(1, 5), [.. Wishes()]);
        }
    }

    /// <summary>A pod of one GPU that ends soon.</summary>
    public static JsonObject Probe(string name, string @namespace) => Pod(name, @namespace, 1, "20s", []);

    private JsonObject Gang(string name, string @namespace, int members, int gpus) => Job(
        name, @namespace, members, gpus, [("pod-group", name), ("min-member", members.ToString(CultureInfo.InvariantCulture)), .. Wishes()]);

    private IEnumerable<(string Name, string Value)> Wishes()
    {
        if (random.Next(2) == 0)
            yield return ("preemption-grace", string.Create(CultureInfo.InvariantCulture, $"{random.Next(1, 15)}s"));
        if (random.Next(4) == 0)
            yield return ("min-runtime", string.Create(CultureInfo.InvariantCulture, $"{random.Next(5, 30)}s"));
        if (random.Next(2) == 0)
            yield return ("expected-duration", Duration());
    }

    private string Duration() => string.Create(CultureInfo.InvariantCulture, $"{random.Next(5, 60)}s");

    private JsonObject Job(string name, string @namespace, int pods, int gpus, (string Name, string Value)[] annotations)
    {
        var pod = Pod("unused", @namespace, gpus, Duration(), annotations);
        pod["spec"]!["priorityClassName"] = Classes[random.Next(Classes.Length)];
        return new JsonObject
        {
            ["apiVersion"] = "batch/v1",
            ["kind"] = "Job",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = @namespace },
            ["spec"] = new JsonObject
            {
                ["parallelism"] = pods,
                ["completions"] = pods,
                // Evictions and lost nodes are failures to a job; they are not what a run is about.
                ["backoffLimit"] = 100_000,
                ["template"] = new JsonObject
                {
                    ["metadata"] = new JsonObject { ["annotations"] = pod["metadata"]!["annotations"]!.DeepClone() },
                    ["spec"] = pod["spec"]!.DeepClone(),
                },
            },
        };
    }

    private static JsonObject Pod(string name, string @namespace, int gpus, string? duration, (string Name, string Value)[] annotations)
    {
        var written = new JsonObject();
        if (duration is not null)
            written["simulation.weir.scheduler/duration"] = duration;
        foreach (var (key, value) in annotations)
            written[$"weir.scheduler/{key}"] = value;
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = @namespace, ["annotations"] = written },
            ["spec"] = new JsonObject
            {
                ["schedulerName"] = "weir",
                ["restartPolicy"] = "Never",
                ["terminationGracePeriodSeconds"] = 5,
                ["containers"] = new JsonArray(new JsonObject
                {
                    ["name"] = "main",
                    ["image"] = "work",
                    ["resources"] = new JsonObject
                    {
                        ["requests"] = new JsonObject { ["cpu"] = "1" },
                        ["limits"] = new JsonObject { ["nvidia.com/gpu"] = gpus.ToString(CultureInfo.InvariantCulture) },
                    },
                }),
            },
        };
    }
}
