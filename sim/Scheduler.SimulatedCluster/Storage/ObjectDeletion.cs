using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;

namespace Scheduler.SimulatedCluster.Storage;

/// <summary>
/// Deleting. An object goes at once, unless something holds it back:
/// <code>
/// exists ──delete──► deletionTimestamp set ──finalizers empty, grace 0──► gone
///    └───── nothing holds it: no finalizer, no grace ────────────────────────▲
/// </code>
/// Only pods on a node have a grace period; their kubelet ends it with a second delete of grace 0.
/// </summary>
internal sealed class ObjectDeletion(ObjectService objects)
{
    public const string ForegroundFinalizer = "foregroundDeletion";
    public const string OrphanFinalizer = "orphan";
    private const long DefaultGraceSeconds = 30;

    /// <summary>Called when an object waits for the control plane to release it (dependents, namespace content).</summary>
    public Action<ResourceType, StoredObject>? Waiting { get; set; }

    /// <returns>The last state and whether the object is gone.</returns>
    public (StoredObject Object, bool IsGone) Delete(ResourceType type, ObjectKey key, DeleteOptions options)
    {
        while (true)
        {
            var current = objects.Get(type, key);
            CheckPreconditions(type, key, current, options);
            var obj = current.Parse();
            Mark(type, obj, options, current);
            var isGone = ObjectService.IsReleased(type, obj);
            if (!isGone && current.IsDeleting && JsonNode.DeepEquals(obj, current.Parse()))
                return (current, false);
            var prepared = new PreparedObject(obj, objects.Bucket(type).SelectableFields);
            if (options.IsDryRun)
                return (prepared.AtVersion(current.ResourceVersion), isGone);
            var bucket = objects.Bucket(type);
            var stored = isGone ? objects.Store.TryRemove(bucket, current, prepared) : objects.Store.TryPut(bucket, current, prepared);
            if (stored is null)
                continue; // somebody was faster: look again
            objects.Committed?.Invoke(type, stored, isGone);
            if (!isGone)
                Waiting?.Invoke(type, stored);
            return (stored, isGone);
        }
    }

    private void Mark(ResourceType type, JsonObject obj, DeleteOptions options, StoredObject current)
    {
        var metadata = obj.Child("metadata");
        if (type.StorageName == "namespaces")
            obj.Child("status")["phase"] = "Terminating";
        else
            AddPropagationFinalizer(metadata, options, current);

        var grace = type.StorageName == "pods" ? PodGrace(obj, options) : 0;
        var now = objects.Clock.GetUtcNow();
        if (metadata.StringAt("deletionTimestamp") is { } already)
        {
            var earlier = metadata.LongAt("deletionGracePeriodSeconds") ?? 0;
            if (grace >= earlier)
                return; // a later delete may shorten the grace, never extend it
            now = (Timestamps.Parse(already) ?? now).AddSeconds(-earlier);
        }
        else if (type.TracksGeneration)
        {
            metadata["generation"] = (metadata.LongAt("generation") ?? 0) + 1;
        }

        metadata["deletionTimestamp"] = Timestamps.Seconds(now.AddSeconds(grace));
        metadata["deletionGracePeriodSeconds"] = grace;
    }

    private void AddPropagationFinalizer(JsonObject metadata, DeleteOptions options, StoredObject current)
    {
        var finalizer = options.Propagation switch
        {
            "Foreground" => ForegroundFinalizer,
            "Orphan" => OrphanFinalizer,
            _ => null,
        };
        if (finalizer is null || !objects.Store.HasDependents(current.Uid))
            return;
        var finalizers = metadata.ChildArray("finalizers");
        if (!finalizers.Any(f => f.StringAt() == finalizer))
            finalizers.Add((JsonNode)finalizer);
    }

    private static long PodGrace(JsonObject pod, DeleteOptions options)
    {
        if (string.IsNullOrEmpty(pod.StringAt("spec", "nodeName")) || pod.StringAt("status", "phase") is "Succeeded" or "Failed")
            return 0;
        var grace = options.GracePeriodSeconds ?? pod.LongAt("spec", "terminationGracePeriodSeconds") ?? DefaultGraceSeconds;
        return grace < 0 ? 1 : grace;
    }

    private static void CheckPreconditions(ResourceType type, ObjectKey key, StoredObject current, DeleteOptions options)
    {
        if (options.Uid is { Length: > 0 } uid && uid != current.Uid)
            throw ApiException.Conflict(type, key.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {current.Uid}");
        var version = current.ResourceVersion.ToString(CultureInfo.InvariantCulture);
        if (options.ResourceVersion is { Length: > 0 } wanted && wanted != version)
            throw ApiException.Conflict(type, key.Name, $"Precondition failed: ResourceVersion in precondition: {wanted}, ResourceVersion in object meta: {version}");
        if (type.StorageName == "namespaces" && key.Name is "default" or "kube-system" or "kube-public")
            throw ApiException.Forbidden(type, key.Name, "this namespace may not be deleted");
    }
}
