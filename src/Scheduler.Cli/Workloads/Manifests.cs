using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Cli.Workloads;

/// <summary>Writes pods, jobs and deployments as a user would apply them. Pure.</summary>
internal static class Manifests
{
    public const string AnnotationPrefix = "weir.scheduler/";
    public const string DevicesAnnotation = AnnotationPrefix + "gpu-devices";
    public const string FractionAnnotation = AnnotationPrefix + "gpu-fraction";
    public const string GpuResource = "nvidia.com/gpu";
    public const string MigResourcePrefix = "nvidia.com/mig-";
    public const string ProductLabel = "nvidia.com/gpu.product";
    public const string SchedulerName = "weir";

    /// <summary>Evicted pods count as failures of their job; a job must survive many of them.</summary>
    private const int BackoffLimit = 10_000;

    private const string Image = "example.com/simulated:1";

    public static JsonObject Pod(string inNamespace, string name, PodRequest request, Gang? gang = null)
    {
        var pod = PodTemplate(request, gang, new() { ["app"] = name }, "Never");
        pod["apiVersion"] = "v1";
        pod["kind"] = "Pod";
        pod["metadata"]!["name"] = name;
        pod["metadata"]!["namespace"] = inNamespace;
        return pod;
    }

    public static JsonObject Job(string inNamespace, string name, PodRequest request, int pods, int minMember) => new()
    {
        ["apiVersion"] = "batch/v1",
        ["kind"] = "Job",
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = inNamespace },
        ["spec"] = new JsonObject
        {
            ["parallelism"] = pods,
            ["completions"] = pods,
            ["backoffLimit"] = BackoffLimit,
            ["template"] = PodTemplate(request, minMember > 1 ? new Gang(name, minMember) : null, new() { ["app"] = name }, "Never"),
        },
    };

    public static JsonObject Deployment(string inNamespace, string name, PodRequest request, int pods) => new()
    {
        ["apiVersion"] = "apps/v1",
        ["kind"] = "Deployment",
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = inNamespace },
        ["spec"] = new JsonObject
        {
            ["replicas"] = pods,
            ["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = name } },
            ["template"] = PodTemplate(request, gang: null, new() { ["app"] = name }, "Always"),
        },
    };

    public static JsonObject Namespace(string name) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Namespace",
        ["metadata"] = new JsonObject { ["name"] = name },
    };

    private static JsonObject PodTemplate(PodRequest request, Gang? gang, Dictionary<string, string> labels, string restartPolicy)
    {
        foreach (var (key, value) in request.Labels)
        {
            labels[key] = value;
        }

        var resources = Resources(request);
        var spec = new JsonObject
        {
            ["schedulerName"] = SchedulerName,
            ["restartPolicy"] = restartPolicy,
            ["containers"] = new JsonArray(new JsonObject
            {
                ["name"] = "main",
                ["image"] = Image,
                ["resources"] = new JsonObject { ["requests"] = resources, ["limits"] = resources.DeepClone() },
            }),
        };
        if (request.PriorityClass is { } priorityClass)
        {
            spec["priorityClassName"] = priorityClass;
        }

        if (!request.GpuModels.IsEmpty)
        {
            spec["affinity"] = ProductAffinity(request.GpuModels);
        }

        return new JsonObject
        {
            ["metadata"] = new JsonObject { ["labels"] = Texts(labels), ["annotations"] = Texts(Annotations(request, gang)) },
            ["spec"] = spec,
        };
    }

    private static JsonObject Resources(PodRequest request)
    {
        var resources = new JsonObject();
        if (request.CpuMilli > 0)
        {
            resources["cpu"] = Text(request.CpuMilli) + "m";
        }

        if (request.MemoryBytes > 0)
        {
            resources["memory"] = Text(request.MemoryBytes);
        }

        switch (request.Gpu.Kind)
        {
            case GpuRequestKind.Whole:
                resources[GpuResource] = Text(request.Gpu.Count);
                break;
            case GpuRequestKind.Mig:
                resources[MigResourcePrefix + request.Gpu.MigProfile] = Text(request.Gpu.Count);
                break;
            default:
                break;
        }

        return resources;
    }

    private static SortedDictionary<string, string> Annotations(PodRequest request, Gang? gang)
    {
        var annotations = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in request.Annotations)
        {
            annotations[key] = value;
        }

        if (request.Gpu.Kind == GpuRequestKind.Fraction)
        {
            annotations[FractionAnnotation] = (request.Gpu.MilliEach / 1000m).ToString("0.###", NumberFormatInfo.InvariantInfo);
        }

        if (request.Duration is { } duration)
        {
            annotations[AnnotationPrefix + "expected-duration"] = DurationText.Seconds(duration);
        }

        if (request.IsPreemptible)
        {
            annotations[AnnotationPrefix + "preemptible"] = "true";
        }

        if (gang is not null)
        {
            annotations[AnnotationPrefix + "pod-group"] = gang.Name;
            annotations[AnnotationPrefix + "min-member"] = Text(gang.MinMember);
        }

        return annotations;
    }

    private static JsonObject ProductAffinity(IEnumerable<string> models) => new()
    {
        ["nodeAffinity"] = new JsonObject
        {
            ["requiredDuringSchedulingIgnoredDuringExecution"] = new JsonObject
            {
                ["nodeSelectorTerms"] = new JsonArray(new JsonObject
                {
                    ["matchExpressions"] = new JsonArray(new JsonObject
                    {
                        ["key"] = ProductLabel,
                        ["operator"] = "In",
                        ["values"] = new JsonArray([.. models.Select(model => (JsonNode)model)]),
                    }),
                }),
            },
        },
    };

    private static JsonObject Texts(IEnumerable<KeyValuePair<string, string>> pairs) =>
        new(pairs.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value)));

    private static string Text(long number) => number.ToString(NumberFormatInfo.InvariantInfo);
}
