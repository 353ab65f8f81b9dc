using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Api.Tables;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Schemas;
using Scheduler.SimulatedCluster.Strategies;

namespace Scheduler.SimulatedCluster.Resources;

/// <summary>Turns CustomResourceDefinitions into served resources.</summary>
internal sealed class CustomResourceDefinitionStrategy : ObjectStrategy
{
    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        base.PrepareCreate(obj, context);
        Default(obj, context);
        var names = obj.ObjectAt("spec", "names")?.DeepClone();
        var now = Timestamps.Seconds(context.Now);
        obj["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(
                Condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
                Condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now)),
            ["acceptedNames"] = names,
            ["storedVersions"] = obj.ObjectsAt("spec", "versions").Where(v => v.BoolAt("storage") == true).Select(v => v.StringAt("name") ?? "").ToJsonArray(),
        };
    }

    public override void Default(JsonObject obj, WriteContext context)
    {
        var names = obj.Child("spec").Child("names");
        if (names.StringAt("kind") is { } kind)
        {
            names.SetDefault("singular", kind.ToLowerInvariant());
            names.SetDefault("listKind", kind + "List");
        }

        obj.Child("spec").SetDefault("conversion", new JsonObject { ["strategy"] = "None" });
    }

    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        var name = obj.StringAt("metadata", "name");
        var expected = $"{obj.StringAt("spec", "names", "plural")}.{obj.StringAt("spec", "group")}";
        if (name != expected)
            errors.Add(FieldError.InvalidText("metadata.name", name ?? "", $"must be spec.names.plural+\".\"+spec.group"));
        if (obj.StringAt("spec", "scope") is not ("Namespaced" or "Cluster"))
            errors.Add(FieldError.NotSupported("spec.scope", obj.StringAt("spec", "scope") ?? "", ["Cluster", "Namespaced"]));
        if (obj.ObjectsAt("spec", "versions").Count(v => v.BoolAt("storage") == true) != 1)
            errors.Add(FieldError.Invalid("spec.versions", "versions", "must have exactly one version marked as storage version"));
        var index = 0;
        foreach (var version in obj.ObjectsAt("spec", "versions"))
        {
            var at = $"spec.versions[{index++}].schema.openAPIV3Schema";
            if (version.ObjectAt("schema", "openAPIV3Schema") is not { } schema)
            {
                errors.Add(FieldError.Required(at, "schemas are required"));
                continue;
            }

            try
            {
                StructuralSchema.Compile(schema, at);
            }
            catch (FormatException e)
            {
                errors.Add(FieldError.Invalid(at, "schema", e.Message));
            }
        }
    }

    private static JsonObject Condition(string type, string reason, string message, string now) => new()
    {
        ["type"] = type,
        ["status"] = "True",
        ["lastTransitionTime"] = now,
        ["reason"] = reason,
        ["message"] = message,
    };

    /// <summary>The resource types that a valid definition serves, one per served version.</summary>
    public static IReadOnlyList<ResourceType> Serve(JsonObject definition)
    {
        var spec = definition.ObjectAt("spec")!;
        var storage = spec.ObjectsAt("versions").First(v => v.BoolAt("storage") == true).StringAt("name");
        return [.. spec.ObjectsAt("versions").Where(v => v.BoolAt("served") == true).Select(v => ServeVersion(spec, v, storage!))];
    }

    private static ResourceType ServeVersion(JsonObject spec, JsonObject version, string storageVersion)
    {
        var names = spec.ObjectAt("names")!;
        var group = spec.StringAt("group")!;
        var name = version.StringAt("name")!;
        var isStorage = name == storageVersion;
        return new ResourceType
        {
            Group = group,
            Version = name,
            Plural = names.StringAt("plural")!,
            Kind = names.StringAt("kind")!,
            Singular = names.StringAt("singular")!,
            ListKindOverride = names.StringAt("listKind"),
            IsNamespaced = spec.StringAt("scope") == "Namespaced",
            ShortNames = [.. Texts(names.ArrayAt("shortNames"))],
            Categories = [.. Texts(names.ArrayAt("categories"))],
            HasStatus = version.ObjectAt("subresources", "status") is not null,
            HasScale = version.ObjectAt("subresources", "scale") is not null,
            TracksGeneration = true,
            AllowsUnconditionalUpdate = false,
            IsCustom = true,
            Schema = StructuralSchema.Compile(version.ObjectAt("schema", "openAPIV3Schema")!),
            OpenApiSchema = version.ObjectAt("schema", "openAPIV3Schema"),
            Strategy = new CustomResourceStrategy(),
            Columns = TableColumn.FromDefinition(version.ArrayAt("additionalPrinterColumns")),
            FromStorage = isStorage ? null : o => o["apiVersion"] = $"{group}/{name}",
            ToStorage = isStorage ? null : o => o["apiVersion"] = $"{group}/{storageVersion}",
        };
    }

    private static IEnumerable<string> Texts(JsonArray? array) => array?.Select(a => a.StringAt() ?? "") ?? [];
}
