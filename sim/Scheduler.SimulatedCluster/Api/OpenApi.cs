using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Schemas;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>
/// OpenAPI documents as far as kubectl reads them: that the server validates fields itself, and the schemas that
/// <c>kubectl explain</c> prints. Custom resources have their whole schema, built-in kinds the names of the members that are known.
/// </summary>
internal sealed class OpenApi(ResourceRegistry registry)
{
    /// <summary>How clients ask for version 2 as protobuf.</summary>
    public const string AskedProtobufMediaType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

    /// <summary>How it is answered: the <c>@</c> of the other spelling is no legal media type, and Go's parser refuses it.</summary>
    public const string ProtobufMediaType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    private static readonly string[] WriteParameters = ["dryRun", "fieldManager", "fieldValidation", "force"];

    /// <summary>An empty version 2 document: field 1 swagger, field 2 info (title, version), field 8 paths.</summary>
    public static ReadOnlyMemory<byte> EmptyVersion2Protobuf { get; } = new byte[]
    {
        0x0A, 3, (byte)'2', (byte)'.', (byte)'0',
        0x12, 12, 0x0A, 4, (byte)'W', (byte)'e', (byte)'i', (byte)'r', 0x12, 4, (byte)'1', (byte)'.', (byte)'3', (byte)'2',
        0x42, 0,
    };

    public static JsonObject Version2() => new()
    {
        ["swagger"] = "2.0",
        ["info"] = new JsonObject { ["title"] = "Weir", ["version"] = "1.32" },
        ["paths"] = new JsonObject(),
        ["definitions"] = new JsonObject(),
    };

    public JsonObject Index()
    {
        var paths = new JsonObject();
        foreach (var (group, version) in registry.All.Select(t => (t.Group, t.Version)).Distinct())
        {
            var path = group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";
            // The hash lets a client cache a document; the number of its types changes whenever a definition comes or goes.
            var hash = HashCode.Combine(registry.All.Count(t => t.Group == group && t.Version == version), registry.All.Count);
            paths[path] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{path}?hash={(uint)hash:X8}" };
        }

        return new JsonObject { ["paths"] = paths };
    }

    /// <summary>The document of one group version, or null if nothing of it is served.</summary>
    public JsonObject? Document(string group, string version)
    {
        var types = registry.All.Where(t => t.Group == group && t.Version == version).ToList();
        if (types.Count == 0)
            return null;
        var paths = new JsonObject();
        var schemas = new JsonObject { ["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"] = ObjectMeta() };
        foreach (var type in types)
        {
            AddPaths(paths, type);
            schemas[SchemaName(type)] = Schema(type);
        }

        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = new JsonObject { ["title"] = "Weir", ["version"] = "v1.32.0-weir" },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas },
        };
    }

    private static void AddPaths(JsonObject paths, ResourceType type)
    {
        var root = type.Group.Length == 0 ? $"/api/{type.Version}" : $"/apis/{type.Group}/{type.Version}";
        var collection = type.IsNamespaced ? $"{root}/namespaces/{{namespace}}/{type.Plural}" : $"{root}/{type.Plural}";
        var one = new JsonObject { ["get"] = Operation(type, "get"), ["post"] = Operation(type, "post") };
        paths[collection] = one;
        if (type.IsNamespaced)
            paths[$"{root}/{type.Plural}"] = new JsonObject { ["get"] = Operation(type, "list") };
        paths[collection + "/{name}"] = new JsonObject
        {
            ["get"] = Operation(type, "get"),
            ["put"] = Operation(type, "put"),
            ["patch"] = Operation(type, "patch"),
            ["delete"] = Operation(type, "delete"),
        };
    }

    private static JsonObject Operation(ResourceType type, string action)
    {
        var operation = new JsonObject
        {
            ["x-kubernetes-action"] = action,
            ["x-kubernetes-group-version-kind"] = Kind(type),
            ["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK" } },
        };
        if (action is "post" or "put" or "patch")
        {
            operation["parameters"] = new JsonArray([.. WriteParameters.Select(name => (JsonNode)new JsonObject
            {
                ["name"] = name,
                ["in"] = "query",
                ["schema"] = new JsonObject { ["type"] = "string", ["uniqueItems"] = true },
            })]);
        }

        return operation;
    }

    private static JsonObject Kind(ResourceType type) => new() { ["group"] = type.Group, ["version"] = type.Version, ["kind"] = type.Kind };

    private static string SchemaName(ResourceType type) =>
        type.Group.Length == 0 ? $"io.k8s.api.core.{type.Version}.{type.Kind}" : $"{string.Join('.', type.Group.Split('.').Reverse())}.{type.Version}.{type.Kind}";

    private static JsonObject Schema(ResourceType type)
    {
        var schema = type.OpenApiSchema?.DeepClone().AsObject() ?? BuiltIn(type);
        schema["type"] = "object";
        var properties = schema.Child("properties");
        properties["apiVersion"] = new JsonObject { ["type"] = "string", ["description"] = "The versioned schema of this representation of an object." };
        properties["kind"] = new JsonObject { ["type"] = "string", ["description"] = "The REST resource that this object represents." };
        properties["metadata"] = new JsonObject
        {
            ["description"] = "Standard object's metadata.",
            ["allOf"] = new JsonArray(new JsonObject { ["$ref"] = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" }),
        };
        schema["x-kubernetes-group-version-kind"] = new JsonArray(Kind(type));
        return schema;
    }

    private static JsonObject BuiltIn(ResourceType type)
    {
        if (KnownFields.Schema(type) is { } known)
        {
            known["description"] = $"{type.Kind} of the Kubernetes API. The types and descriptions of its members are not published here.";
            return known;
        }

        var properties = new JsonObject();
        foreach (var part in type.HasStatus ? new[] { "spec", "status" } : ["spec"])
            properties[part] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true, ["description"] = $"The {part} of the {type.Kind}. This server does not publish its members." };
        return new JsonObject { ["description"] = $"{type.Kind} of the Kubernetes API.", ["properties"] = properties };
    }

    private static JsonObject ObjectMeta()
    {
        var properties = new JsonObject();
        foreach (var (name, type, description) in new[]
        {
            ("name", "string", "Name must be unique within a namespace."),
            ("namespace", "string", "The space within which the name must be unique."),
            ("labels", "object", "Keys and values that organize and select objects."),
            ("annotations", "object", "Keys and values that tools store with an object."),
            ("uid", "string", "Unique in time and space."),
            ("resourceVersion", "string", "The internal version of this object."),
            ("generation", "integer", "Counts the changes of the desired state."),
            ("creationTimestamp", "string", "When the object was created."),
            ("deletionTimestamp", "string", "When the object will be deleted."),
        })
        {
            properties[name] = type == "object"
                ? new JsonObject { ["type"] = type, ["description"] = description, ["additionalProperties"] = new JsonObject { ["type"] = "string" } }
                : new JsonObject { ["type"] = type, ["description"] = description };
        }

        return new JsonObject { ["type"] = "object", ["description"] = "Metadata that all persisted resources have.", ["properties"] = properties };
    }
}
