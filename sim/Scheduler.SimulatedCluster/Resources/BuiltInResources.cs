using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api.Tables;
using Scheduler.SimulatedCluster.Strategies;

namespace Scheduler.SimulatedCluster.Resources;

/// <summary>The built-in resources that this server knows.</summary>
internal static class BuiltInResources
{
    private static readonly string[] EventFields =
    [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
        "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
    ];

    public static IEnumerable<ResourceType> All => [.. Core(), .. Workloads(), .. Policies(), .. Stored()];

    private static IEnumerable<ResourceType> Core() =>
    [
        new()
        {
            Group = "", Version = "v1", Plural = "namespaces", Kind = "Namespace", Singular = "namespace", ShortNames = ["ns"], IsNamespaced = false,
            HasStatus = true, ExtraSelectableFields = ["status.phase"], Strategy = new NamespaceStrategy(), Columns = BuiltInColumns.Namespaces,
        },
        new()
        {
            Group = "", Version = "v1", Plural = "nodes", Kind = "Node", Singular = "node", ShortNames = ["no"], IsNamespaced = false,
            HasStatus = true, ExtraSelectableFields = ["spec.unschedulable"], Strategy = new NodeStrategy(), Columns = BuiltInColumns.Nodes,
        },
        new()
        {
            Group = "", Version = "v1", Plural = "pods", Kind = "Pod", Singular = "pod", ShortNames = ["po"], Categories = ["all"], HasStatus = true,
            ExtraSelectableFields = ["spec.nodeName", "spec.schedulerName", "spec.serviceAccountName", "spec.restartPolicy", "status.phase", "status.podIP", "status.nominatedNodeName"],
            Strategy = new PodStrategy(), Columns = PodColumns.All,
        },
        Event("", "v1", null, null),
        Event("events.k8s.io", "v1", EventConversion.FromStorage, EventConversion.ToStorage),
        Simple("", "v1", "configmaps", "ConfigMap", ["cm"], BuiltInColumns.ConfigMaps),
        Simple("", "v1", "secrets", "Secret", [], BuiltInColumns.Secrets) with { Strategy = new SecretStrategy(), ExtraSelectableFields = ["type"] },
        Simple("", "v1", "services", "Service", ["svc"], BuiltInColumns.Services) with { HasStatus = true, Categories = ["all"] },
        Simple("", "v1", "endpoints", "Endpoints", ["ep"]),
        Simple("", "v1", "serviceaccounts", "ServiceAccount", ["sa"]),
        Simple("", "v1", "persistentvolumes", "PersistentVolume", ["pv"]) with { IsNamespaced = false, HasStatus = true },
        Simple("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", ["pvc"]) with { HasStatus = true },
        Simple("", "v1", "limitranges", "LimitRange", ["limits"]),
        Simple("", "v1", "resourcequotas", "ResourceQuota", ["quota"]) with { HasStatus = true },
        Simple("", "v1", "replicationcontrollers", "ReplicationController", ["rc"]) with { HasStatus = true, TracksGeneration = true, Categories = ["all"] },
    ];

    private static IEnumerable<ResourceType> Workloads() =>
    [
        Owner("deployments", "Deployment", "deploy", BuiltInColumns.Deployments) with { HasScale = true },
        Owner("replicasets", "ReplicaSet", "rs", BuiltInColumns.ReplicaSets) with { HasScale = true },
        Owner("statefulsets", "StatefulSet", "sts", BuiltInColumns.StatefulSets) with { HasScale = true },
        Owner("daemonsets", "DaemonSet", "ds", TableColumn.NameAndAge),
        Simple("batch", "v1", "jobs", "Job", [], BuiltInColumns.Jobs) with
        {
            Categories = ["all"], HasStatus = true, TracksGeneration = true, Strategy = new JobStrategy(), ExtraSelectableFields = ["status.successful"],
        },
    ];

    private static IEnumerable<ResourceType> Policies() =>
    [
        Simple("coordination.k8s.io", "v1", "leases", "Lease", [], BuiltInColumns.Leases) with { Strategy = new LeaseStrategy(), AllowsUnconditionalUpdate = false, AllowsCreateOnUpdate = true },
        Simple("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", ["pc"], BuiltInColumns.PriorityClasses) with
        {
            IsNamespaced = false, TracksGeneration = true, Strategy = new PriorityClassStrategy(), ExtraSelectableFields = ["globalDefault"],
        },
        Simple("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", ["pdb"], BuiltInColumns.DisruptionBudgets) with
        {
            HasStatus = true, TracksGeneration = true, Strategy = new DisruptionBudgetStrategy(), AllowsUnconditionalUpdate = false,
        },
        Simple("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", ["crd", "crds"], BuiltInColumns.Definitions) with
        {
            IsNamespaced = false, HasStatus = true, TracksGeneration = true, AllowsUnconditionalUpdate = false, Categories = ["api-extensions"],
            Strategy = new CustomResourceDefinitionStrategy(),
        },
    ];

