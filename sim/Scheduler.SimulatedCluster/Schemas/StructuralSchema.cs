using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Schemas;

/// <summary>A structural OpenAPI schema of a custom resource, compiled once. Pruning, defaulting and validating walk it.</summary>
internal sealed class StructuralSchema
{
    private const int MaxDepth = 60;
    private static readonly TimeSpan PatternTimeout = TimeSpan.FromMilliseconds(200);

    public string? Type { get; private init; }

    public bool IsNullable { get; private init; }

    public bool IsIntOrString { get; private init; }

    public bool PreservesUnknown { get; private init; }

    public bool IsEmbeddedResource { get; private init; }

    public Dictionary<string, StructuralSchema> Properties { get; } = new(StringComparer.Ordinal);

    /// <summary>The schema of map values; null when the object is no map.</summary>
    public StructuralSchema? AdditionalProperties { get; private init; }

    /// <summary>A map of anything (<c>additionalProperties: true</c>).</summary>
    public bool AllowsAnyProperty { get; private init; }

    public StructuralSchema? Items { get; private init; }

    public IReadOnlyList<string> Required { get; private init; } = [];

    public JsonArray? Enum { get; private init; }

    public JsonNode? Default { get; private init; }

    public Regex? Pattern { get; private init; }

    public string? Format { get; private init; }

    public double? Minimum { get; private init; }

    public double? Maximum { get; private init; }

    public bool IsExclusiveMinimum { get; private init; }

    public bool IsExclusiveMaximum { get; private init; }

    public double? MultipleOf { get; private init; }

    public long? MinLength { get; private init; }

    public long? MaxLength { get; private init; }

    public long? MinItems { get; private init; }

    public long? MaxItems { get; private init; }

    public long? MinProperties { get; private init; }

    public long? MaxProperties { get; private init; }

    public string ListType { get; private init; } = "atomic";

    public IReadOnlyList<string> ListMapKeys { get; private init; } = [];

    /// <exception cref="FormatException">The schema is not structural enough to be used; the message names the place.</exception>
    public static StructuralSchema Compile(JsonObject schema, string at = "spec.validation.openAPIV3Schema", int depth = 0)
    {
        if (depth > MaxDepth)
            throw new FormatException($"{at}: nested too deeply");
        var type = schema.StringAt("type");
        var compiled = new StructuralSchema
        {
            Type = type,
            IsNullable = schema.BoolAt("nullable") ?? false,
            IsIntOrString = schema.BoolAt("x-kubernetes-int-or-string") ?? false,
            PreservesUnknown = schema.BoolAt("x-kubernetes-preserve-unknown-fields") ?? false,
            IsEmbeddedResource = schema.BoolAt("x-kubernetes-embedded-resource") ?? false,
            AdditionalProperties = schema.ObjectAt("additionalProperties") is { } values ? Compile(values, at + ".additionalProperties", depth + 1) : null,
            AllowsAnyProperty = schema.BoolAt("additionalProperties") ?? false,
            Items = schema.ObjectAt("items") is { } items ? Compile(items, at + ".items", depth + 1) : null,
            Required = [.. schema.ArrayAt("required")?.Select(r => r.StringAt() ?? "") ?? []],
            Enum = schema.ArrayAt("enum"),
            Default = schema.At("default"),
            Pattern = CompilePattern(schema.StringAt("pattern"), at),
            Format = schema.StringAt("format"),
            Minimum = Number(schema.At("minimum")),
            Maximum = Number(schema.At("maximum")),
            IsExclusiveMinimum = schema.BoolAt("exclusiveMinimum") ?? false,
            IsExclusiveMaximum = schema.BoolAt("exclusiveMaximum") ?? false,
            MultipleOf = Number(schema.At("multipleOf")),
            MinLength = schema.LongAt("minLength"),
            MaxLength = schema.LongAt("maxLength"),
            MinItems = schema.LongAt("minItems"),
            MaxItems = schema.LongAt("maxItems"),
            MinProperties = schema.LongAt("minProperties"),
            MaxProperties = schema.LongAt("maxProperties"),
            ListType = schema.StringAt("x-kubernetes-list-type") ?? "atomic",
            ListMapKeys = [.. schema.ArrayAt("x-kubernetes-list-map-keys")?.Select(k => k.StringAt() ?? "") ?? []],
        };
        if (type is null && !compiled.IsIntOrString && !compiled.PreservesUnknown)
            throw new FormatException($"{at}.type: Required value: must not be empty for specified object fields");
        foreach (var (name, property) in schema.ObjectAt("properties") ?? [])
        {
            if (property is JsonObject obj)
                compiled.Properties[name] = Compile(obj, $"{at}.properties[{name}]", depth + 1);
        }

        return compiled;
    }

    /// <summary>The schema of a member, or null if it is unknown.</summary>
    public StructuralSchema? Member(string name) => Properties.GetValueOrDefault(name) ?? AdditionalProperties;

    public static double? Number(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == System.Text.Json.JsonValueKind.Number
            ? double.Parse(value.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture)
            : null;

    private static Regex? CompilePattern(string? pattern, string at)
    {
        if (pattern is null)
            return null;
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, PatternTimeout);
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"{at}.pattern: {e.Message}", e);
        }
    }
}
