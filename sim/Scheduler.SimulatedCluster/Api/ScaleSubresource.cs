using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Patching;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>The scale of replica sets and deployments: one number, in an object of its own.</summary>
internal sealed class ScaleSubresource(ObjectService objects)
{
    public async Task GetAsync(RequestContext request, ResourceType type, ObjectKey key) =>
        await request.AnswerAsync(200, Scale(objects.Get(type, key).Parse()));

    public async Task WriteAsync(RequestContext request, ResourceType type, ObjectKey key, bool isPatch)
    {
        var options = request.WriteOptions();
        var body = RequestContext.ParseNode(await request.ReadBodyAsync(), isYaml: false);
        var stored = objects.Update(
            type, key,
            current =>
            {
                var scale = isPatch ? Patched(Scale(current), body) : body as JsonObject ?? throw ApiException.BadRequest("a Scale is needed");
                var replicas = scale.LongAt("spec", "replicas") ?? 0;
                if (replicas < 0)
                    throw ApiException.Invalid(type, key.Name, [FieldError.Invalid("spec.replicas", $"{replicas}", "must be greater than or equal to 0")]);
                if (scale.StringAt("metadata", "resourceVersion") is { Length: > 0 } version)
                    current.Child("metadata")["resourceVersion"] = version;
                current.Child("spec")["replicas"] = replicas;
                return current;
            },
            UpdateScope.Main, options);
        await request.AnswerAsync(200, Scale(stored.Parse()));
    }

    private static JsonObject Patched(JsonObject scale, JsonNode? patch) => patch is JsonArray operations
        ? JsonPatch.Apply(scale, operations)
        : MergePatch.Apply(scale, patch)!.AsObject();

    private static JsonObject Scale(JsonObject obj)
    {
        var metadata = new JsonObject();
        foreach (var name in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
            metadata.CopyFrom(obj.ObjectAt("metadata"), name);
        return new JsonObject
        {
            ["kind"] = "Scale",
            ["apiVersion"] = "autoscaling/v1",
            ["metadata"] = metadata,
            ["spec"] = new JsonObject { ["replicas"] = obj.LongAt("spec", "replicas") ?? 0 },
            ["status"] = new JsonObject
            {
                ["replicas"] = obj.LongAt("status", "replicas") ?? 0,
                ["selector"] = string.Join(',', obj.StringMap("spec", "selector", "matchLabels").Select(p => $"{p.Key}={p.Value}")),
            },
        };
    }
}
