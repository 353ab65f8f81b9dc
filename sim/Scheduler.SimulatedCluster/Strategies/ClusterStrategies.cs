using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Strategies;

/// <summary>Kinds whose names only need to fit into a path (roles and their bindings).</summary>
internal sealed class PathNamedStrategy : ObjectStrategy
{
    public override string? NameError(string name) => NameRules.PathSegment(name);
}

internal sealed class NamespaceStrategy : ObjectStrategy
{
    public const string Finalizer = "kubernetes";

    public override string? NameError(string name) => NameRules.Label(name);

    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        obj.Child("spec")["finalizers"] = new JsonArray((JsonNode)Finalizer);
        obj["status"] = new JsonObject { ["phase"] = "Active" };
        obj.Child("metadata").Child("labels")["kubernetes.io/metadata.name"] = obj.StringAt("metadata", "name");
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        base.PrepareUpdate(obj, old, context);
        obj.CopyFrom(old, "spec");
    }
}

/// <summary>Nodes register with their status, so creating keeps it.</summary>
internal sealed class NodeStrategy : ObjectStrategy
{
    protected override bool ClearsStatusOnCreate => false;

    public override void Default(JsonObject obj, WriteContext context)
    {
        var status = obj.Child("status");
        PodDefaults.NumbersToText(status.ObjectAt("capacity"));
        PodDefaults.NumbersToText(status.ObjectAt("allocatable"));
        if (status.ObjectAt("allocatable") is null && status.ObjectAt("capacity") is { } capacity)
            status["allocatable"] = capacity.DeepClone();
        obj.Child("spec");
    }

    public override void PrepareStatusUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        base.PrepareStatusUpdate(obj, old, context);
        Default(obj, context);
    }

    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        var index = 0;
        var seen = new HashSet<(string?, string?)>();
        foreach (var taint in obj.ObjectsAt("spec", "taints"))
        {
            if (taint.StringAt("effect") is not ("NoSchedule" or "PreferNoSchedule" or "NoExecute"))
                errors.Add(FieldError.NotSupported($"metadata.taints[{index}].effect", taint.StringAt("effect") ?? "", ["NoSchedule", "PreferNoSchedule", "NoExecute"]));
            if (NameRules.QualifiedName(taint.StringAt("key") ?? "") is { } wrong)
                errors.Add(FieldError.InvalidText($"metadata.taints[{index}].key", taint.StringAt("key") ?? "", wrong));
            if (!seen.Add((taint.StringAt("key"), taint.StringAt("effect"))))
                errors.Add(FieldError.Duplicate($"metadata.taints[{index}]", $"{taint.StringAt("key")}:{taint.StringAt("effect")}"));
            index++;
        }
    }
}

internal sealed class PriorityClassStrategy : ObjectStrategy
{
    private const long HighestUserValue = 1_000_000_000;

    public override void Default(JsonObject obj, WriteContext context)
    {
        obj.SetDefault("preemptionPolicy", "PreemptLowerPriority");
        obj.SetDefault("value", 0);
    }

    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        var name = obj.StringAt("metadata", "name") ?? "";
        if (name.StartsWith("system-", StringComparison.Ordinal))
        {
            if (name is not ("system-cluster-critical" or "system-node-critical"))
                errors.Add(FieldError.Forbidden("metadata.name", "priority class names with 'system-' prefix are reserved for system use only"));
        }
        else if (obj.LongAt("value") > HighestUserValue)
        {
            errors.Add(FieldError.Forbidden("value", $"maximum allowed value of a user defined priority is {HighestUserValue}"));
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, WriteContext context, List<FieldError> errors)
    {
        if (obj.LongAt("value") != old.LongAt("value"))
            errors.Add(FieldError.Invalid("value", $"{obj.LongAt("value")}", "field is immutable"));
    }
}

/// <summary>Secrets: stringData becomes base64 data.</summary>
internal sealed class SecretStrategy : ObjectStrategy
{
    public override void Default(JsonObject obj, WriteContext context)
    {
        obj.SetDefault("type", "Opaque");
        foreach (var (key, value) in obj.StringMap("stringData"))
            obj.Child("data")[key] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(value));
        obj.Remove("stringData");
    }
}

internal sealed partial class LeaseStrategy : ObjectStrategy
{
    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$")]
    private static partial Regex MicroTime();

    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        foreach (var name in (ReadOnlySpan<string>)["acquireTime", "renewTime"])
        {
            // The one kind whose times have microseconds, and they are not optional.
            if (obj.StringAt("spec", name) is { } time && !MicroTime().IsMatch(time))
                throw ApiException.BadRequest($"Lease in version \"v1\" cannot be handled as a Lease: v1.LeaseSpec.{name}: parsing time \"{time}\" as \"2006-01-02T15:04:05.000000Z07:00\"");
        }

        if (obj.LongAt("spec", "leaseDurationSeconds") is <= 0 and var seconds)
            errors.Add(FieldError.Invalid("spec.leaseDurationSeconds", $"{seconds}", "must be greater than 0"));
        if (obj.LongAt("spec", "leaseTransitions") is < 0 and var transitions)
            errors.Add(FieldError.Invalid("spec.leaseTransitions", $"{transitions}", "must be greater than or equal to 0"));
    }
}

/// <summary>Events live where the object is that they are about; those about cluster-scoped objects in "default".</summary>
internal sealed class EventStrategy : ObjectStrategy
{
    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        var about = obj.StringAt("involvedObject", "namespace") ?? "";
        var own = obj.StringAt("metadata", "namespace");
        if (about.Length == 0 ? own != "default" : own != about)
            errors.Add(FieldError.InvalidText("involvedObject.namespace", about, "does not match event.namespace"));
    }
}

internal sealed class DisruptionBudgetStrategy : ObjectStrategy
{
    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        if (obj.At("spec", "minAvailable") is not null && obj.At("spec", "maxUnavailable") is not null)
            errors.Add(FieldError.Invalid("spec", "PodDisruptionBudgetSpec", "minAvailable and maxUnavailable cannot be both set"));
    }
}
