using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Input;

namespace Scheduler.Cli.Workloads;

/// <summary>Reads a workload file (docs/workloads.md): jobs, deployments and pods, each with its time of arrival.</summary>
internal sealed class WorkloadFile
{
    private const int MaxCount = 100_000;
    private const int MaxPods = 10_000;

    private static readonly string[] PriorityClasses = ["weir-inference", "weir-interactive", "weir-training", "weir-opportunistic"];

    /// <summary>Annotations that have a field of their own here.</summary>
    private static readonly Dictionary<string, string> FieldOf = new(StringComparer.Ordinal)
    {
        ["pod-group"] = "minMember",
        ["min-member"] = "minMember",
        ["expected-duration"] = "duration",
        ["gpu-fraction"] = "fraction",
        ["preemptible"] = "preemptible",
    };

    private readonly ImmutableArray<Tenant> _tenants;
    private readonly double _speed;
    private readonly List<Submission> _submissions = [];
    private readonly Dictionary<(string Namespace, string Name), int> _names = [];

    private WorkloadFile(ImmutableArray<Tenant> tenants, double speed)
    {
        _tenants = tenants;
        _speed = speed;
    }

    /// <summary>Reads a file, or null after errors.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tenants">The tenants that it may name.</param>
    /// <param name="speed">How much faster than written arrivals and durations are; null is 1.</param>
    /// <param name="errors">Gets the mistakes.</param>
    public static WorkloadSchedule? Read(string path, ImmutableArray<Tenant> tenants, double? speed, FileErrors errors)
    {
        var before = errors.Count;
        return new WorkloadFile(tenants, speed ?? 1).Load(YamlFile.Read(path, errors), before);
    }

    /// <summary>Takes YAML that is not in a file.</summary>
    public static WorkloadSchedule? OfText(string name, string text, ImmutableArray<Tenant> tenants, double? speed, FileErrors errors)
    {
        var before = errors.Count;
        return new WorkloadFile(tenants, speed ?? 1).Load(YamlFile.OfText(name, text, errors), before);
    }

    private WorkloadSchedule? Load(YamlFile file, int errorsBefore)
    {
        if (file.Documents.IsEmpty && file.Errors.Count == errorsBefore)
        {
            file.Errors.Add(file.Name, 0, "", "is empty; it should have a list workloads:");
        }

        foreach (var document in file.Documents)
        {
            if (YamlMap.Of(file, document, "") is not { } map)
            {
                continue;
            }

            if (!map.Has("workloads"))
            {
                map.Missing("workloads", "the list of what is submitted");
            }

            foreach (var workload in map.Maps("workloads"))
            {
                ReadWorkload(workload);
            }

            map.RefuseUnknown();
        }

        return file.Errors.Count > errorsBefore
            ? null
            : new WorkloadSchedule(
                [.. _submissions.OrderBy(submission => submission.At)],
                string.Create(NumberFormatInfo.InvariantInfo, $"{_submissions.Count} workloads of {Path.GetFileName(file.Name)}"));
    }

    private void ReadWorkload(YamlMap map)
    {
        var name = map.RequiredText("name", "the workload's name");
        if (name.Length > 0 && !KubernetesName.IsValid(name))
        {
            map.Error("name", $"'{name}' is not a name; {KubernetesName.Rule}");
        }

        var inNamespace = ReadNamespace(map);
        var kind = map.Choice("kind", "job", "deployment", "pod") ?? "job";
        var at = map.Duration("at") ?? TimeSpan.Zero;
        var every = map.Duration("every", isZeroAllowed: false);
        var count = (int?)map.Integer("count", 1, MaxCount);
        if (count > 1 && every is null && !map.Has("every"))
        {
            map.Missing("every", "the time between two of them, needed when count is more than 1");
        }

        if (every is not null && count is null && !map.Has("count"))
        {
            map.Missing("count", "how many there are, needed with every");
        }

        var pods = (int)(map.Integer("pods", 1, MaxPods) ?? 1);
        var minMember = (int?)map.Integer("minMember", 1, MaxPods);
        var request = ReadRequest(map);
        CheckKind(map, kind, pods, minMember);
        map.RefuseUnknown();
        CheckNameIsFree(map, inNamespace, name);
        for (var index = 0; index < (count ?? 1); index++)
        {
            var own = count is null or 1 ? name : string.Create(NumberFormatInfo.InvariantInfo, $"{name}-{index + 1}");
            var due = (at + ((every ?? TimeSpan.Zero) * index)) / _speed;
            _submissions.Add(new Submission(due, inNamespace, own, () => kind switch
            {
                "job" => Manifests.Job(inNamespace, own, request, pods, minMember ?? pods),
                "deployment" => Manifests.Deployment(inNamespace, own, request, pods),
                _ => Manifests.Pod(inNamespace, own, request),
            }, pods));
        }
    }

    private void CheckNameIsFree(YamlMap map, string inNamespace, string name)
    {
        if (name.Length > 0 && !_names.TryAdd((inNamespace, name), YamlFile.LineOf(map.Node)))
        {
            map.Error("name", $"'{name}' is taken by the workload on line {_names[(inNamespace, name)]}; give each its own name");
        }
    }

    private static void CheckKind(YamlMap map, string kind, int pods, int? minMember)
    {
        if (minMember is not null && kind != "job")
        {
            map.Error("minMember", $"a {kind} is no gang; use kind: job, or leave it out");
        }
        else if (minMember > pods)
        {
            map.Error("minMember", $"is {minMember}, more than the {pods} of pods; it could never start");
        }

        if (kind == "pod" && map.Has("pods"))
        {
            map.Error("pods", "a pod is one; use kind: job for several, or leave it out");
        }

        if (kind == "deployment" && map.Has("duration"))
        {
            map.Error("duration", "a deployment runs until it is deleted; use kind: job, or leave it out");
        }
    }

