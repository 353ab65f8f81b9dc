using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;

namespace Scheduler.SimulatedCluster.Schemas;

/// <summary>
/// The members of the built-in types where a typing mistake would matter most: metadata, pod specifications, containers and the
/// top of every kind. Members below other parts are not checked.
/// </summary>
internal static class KnownFields
{
    private static readonly HashSet<string> Metadata = Words(
        "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields");

    private static readonly HashSet<string> PodSpec = Words(
        """
        volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector
        serviceAccountName serviceAccount automountServiceAccountToken nodeName hostNetwork hostPID hostIPC shareProcessNamespace securityContext
        imagePullSecrets hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates
        runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints workloadRef setHostnameAsFQDN os hostUsers schedulingGates
        resourceClaims resources
        """);

    private static readonly HashSet<string> Container = Words(
        """
        name image command args workingDir ports envFrom env resources resizePolicy restartPolicy volumeMounts volumeDevices livenessProbe
        readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty
        targetContainerName
        """);

    private static readonly Dictionary<string, HashSet<string>> Specs = new(StringComparer.Ordinal)
    {
        ["pods"] = PodSpec,
        ["nodes"] = Words("podCIDR podCIDRs providerID unschedulable taints configSource externalID"),
        ["namespaces"] = Words("finalizers"),
        ["jobs.batch"] = Words(
            """
            parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit backoffLimitPerIndex maxFailedIndexes selector
            manualSelector template ttlSecondsAfterFinished completionMode suspend podReplacementPolicy managedBy
            """),
        ["deployments.apps"] = Words("replicas selector template strategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds"),
        ["replicasets.apps"] = Words("replicas selector template minReadySeconds"),
        ["leases.coordination.k8s.io"] = Words("holderIdentity leaseDurationSeconds acquireTime renewTime leaseTransitions strategy preferredHolder"),
        ["poddisruptionbudgets.policy"] = Words("minAvailable maxUnavailable selector unhealthyPodEvictionPolicy"),
    };

    private static readonly Dictionary<string, HashSet<string>> Tops = new(StringComparer.Ordinal)
    {
        ["configmaps"] = Words("immutable data binaryData"),
        ["secrets"] = Words("immutable data stringData type"),
        ["priorityclasses.scheduling.k8s.io"] = Words("value globalDefault description preemptionPolicy"),
    };

    private static readonly HashSet<string> SpecAndStatus = Words("spec status");
    private static readonly HashSet<string> TypeAndMetadata = Words("apiVersion kind metadata");

    /// <summary>The paths of members that the kind does not have. They stay where they are.</summary>
    public static IReadOnlyList<string> Unknown(ResourceType type, JsonObject obj)
    {
        var unknown = new List<string>();
        var hasSpec = Specs.TryGetValue(type.StorageName, out var spec);
        if (hasSpec)
            Check(obj, SpecAndStatus, "", unknown, TypeAndMetadata);
        else if (Tops.TryGetValue(type.StorageName, out var top))
            Check(obj, top, "", unknown, TypeAndMetadata);
        if (obj.ObjectAt("metadata") is { } metadata)
            Check(metadata, Metadata, "metadata", unknown);
        if (!hasSpec || obj.ObjectAt("spec") is not { } given)
            return unknown;
        Check(given, spec!, "spec", unknown);
        if (type.StorageName == "pods")
            CheckContainers(given, "spec", unknown);
        else if (given.ObjectAt("template", "spec") is { } podSpec)
            CheckPodSpec(podSpec, "spec.template.spec", unknown);
        return unknown;
    }

    /// <summary>An OpenAPI schema with the members that are known, and none of a part whose members are not; null for a kind that is not known at all.</summary>
    public static JsonObject? Schema(ResourceType type)
    {
        if (Tops.TryGetValue(type.StorageName, out var top))
            return Described(top);
        if (!Specs.TryGetValue(type.StorageName, out var spec))
            return null;
        var members = type.StorageName == "pods" ? DescribedPodSpec() : Described(spec);
        if (spec.Contains("template"))
            members.Child("properties")["template"] = new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { ["metadata"] = Described(Metadata), ["spec"] = DescribedPodSpec() } };
        var properties = new JsonObject { ["spec"] = members };
        if (type.HasStatus)
            properties["status"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };
        return new JsonObject { ["type"] = "object", ["properties"] = properties };
    }

    private static JsonObject DescribedPodSpec()
    {
        var podSpec = Described(PodSpec);
        foreach (var which in (ReadOnlySpan<string>)["initContainers", "containers", "ephemeralContainers"])
            podSpec.Child("properties")[which] = new JsonObject { ["type"] = "array", ["items"] = Described(Container) };
        return podSpec;
    }

    // The types of the members are not known here, so a schema with them only helps a reader and checks nothing.
    private static JsonObject Described(HashSet<string> members) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject(members.Order(StringComparer.Ordinal)
            .Select(name => KeyValuePair.Create<string, JsonNode?>(name, new JsonObject { ["x-kubernetes-preserve-unknown-fields"] = true }))),
    };

    private static void CheckPodSpec(JsonObject podSpec, string at, List<string> unknown)
    {
        Check(podSpec, PodSpec, at, unknown);
        CheckContainers(podSpec, at, unknown);
    }

    private static void CheckContainers(JsonObject podSpec, string at, List<string> unknown)
    {
        foreach (var which in (ReadOnlySpan<string>)["initContainers", "containers"])
        {
            var index = 0;
            foreach (var container in podSpec.ObjectsAt(which))
                Check(container, Container, $"{at}.{which}[{index++}]", unknown);
        }
    }

    private static void Check(JsonObject obj, HashSet<string> known, string at, List<string> unknown, HashSet<string>? alsoKnown = null)
    {
        foreach (var (name, _) in obj)
        {
            if (!known.Contains(name) && alsoKnown?.Contains(name) != true)
                unknown.Add(at.Length == 0 ? name : $"{at}.{name}");
        }
    }

    private static HashSet<string> Words(string text) =>
        text.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
}
