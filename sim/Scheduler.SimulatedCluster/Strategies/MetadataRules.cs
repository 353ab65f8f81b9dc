using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Strategies;

/// <summary>The checks of metadata that all kinds share.</summary>
internal static class MetadataRules
{
    private const int MaxAnnotationBytes = 256 * 1024;

    public static void Validate(JsonObject obj, ObjectStrategy strategy, List<FieldError> errors)
    {
        var metadata = obj.ObjectAt("metadata")!;
        var name = metadata.StringAt("name") ?? "";
        if (name.Length == 0)
            errors.Add(FieldError.Required("metadata.name", "name or generateName is required"));
        else if (strategy.NameError(name) is { } wrong)
            errors.Add(FieldError.InvalidText("metadata.name", name, wrong));
        ValidateStringMap(metadata, "labels", errors);
        ValidateStringMap(metadata, "annotations", errors);
        ValidateOwners(metadata, errors);
        ValidateFinalizers(metadata, errors);
    }

    private static void ValidateStringMap(JsonObject metadata, string which, List<FieldError> errors)
    {
        var field = $"metadata.{which}";
        if (metadata.At(which) is null)
            return;
        if (metadata.ObjectAt(which) is not { } map)
        {
            errors.Add(FieldError.Invalid(field, "map", "must be a map of strings"));
            return;
        }

        var total = 0;
        foreach (var (key, node) in map)
        {
            if (NameRules.QualifiedName(which == "labels" ? key : key.ToLowerInvariant()) is { } wrongKey)
                errors.Add(FieldError.InvalidText(field, key, wrongKey));
            if (map.StringAt(key) is not { } value)
            {
                errors.Add(FieldError.Invalid($"{field}.{key}", node?.ToJsonString() ?? "null", "must be a string"));
                continue;
            }

            total += key.Length + value.Length;
            if (which == "labels" && NameRules.LabelValue(value) is { } wrong)
                errors.Add(FieldError.InvalidText(field, value, wrong));
        }

        if (which == "annotations" && total > MaxAnnotationBytes)
            errors.Add(new FieldError("FieldValueTooLong", field, $"Too long: may not be more than {MaxAnnotationBytes} bytes"));
    }

    private static void ValidateOwners(JsonObject metadata, List<FieldError> errors)
    {
        var index = 0;
        var controllers = 0;
        foreach (var owner in metadata.ObjectsAt("ownerReferences"))
        {
            foreach (var needed in (ReadOnlySpan<string>)["apiVersion", "kind", "name", "uid"])
            {
                if (string.IsNullOrEmpty(owner.StringAt(needed)))
                    errors.Add(FieldError.Invalid($"metadata.ownerReferences[{index}].{needed}", "\"\"", $"{needed} must not be empty"));
            }

            if (owner.BoolAt("controller") == true && ++controllers > 1)
                errors.Add(FieldError.Invalid("metadata.ownerReferences", "[]", "Only one reference can have Controller set to true."));
            index++;
        }
    }

    private static void ValidateFinalizers(JsonObject metadata, List<FieldError> errors)
    {
        foreach (var finalizer in metadata.ArrayAt("finalizers") ?? [])
        {
            var text = finalizer.StringAt() ?? "";
            if (NameRules.QualifiedName(text) is { } wrong)
                errors.Add(FieldError.InvalidText("metadata.finalizers", text, wrong));
            else if (!text.Contains('/', StringComparison.Ordinal) && text is not ("kubernetes" or "orphan" or "foregroundDeletion"))
                errors.Add(FieldError.InvalidText("metadata.finalizers", text, "name is neither a standard finalizer name nor is it fully qualified"));
        }
    }
}