    private string ReadNamespace(YamlMap map)
    {
        var tenant = map.Text("tenant");
        var given = map.Text("namespace");
        if (given is not null)
        {
            if (tenant is not null && FindTenant(map, tenant) is { } owner && !owner.Namespaces.Contains(given))
            {
                map.Error("namespace", $"'{given}' does not belong to tenant '{tenant}', which has {string.Join(", ", owner.Namespaces)}");
            }

            return given;
        }

        if (tenant is null)
        {
            if (!map.Has("tenant"))
            {
                map.Missing("tenant", "who it belongs to; or name a namespace");
            }

            return "";
        }

        if (FindTenant(map, tenant) is not { } found)
        {
            return "";
        }

        if (found.Namespaces.Length != 1)
        {
            map.Error("tenant", found.Namespaces.IsEmpty
                ? $"'{tenant}' owns no namespace; name a tenant below it"
                : $"'{tenant}' has several namespaces; add namespace: with one of {string.Join(", ", found.Namespaces)}");
        }

        return found.Namespaces.FirstOrDefault("");
    }

    private Tenant? FindTenant(YamlMap map, string name)
    {
        var tenant = _tenants.FirstOrDefault(tenant => tenant.Id.Value == name);
        if (tenant is null)
        {
            var names = _tenants.Select(known => known.Id.Value).ToArray();
            map.Error("tenant", $"there is no tenant '{name}'; " + (Suggestion.Nearest(name, names) is { } nearest
                ? $"did you mean '{nearest}'?"
                : $"the tenants are {string.Join(", ", names)}"));
        }

        return tenant;
    }

    private PodRequest ReadRequest(YamlMap map)
    {
        var priority = map.Text("priorityClass");
        if (priority is not null && !PriorityClasses.Contains(priority))
        {
            map.Error("priorityClass", $"there is no priority class '{priority}'; "
                + (Suggestion.Nearest(priority, PriorityClasses) is { } nearest ? $"did you mean '{nearest}'?" : $"use one of {string.Join(", ", PriorityClasses)}"));
        }

        var duration = map.Duration("duration", isZeroAllowed: false);
        var cpu = map.Milli("cpu", "a number of cores such as 4 or 500m") ?? 0;
        if (cpu < 0)
        {
            map.Error("cpu", "is negative; it must be 0 or more");
        }

        return new PodRequest
        {
            Gpu = ReadGpu(map),
            GpuModels = ReadModels(map),
            CpuMilli = cpu,
            MemoryBytes = Amounts.Bytes(map, "memory") ?? 0,
            Duration = Shortened(duration),
            PriorityClass = priority,
            IsPreemptible = map.Boolean("preemptible") ?? false,
            Annotations = ReadAnnotations(map),
            Labels = map.Pairs("labels").ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
    }

    /// <summary>At this speed, but never nothing: the scheduler refuses a pod whose expected duration is zero.</summary>
    private TimeSpan? Shortened(TimeSpan? duration)
    {
        var shortened = duration / _speed;
        return shortened < PodRequest.ShortestDuration ? PodRequest.ShortestDuration : shortened;
    }

    private static GpuRequest ReadGpu(YamlMap map)
    {
        string[] forms = ["gpus", "fraction", "mig"];
        var given = forms.Where(map.Has).ToArray();
        if (given.Length > 1)
        {
            map.Error(given[1], $"stands beside {given[0]}; keep one of gpus, fraction and mig");
        }

        var gpus = map.Integer("gpus", 0, 1024);
        var fraction = map.Milli("fraction", "a part of one GPU between 0 and 1 such as 0.25");
        if (fraction is not (null or (> 0 and < GpuRequest.MilliPerDevice)))
        {
            map.Error("fraction", "must be between 0 and 1, such as 0.25; for whole GPUs use gpus");
            fraction = null;
        }

        if (map.Map("mig") is { } mig)
        {
            return ReadMig(mig);
        }

        return fraction is { } milli ? GpuRequest.Fraction((int)milli)
            : gpus is > 0 ? GpuRequest.Whole((int)gpus)
            : GpuRequest.None;
    }

    private static GpuRequest ReadMig(YamlMap mig)
    {
        var profile = mig.RequiredText("profile", "a MIG profile such as 1g.10gb");
        var count = (int)(mig.Integer("count", 1, 1024) ?? 1);
        mig.RefuseUnknown();
        if (GpuRequest.TryMigMilliGpu(profile, out _))
        {
            return GpuRequest.Mig(profile, count);
        }

        if (profile.Length > 0)
        {
            mig.Error("profile", $"'{profile}' is not a MIG profile such as 1g.10gb");
        }

        return GpuRequest.None;
    }

    /// <summary>One product or a list of them.</summary>
    private static ImmutableArray<string> ReadModels(YamlMap map)
    {
        if (map.IsList("gpuModel"))
        {
            return [.. map.Texts("gpuModel")];
        }

        return map.Text("gpuModel") is { } model ? [model] : [];
    }

    private static ImmutableSortedDictionary<string, string> ReadAnnotations(YamlMap map)
    {
        var annotations = map.Pairs("annotations").ToImmutableSortedDictionary(StringComparer.Ordinal);
        foreach (var name in annotations.Keys.Where(name => name.StartsWith(Manifests.AnnotationPrefix, StringComparison.Ordinal)))
        {
            if (FieldOf.TryGetValue(name[Manifests.AnnotationPrefix.Length..], out var field))
            {
                map.Error("annotations", $"'{name}' has a field of its own here; use {field}");
            }
        }

        return annotations;
    }
}
