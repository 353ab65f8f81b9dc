using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Controllers;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>Binding, eviction and logs of pods.</summary>
internal sealed class PodSubresources(ObjectService objects, DisruptionBudgets budgets)
{
    private long _bound;

    /// <summary>Successful bindings since the start.</summary>
    public long BoundTotal => Interlocked.Read(ref _bound);

    public async Task BindAsync(RequestContext request, ObjectKey key)
    {
        var options = request.WriteOptions();
        var binding = await request.ReadObjectAsync();
        if (key.Name.Length == 0)
            key = key with { Name = binding.StringAt("metadata", "name") ?? throw ApiException.BadRequest("name must be provided") };
        if (binding.StringAt("metadata", "name") != key.Name)
            throw ApiException.BadRequest("name in URL does not match name in Binding object");
        Bind(key, binding, options);
        await request.AnswerAsync(201, new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Success",
            ["code"] = 201,
        });
    }

    /// <summary>Sets the node of a pod that has none, once.</summary>
    public void Bind(ObjectKey key, JsonObject binding, WriteOptions options)
    {
        var pods = objects.Registry.Require("", "pods");
        var node = binding.StringAt("target", "name");
        if (string.IsNullOrEmpty(node))
            throw ApiException.Invalid(BindingType(pods), key.Name, [FieldError.Required("target.name", "")]);
        if (binding.StringAt("target", "kind") is { Length: > 0 } kind and not ("Node" or "Minion"))
            throw ApiException.Invalid(BindingType(pods), key.Name, [FieldError.NotSupported("target.kind", kind, ["Node", "<empty>"])]);
        objects.Update(
            pods, key,
            pod =>
            {
                CheckBindable(pods, pod, key, binding);
                pod.Child("spec")["nodeName"] = node;
                MergeMap(pod, binding, "annotations");
                MergeMap(pod, binding, "labels");
                PodConditions.Set(pod, "PodScheduled", "True", null, null, objects.Clock.GetUtcNow());
                return pod;
            },
            UpdateScope.Internal, options);
        if (!options.IsDryRun)
            Interlocked.Increment(ref _bound);
    }

    private static ResourceType BindingType(ResourceType pods) => pods with { Plural = "bindings", Kind = "Binding" };

    private static void CheckBindable(ResourceType pods, JsonObject pod, ObjectKey key, JsonObject binding)
    {
        if (binding.StringAt("metadata", "uid") is { Length: > 0 } uid && uid != pod.StringAt("metadata", "uid"))
            throw ApiException.Conflict(pods, key.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod.StringAt("metadata", "uid")}");
        if (binding.StringAt("metadata", "resourceVersion") is { Length: > 0 } version && version != pod.StringAt("metadata", "resourceVersion"))
            throw ApiException.Conflict(pods, key.Name, $"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {pod.StringAt("metadata", "resourceVersion")}");
        if (pod.StringAt("metadata", "deletionTimestamp") is not null)
            throw BindingConflict(key, $"pod {key.Name} is being deleted, cannot be assigned to a host");
        if (pod.StringAt("spec", "nodeName") is { Length: > 0 } taken)
            throw BindingConflict(key, $"pod {key.Name} is already assigned to node \"{taken}\"");
        if (pod.ArrayAt("spec", "schedulingGates") is { Count: > 0 })
            throw BindingConflict(key, $"pod {key.Name} has non-empty .spec.schedulingGates");
    }

    private static ApiException BindingConflict(ObjectKey key, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on pods/binding \"{key.Name}\": {why}", new JsonObject { ["name"] = key.Name, ["kind"] = "pods/binding" });

    private static void MergeMap(JsonObject pod, JsonObject binding, string name)
    {
        foreach (var (key, value) in binding.StringMap("metadata", name))
            pod.Child("metadata").Child(name)[key] = value;
    }

    public async Task EvictAsync(RequestContext request, ObjectKey key)
    {
        var options = request.WriteOptions();
        var eviction = await request.ReadObjectAsync();
        if (eviction.StringAt("metadata", "name") is { Length: > 0 } name && name != key.Name)
            throw ApiException.BadRequest("name in URL does not match name in Eviction object");
        var deleteOptions = WriteHandler.ParseDeleteOptions(eviction.ObjectAt("deleteOptions"), null);
        budgets.Evict(key, deleteOptions with { IsDryRun = deleteOptions.IsDryRun || options.IsDryRun });
        await request.AnswerAsync(201, new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Success",
            ["code"] = 201,
        });
    }

    /// <summary>There are no processes, so the log tells what the kubelet did.</summary>
    public async Task LogAsync(RequestContext request, ObjectKey key)
    {
        var pod = objects.Get(objects.Registry.Require("", "pods"), key).Parse();
        if (string.IsNullOrEmpty(pod.StringAt("spec", "nodeName")))
            throw ApiException.BadRequest($"pod {key.Name} does not have a host assigned");
        var lines = new List<string>();
        foreach (var container in pod.ObjectsAt("status", "containerStatuses"))
        {
            if ((container.StringAt("state", "running", "startedAt") ?? container.StringAt("state", "terminated", "startedAt")) is { } started)
                lines.Add($"{started} simulated container {container.StringAt("name")} started on {pod.StringAt("spec", "nodeName")}");
            if (container.StringAt("state", "terminated", "finishedAt") is { } finished)
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{finished} simulated container {container.StringAt("name")} ended with code {container.LongAt("state", "terminated", "exitCode") ?? 0}"));
        }

        await request.AnswerTextAsync(lines.Count == 0 ? "" : string.Join('\n', lines) + "\n");
    }
}
