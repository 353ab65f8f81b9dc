using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Schemas;

namespace Scheduler.SimulatedCluster.Strategies;

/// <summary>Objects of custom resources: what their definition's schema says.</summary>
internal sealed class CustomResourceStrategy : ObjectStrategy
{
    public override void Default(JsonObject obj, WriteContext context)
    {
        if (context.Type.Schema is { } schema)
            SchemaPruning.ApplyDefaults(obj, schema);
    }

    public override void PrepareStatusUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        base.PrepareStatusUpdate(obj, old, context);
        // Unlike built-in kinds, a custom resource's status update leaves all metadata alone.
        var managed = obj.At("metadata", "managedFields")?.DeepClone();
        obj["metadata"] = old.ObjectAt("metadata")!.DeepClone();
        if (managed is not null)
            obj.Child("metadata")["managedFields"] = managed;
    }

    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        if (context.Type.Schema is { } schema)
            SchemaValidation.Validate(obj, schema, "", errors);
    }

    public override bool ChangesGeneration(JsonObject obj, JsonObject old)
    {
        bool IsContent(KeyValuePair<string, JsonNode?> member) => member.Key is not ("metadata" or "status" or "apiVersion" or "kind");
        var names = obj.Where(IsContent).Concat(old.Where(IsContent)).Select(m => m.Key).Distinct();
        return names.Any(name => !JsonNode.DeepEquals(obj.At(name), old.At(name)));
    }
}
