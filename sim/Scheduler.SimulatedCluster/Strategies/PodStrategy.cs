using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Strategies;

/// <summary>Pods: the defaults and priorities that a scheduler sees, and a specification that is fixed after creation.</summary>
internal sealed class PodStrategy : ObjectStrategy
{
    private static readonly string[] FixedExcept = ["tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds", "schedulingGates"];

    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        obj["status"] = new JsonObject { ["phase"] = "Pending" };
        ResolvePriority(obj, context);
        PodDefaults.Apply(obj.Child("spec"));
        PodDefaults.TolerateBrokenNodesForAWhile(obj.Child("spec"));
        var status = obj.Child("status");
        status["qosClass"] = PodDefaults.QosClass(obj.Child("spec"));
        if (obj.ArrayAt("spec", "schedulingGates") is { Count: > 0 })
        {
            status["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "PodScheduled",
                ["status"] = "False",
                ["lastProbeTime"] = null,
                ["lastTransitionTime"] = null,
                ["reason"] = "SchedulingGated",
                ["message"] = "Scheduling is blocked due to non-empty scheduling gates",
            });
        }
    }

    public override void PrepareStatusUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        base.PrepareStatusUpdate(obj, old, context);
        obj.Child("status").CopyFrom(old.ObjectAt("status"), "qosClass");
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        base.PrepareUpdate(obj, old, context);
        PodDefaults.Apply(obj.Child("spec"));
        PodDefaults.TolerateBrokenNodesForAWhile(obj.Child("spec"));
        if (old.ArrayAt("spec", "schedulingGates") is { Count: > 0 } && obj.ArrayAt("spec", "schedulingGates") is null or { Count: 0 })
        {
            // The last gate is gone: the scheduler may look at the pod from now on.
            var conditions = obj.Child("status").ArrayAt("conditions");
            var gated = conditions?.OfType<JsonObject>().FirstOrDefault(c => c.StringAt("reason") == "SchedulingGated");
            if (gated is not null)
                conditions!.Remove(gated);
        }
    }

    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors) => PodValidation.Validate(obj.Child("spec"), "spec", errors);

    public override void ValidateUpdate(JsonObject obj, JsonObject old, WriteContext context, List<FieldError> errors)
    {
        ValidateGates(obj, old, errors);
        if (!JsonNode.DeepEquals(FixedPart(obj), FixedPart(old)))
        {
            errors.Add(FieldError.Forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"));
        }
    }

    private static void ValidateGates(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        var before = old.ObjectsAt("spec", "schedulingGates").Select(g => g.StringAt("name")).ToHashSet();
        foreach (var gate in obj.ObjectsAt("spec", "schedulingGates"))
        {
            if (!before.Contains(gate.StringAt("name")))
                errors.Add(FieldError.Forbidden("spec.schedulingGates", "only deletion is allowed, but found new scheduling gate '" + gate.StringAt("name") + "'"));
        }
    }

    /// <summary>The specification without what may change: an update is judged by what is left.</summary>
    private static JsonObject FixedPart(JsonObject pod)
    {
        var spec = pod.Child("spec").DeepClone().AsObject();
        var gated = pod.ArrayAt("spec", "schedulingGates") is { Count: > 0 };
        foreach (var name in FixedExcept)
            spec.Remove(name);
        foreach (var container in spec.ObjectsAt("containers").Concat(spec.ObjectsAt("initContainers")))
            container.Remove("image");
        if (gated)
        {
            // A gated pod may still be narrowed to other nodes.
            spec.Remove("nodeSelector");
            spec.Remove("affinity");
        }

        return spec;
    }

    private static void ResolvePriority(JsonObject obj, WriteContext context)
    {
        var spec = obj.Child("spec");
        var name = spec.StringAt("priorityClassName");
        StoredObject? found;
        if (string.IsNullOrEmpty(name))
        {
            found = context.Reader.List("scheduling.k8s.io", "priorityclasses", null).FirstOrDefault(c => c.FieldValues[^1] == "true");
        }
        else
        {
            found = context.Reader.Find("scheduling.k8s.io", "priorityclasses", new ObjectKey("", name))
                ?? throw ApiException.Forbidden(context.Type, obj.StringAt("metadata", "name") ?? "", $"no PriorityClass with name {name} was found");
        }

        var priorityClass = found?.Parse();
        var value = priorityClass.LongAt("value") ?? 0;
        if (spec.LongAt("priority") is { } asked && asked != value)
            throw ApiException.Forbidden(context.Type, obj.StringAt("metadata", "name") ?? "", $"the integer value of priority ({asked}) must not be provided in pod spec; priority admission controller computed {value} from the given PriorityClass name");
        if (found is not null)
            spec["priorityClassName"] = found.Key.Name;
        spec["priority"] = value;
        spec.SetDefault("preemptionPolicy", priorityClass.StringAt("preemptionPolicy") ?? "PreemptLowerPriority");
    }
}