    /// <summary>Kinds without behaviour here: they can be written and read, nothing acts on them.</summary>
    private static IEnumerable<ResourceType> Stored() =>
    [
        Rbac("roles", "Role", true),
        Rbac("rolebindings", "RoleBinding", true),
        Rbac("clusterroles", "ClusterRole", false),
        Rbac("clusterrolebindings", "ClusterRoleBinding", false),
        Simple("scheduling.k8s.io", "v1alpha1", "workloads", "Workload", ["wl"]),
        Simple("storage.k8s.io", "v1", "storageclasses", "StorageClass", ["sc"]) with { IsNamespaced = false },
        Simple("storage.k8s.io", "v1", "csinodes", "CSINode", []) with { IsNamespaced = false },
        Simple("storage.k8s.io", "v1", "csidrivers", "CSIDriver", []) with { IsNamespaced = false },
        Simple("storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity", []),
        Simple("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", []) with { IsNamespaced = false, HasStatus = true },
        Simple("batch", "v1", "cronjobs", "CronJob", ["cj"]) with { HasStatus = true, TracksGeneration = true, Categories = ["all"] },
        Simple("networking.k8s.io", "v1", "ingresses", "Ingress", ["ing"]) with { HasStatus = true, TracksGeneration = true },
        Simple("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", ["netpol"]) with { TracksGeneration = true },
    ];

    private static ResourceType Simple(string group, string version, string plural, string kind, IReadOnlyList<string> shortNames, IReadOnlyList<TableColumn>? columns = null) => new()
    {
        Group = group,
        Version = version,
        Plural = plural,
        Kind = kind,
        Singular = kind.ToLowerInvariant(),
        ShortNames = shortNames,
        Columns = columns ?? TableColumn.NameAndAge,
    };

    private static ResourceType Owner(string plural, string kind, string shortName, IReadOnlyList<TableColumn> columns) =>
        Simple("apps", "v1", plural, kind, [shortName], columns) with
        {
            Categories = ["all"],
            HasStatus = true,
            TracksGeneration = true,
            Strategy = new TemplateOwnerStrategy(),
        };

    private static ResourceType Rbac(string plural, string kind, bool isNamespaced) =>
        Simple("rbac.authorization.k8s.io", "v1", plural, kind, []) with { IsNamespaced = isNamespaced, Strategy = new PathNamedStrategy() };

    private static ResourceType Event(string group, string version, Action<JsonObject>? fromStorage, Action<JsonObject>? toStorage) => new()
    {
        Group = group,
        Version = version,
        Plural = "events",
        Kind = "Event",
        Singular = "event",
        ShortNames = ["ev"],
        StorageNameOverride = "events",
        AllowsCreateOnUpdate = true,
        Strategy = new EventStrategy(),
        ExtraSelectableFields = EventFields,
        FieldAliases = new Dictionary<string, string>
        {
            ["regarding.kind"] = "involvedObject.kind",
            ["regarding.name"] = "involvedObject.name",
            ["regarding.namespace"] = "involvedObject.namespace",
            ["regarding.uid"] = "involvedObject.uid",
            ["reportingController"] = "reportingComponent",
        },
        FromStorage = fromStorage,
        ToStorage = toStorage,
        Columns = BuiltInColumns.Events,
    };
}

/// <summary>Events are stored in the core version; the events.k8s.io version has other names for the same fields.</summary>
internal static class EventConversion
{
    private static readonly (string Core, string New)[] Names =
    [
        ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"), ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"), ("reportingComponent", "reportingController"),
    ];

    public static void FromStorage(JsonObject obj) => Rename(obj, "events.k8s.io/v1", toCore: false);

    public static void ToStorage(JsonObject obj) => Rename(obj, "v1", toCore: true);

    private static void Rename(JsonObject obj, string apiVersion, bool toCore)
    {
        obj["apiVersion"] = apiVersion;
        foreach (var (core, other) in Names)
        {
            var (from, to) = toCore ? (other, core) : (core, other);
            if (!obj.TryGetPropertyValue(from, out var value) || obj.ContainsKey(to))
                continue;
            obj.Remove(from);
            obj[to] = value;
        }
    }
}
