using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Selection;

namespace Scheduler.SimulatedCluster.Strategies;

/// <summary>Deployments, replica sets, stateful sets, daemon sets: a selector that fits a pod template.</summary>
internal class TemplateOwnerStrategy : ObjectStrategy
{
    public override void Default(JsonObject obj, WriteContext context)
    {
        var spec = obj.Child("spec");
        if (context.Type.Plural != "daemonsets")
            spec.SetDefault("replicas", 1);
        if (context.Type.Plural == "deployments")
        {
            spec.SetDefault("revisionHistoryLimit", 10);
            spec.SetDefault("progressDeadlineSeconds", 600);
            spec.SetDefault("strategy", new JsonObject { ["type"] = "RollingUpdate", ["rollingUpdate"] = new JsonObject { ["maxUnavailable"] = "25%", ["maxSurge"] = "25%" } });
        }

        if (spec.ObjectAt("template", "spec") is { } podSpec)
            PodDefaults.Apply(podSpec);
    }

    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        if (obj.LongAt("spec", "replicas") is < 0 and var replicas)
            errors.Add(FieldError.Invalid("spec.replicas", $"{replicas}", "must be greater than or equal to 0"));
        if (LabelSelector.FromObject(obj.ObjectAt("spec", "selector")) is not { } selector)
            errors.Add(FieldError.Required("spec.selector", ""));
        else if (!selector.Matches(obj.StringMap("spec", "template", "metadata", "labels")))
            errors.Add(FieldError.Invalid("spec.template.metadata.labels", (obj.At("spec", "template", "metadata", "labels") ?? new JsonObject()).ToJsonString(), "`selector` does not match template `labels`"));
        PodValidation.Validate(obj.Child("spec").Child("template").Child("spec"), "spec.template.spec", errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, WriteContext context, List<FieldError> errors)
    {
        if (!JsonNode.DeepEquals(obj.At("spec", "selector"), old.At("spec", "selector")))
            errors.Add(FieldError.Invalid("spec.selector", (obj.At("spec", "selector") ?? new JsonObject()).ToJsonString(), "field is immutable"));
    }
}

internal sealed class JobStrategy : ObjectStrategy
{
    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        base.PrepareCreate(obj, context);
        var spec = obj.Child("spec");
        if (spec.BoolAt("manualSelector") == true)
            return;
        var uid = obj.StringAt("metadata", "uid")!;
        var labels = spec.Child("template").Child("metadata").Child("labels");
        labels["batch.kubernetes.io/controller-uid"] = uid;
        labels["controller-uid"] = uid;
        if (obj.StringAt("metadata", "name") is { } name)
        {
            labels["batch.kubernetes.io/job-name"] = name;
            labels["job-name"] = name;
        }

        spec["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["batch.kubernetes.io/controller-uid"] = uid } };
    }

    public override void Default(JsonObject obj, WriteContext context)
    {
        var spec = obj.Child("spec");
        if (spec.At("completions") is null && spec.At("parallelism") is null)
            spec["completions"] = 1;
        spec.SetDefault("parallelism", 1);
        spec.SetDefault("backoffLimit", 6);
        spec.SetDefault("completionMode", "NonIndexed");
        spec.SetDefault("suspend", false);
        if (spec.ObjectAt("template", "spec") is { } podSpec)
            PodDefaults.Apply(podSpec);
    }

    public override void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        foreach (var name in (ReadOnlySpan<string>)["parallelism", "completions", "backoffLimit"])
        {
            if (obj.LongAt("spec", name) is < 0 and var value)
                errors.Add(FieldError.Invalid($"spec.{name}", $"{value}", "must be greater than or equal to 0"));
        }

        if (obj.StringAt("spec", "completionMode") == "Indexed" && obj.LongAt("spec", "completions") is null)
            errors.Add(FieldError.Required("spec.completions", "when completion mode is Indexed"));
        var podSpec = obj.Child("spec").Child("template").Child("spec");
        PodValidation.Validate(podSpec, "spec.template.spec", errors);
        if (podSpec.StringAt("restartPolicy") is "Always")
            errors.Add(FieldError.Required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\""));
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, WriteContext context, List<FieldError> errors)
    {
        foreach (var name in (ReadOnlySpan<string>)["template", "selector", "completionMode"])
        {
            if (!JsonNode.DeepEquals(obj.At("spec", name), old.At("spec", name)))
                errors.Add(FieldError.Invalid($"spec.{name}", "object", "field is immutable"));
        }
    }
}
