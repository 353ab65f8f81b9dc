using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Schemas;

/// <summary>Checks a tree against a schema and reports every violation with its place.</summary>
internal static class SchemaValidation
{
    private const int MaxErrors = 100;

    public static void Validate(JsonNode? node, StructuralSchema schema, string at, List<FieldError> errors)
    {
        if (errors.Count >= MaxErrors)
            return;
        if (node is null)
        {
            if (!schema.IsNullable && at.Length > 0)
                errors.Add(new FieldError("FieldValueTypeInvalid", at, $"Invalid value: \"null\": {at} in body must be of type {schema.Type}: \"null\""));
            return;
        }

        if (!HasType(node, schema, out var actual))
        {
            errors.Add(new FieldError("FieldValueTypeInvalid", at, $"Invalid value: \"{actual}\": {at} in body must be of type {(schema.IsIntOrString ? "integer,string" : schema.Type)}: \"{actual}\""));
            return;
        }

        CheckEnum(node, schema, at, errors);
        switch (node)
        {
            case JsonObject obj:
                ValidateObject(obj, schema, at, errors);
                break;
            case JsonArray array:
                ValidateArray(array, schema, at, errors);
                break;
            default:
                ValidateScalar(node.AsValue(), schema, at, errors);
                break;
        }
    }

    private static bool HasType(JsonNode node, StructuralSchema schema, out string actual)
    {
        var kind = node.GetValueKind();
        var isInteger = kind == JsonValueKind.Number && StructuralSchema.Number(node) is { } number && number == Math.Truncate(number);
        actual = kind switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.Number => isInteger ? "integer" : "number",
            _ => "boolean",
        };
        if (schema.IsIntOrString)
            return actual is "integer" or "string";
        return schema.Type switch
        {
            null => true,
            "number" => actual is "integer" or "number",
            var type => type == actual,
        };
    }

    private static void CheckEnum(JsonNode node, StructuralSchema schema, string at, List<FieldError> errors)
    {
        if (schema.Enum is not { } allowed || allowed.Any(a => JsonNode.DeepEquals(a, node)))
            return;
        var value = node is JsonValue scalar && scalar.TryGetValue<string>(out var text) ? text : node.ToJsonString();
        errors.Add(FieldError.NotSupported(at, value, allowed.Select(a => a is JsonValue v && v.TryGetValue<string>(out var t) ? t : a?.ToJsonString() ?? "null")));
    }

    private static void ValidateObject(JsonObject obj, StructuralSchema schema, string at, List<FieldError> errors)
    {
        foreach (var name in schema.Required)
        {
            if (!obj.ContainsKey(name))
                errors.Add(FieldError.Required(Join(at, name), ""));
        }

        if (obj.Count < schema.MinProperties)
            errors.Add(Out(at, obj.Count, $"{at} in body should have at least {schema.MinProperties} properties"));
        if (obj.Count > schema.MaxProperties)
            errors.Add(new FieldError("FieldValueTooMany", at, $"Too many: {obj.Count}: must have at most {schema.MaxProperties} items"));
        foreach (var (name, value) in obj)
        {
            if (schema.Member(name) is { } member && !(at.Length == 0 && name == "metadata"))
                Validate(value, member, Join(at, name), errors);
        }
    }

    private static void ValidateArray(JsonArray array, StructuralSchema schema, string at, List<FieldError> errors)
    {
        if (array.Count < schema.MinItems)
            errors.Add(Out(at, array.Count, $"{at} in body should have at least {schema.MinItems} items"));
        if (array.Count > schema.MaxItems)
            errors.Add(new FieldError("FieldValueTooMany", at, $"Too many: {array.Count}: must have at most {schema.MaxItems} items"));
        if (schema.Items is { } items)
        {
            for (var i = 0; i < array.Count; i++)
                Validate(array[i], items, $"{at}[{i}]", errors);
        }

        if (schema.ListType is "map" or "set")
            CheckUnique(array, schema, at, errors);
    }

    private static void CheckUnique(JsonArray array, StructuralSchema schema, string at, List<FieldError> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < array.Count; i++)
        {
            var key = schema.ListType == "set"
                ? array[i]?.ToJsonString() ?? "null"
                : string.Join('\n', schema.ListMapKeys.Select(k => array[i].At(k)?.ToJsonString() ?? "null"));
            if (!seen.Add(key))
                errors.Add(new FieldError("FieldValueDuplicate", $"{at}[{i}]", $"Duplicate value: {array[i]?.ToJsonString()}"));
        }
    }

    private static void ValidateScalar(JsonValue value, StructuralSchema schema, string at, List<FieldError> errors)
    {
        if (value.TryGetValue<string>(out var text))
        {
            ValidateText(text, schema, at, errors);
            return;
        }

        if (StructuralSchema.Number(value) is not { } number)
            return;
        if (number < schema.Minimum || (schema.IsExclusiveMinimum && number <= schema.Minimum))
            errors.Add(Out(at, number, $"{at} in body should be greater than {(schema.IsExclusiveMinimum ? "" : "or equal to ")}{schema.Minimum}"));
        if (number > schema.Maximum || (schema.IsExclusiveMaximum && number >= schema.Maximum))
            errors.Add(Out(at, number, $"{at} in body should be less than {(schema.IsExclusiveMaximum ? "" : "or equal to ")}{schema.Maximum}"));
        if (schema.MultipleOf is { } step && Math.Abs(Math.IEEERemainder(number, step)) > 1e-9)
            errors.Add(Out(at, number, $"{at} in body should be a multiple of {step}"));
    }

    private static void ValidateText(string text, StructuralSchema schema, string at, List<FieldError> errors)
    {
        var length = new StringInfo(text).LengthInTextElements;
        if (length < schema.MinLength)
            errors.Add(FieldError.InvalidText(at, text, $"{at} in body should be at least {schema.MinLength} chars long"));
        if (length > schema.MaxLength)
            errors.Add(new FieldError("FieldValueTooLong", at, $"Too long: may not be more than {schema.MaxLength} bytes"));
        if (schema.Pattern is { } pattern && !IsMatch(pattern, text))
            errors.Add(FieldError.InvalidText(at, text, $"{at} in body should match '{pattern}'"));
        if (schema.Format == "date-time" && Timestamps.Parse(text) is null)
            errors.Add(FieldError.InvalidText(at, text, $"{at} in body must be of type date-time: \"{text}\""));
    }

    private static bool IsMatch(Regex pattern, string text)
    {
        try
        {
            return pattern.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            return false; // a pattern that explodes on a value does not accept it
        }
    }

    private static FieldError Out(string at, double value, string detail) =>
        FieldError.Invalid(at, value.ToString(CultureInfo.InvariantCulture), detail);

    private static string Join(string at, string name) => at.Length == 0 ? name : $"{at}.{name}";
}
