using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>Makes objects from the template of their owner.</summary>
internal static class PodTemplates
{
    public static JsonObject Pod(JsonObject owner, JsonObject template)
    {
        var metadata = template.ObjectAt("metadata")?.DeepClone().AsObject() ?? new JsonObject();
        metadata.Remove("creationTimestamp");
        metadata.Remove("name");
        metadata["generateName"] = owner.StringAt("metadata", "name") + "-";
        metadata["namespace"] = owner.StringAt("metadata", "namespace");
        metadata["ownerReferences"] = new JsonArray(OwnerReference(owner));
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = metadata,
            ["spec"] = template.ObjectAt("spec")?.DeepClone() ?? new JsonObject(),
        };
    }

    public static JsonObject OwnerReference(JsonObject owner) => new()
    {
        ["apiVersion"] = owner.StringAt("apiVersion"),
        ["kind"] = owner.StringAt("kind"),
        ["name"] = owner.StringAt("metadata", "name"),
        ["uid"] = owner.StringAt("metadata", "uid"),
        ["controller"] = true,
        ["blockOwnerDeletion"] = true,
    };
}
