using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Strategies;

/// <summary>The essentials of a valid pod specification.</summary>
internal static class PodValidation
{
    private static readonly string[] RestartPolicies = ["Always", "OnFailure", "Never"];

    public static void Validate(JsonObject spec, string at, List<FieldError> errors)
    {
        if (!spec.ObjectsAt("containers").Any())
            errors.Add(FieldError.Required($"{at}.containers", ""));
        var names = new HashSet<string>(StringComparer.Ordinal);
        ValidateContainers(spec, "initContainers", at, names, errors);
        ValidateContainers(spec, "containers", at, names, errors);
        if (spec.StringAt("restartPolicy") is { } policy && !RestartPolicies.Contains(policy))
            errors.Add(FieldError.NotSupported($"{at}.restartPolicy", policy, RestartPolicies));
        if (spec.StringAt("nodeName") is { Length: > 0 } && spec.ArrayAt("schedulingGates") is { Count: > 0 })
            errors.Add(FieldError.Forbidden($"{at}.nodeName", "cannot be set until all schedulingGates have been cleared"));
        ValidateVolumes(spec, at, errors);
        ValidateTolerations(spec, at, errors);
    }

    private static void ValidateContainers(JsonObject spec, string which, string at, HashSet<string> names, List<FieldError> errors)
    {
        var index = -1;
        foreach (var container in spec.ObjectsAt(which))
        {
            var place = $"{at}.{which}[{++index}]";
            var name = container.StringAt("name") ?? "";
            if (name.Length == 0)
                errors.Add(FieldError.Required($"{place}.name", ""));
            else if (NameRules.Label(name) is { } wrong)
                errors.Add(FieldError.InvalidText($"{place}.name", name, wrong));
            else if (!names.Add(name))
                errors.Add(FieldError.Duplicate($"{place}.name", name));
            if (string.IsNullOrEmpty(container.StringAt("image")))
                errors.Add(FieldError.Required($"{place}.image", ""));
            ValidateResources(container, place, errors);
        }
    }

    private static void ValidateResources(JsonObject container, string at, List<FieldError> errors)
    {
        var limits = Quantities(container, "limits", at, errors);
        var requests = Quantities(container, "requests", at, errors);
        foreach (var (name, request) in requests)
        {
            var isExtended = IsExtended(name);
            if (!limits.TryGetValue(name, out var limit))
            {
                if (isExtended)
                    errors.Add(FieldError.Required($"{at}.resources.limits", $"Limit must be set for non overcommitable resources"));
                continue;
            }

            var text = PodDefaults.Text(container.At("resources", "requests", name)) ?? "";
            if (isExtended && request != limit)
                errors.Add(FieldError.InvalidText($"{at}.resources.requests", text, $"must be equal to {name} limit of {PodDefaults.Text(container.At("resources", "limits", name))}"));
            else if (request > limit)
                errors.Add(FieldError.InvalidText($"{at}.resources.requests", text, $"must be less than or equal to {name} limit of {PodDefaults.Text(container.At("resources", "limits", name))}"));
        }
    }

    private static Dictionary<string, decimal> Quantities(JsonObject container, string which, string at, List<FieldError> errors)
    {
        var parsed = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var (name, node) in container.ObjectAt("resources", which) ?? [])
        {
            var place = $"{at}.resources.{which}[{name}]";
            var text = PodDefaults.Text(node) ?? "";
            if (!Quantity.TryParse(text, out var value))
                errors.Add(FieldError.InvalidText(place, text, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"));
            else if (value < 0)
                errors.Add(FieldError.InvalidText(place, text, "must be greater than or equal to 0"));
            else if (IsExtended(name) && value != decimal.Truncate(value))
                errors.Add(FieldError.InvalidText(place, text, "must be an integer"));
            else
                parsed[name] = value;
            if (NameRules.QualifiedName(name) is { } wrong)
                errors.Add(FieldError.InvalidText(place, name, wrong));
        }

        return parsed;
    }

    /// <summary>Resources of devices: they have a domain that is not Kubernetes' own.</summary>
    public static bool IsExtended(string resource)
    {
        var slash = resource.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && !resource[..slash].EndsWith("kubernetes.io", StringComparison.Ordinal);
    }

    private static void ValidateVolumes(JsonObject spec, string at, List<FieldError> errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var volume in spec.ObjectsAt("volumes"))
        {
            var name = volume.StringAt("name") ?? "";
            if (name.Length == 0)
                errors.Add(FieldError.Required($"{at}.volumes[{index}].name", ""));
            else if (!names.Add(name))
                errors.Add(FieldError.Duplicate($"{at}.volumes[{index}].name", name));
            index++;
        }
    }

    private static void ValidateTolerations(JsonObject spec, string at, List<FieldError> errors)
    {
        var index = 0;
        foreach (var toleration in spec.ObjectsAt("tolerations"))
        {
            var op = toleration.StringAt("operator") ?? "Equal";
            if (op is not ("Equal" or "Exists" or ""))
                errors.Add(FieldError.NotSupported($"{at}.tolerations[{index}].operator", op, ["Equal", "Exists"]));
            if (string.IsNullOrEmpty(toleration.StringAt("key")) && op != "Exists")
                errors.Add(FieldError.InvalidText($"{at}.tolerations[{index}].operator", op, "operator must be Exists when `key` is empty, which means \"match all values and all keys\""));
            index++;
        }
    }
}
