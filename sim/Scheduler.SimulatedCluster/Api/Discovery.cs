using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>What is served: the old documents, group by group, and the aggregated form that kubectl asks for first.</summary>
internal sealed class Discovery(ResourceRegistry registry)
{
    public const string AggregatedMediaType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    /// <summary>Resources that are answered but never stored.</summary>
    private static readonly (string Group, string Version, string Plural, string Kind)[] Virtual =
    [
        ("", "v1", "bindings", "Binding"),
        ("authentication.k8s.io", "v1", "tokenreviews", "TokenReview"),
        ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview"),
        ("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview"),
        ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ];

    private sealed record Entry(string Name, string Singular, bool IsNamespaced, string Kind, IReadOnlyList<string> Verbs, ResourceType? Type, string? OtherGroup = null, string? OtherVersion = null);

    public static JsonObject Version { get; } = new()
    {
        ["major"] = "1",
        ["minor"] = "32",
        ["gitVersion"] = "v1.32.0-weir",
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "2025-01-01T00:00:00Z",
        ["goVersion"] = "none",
        ["compiler"] = "dotnet",
        ["platform"] = "linux/amd64",
    };

    public static JsonObject CoreVersions(string address) => new()
    {
        ["kind"] = "APIVersions",
        ["versions"] = new JsonArray("v1"),
        ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = address }),
    };

    public JsonObject GroupList() => new()
    {
        ["kind"] = "APIGroupList",
        ["apiVersion"] = "v1",
        ["groups"] = new JsonArray([.. Groups().Where(g => g.Length > 0).Select(g => (JsonNode)Group(g)!)]),
    };

    public JsonObject? Group(string group)
    {
        var versions = Versions(group).Select(v => (JsonNode)new JsonObject { ["groupVersion"] = $"{group}/{v}", ["version"] = v }).ToArray();
        if (versions.Length == 0)
            return null;
        return new JsonObject
        {
            ["kind"] = "APIGroup",
            ["apiVersion"] = "v1",
            ["name"] = group,
            ["preferredVersion"] = versions[0].DeepClone(),
            ["versions"] = new JsonArray(versions),
        };
    }

    public JsonObject? ResourceList(string group, string version)
    {
        var entries = Entries(group, version).ToList();
        if (entries.Count == 0)
            return null;
        return new JsonObject
        {
            ["kind"] = "APIResourceList",
            ["apiVersion"] = "v1",
            ["groupVersion"] = group.Length == 0 ? version : $"{group}/{version}",
            ["resources"] = new JsonArray([.. entries.Select(e => (JsonNode)Legacy(e))]),
        };
    }

    public JsonObject Aggregated(bool isCore) => new()
    {
        ["kind"] = "APIGroupDiscoveryList",
        ["apiVersion"] = "apidiscovery.k8s.io/v2",
        ["metadata"] = new JsonObject(),
        ["items"] = new JsonArray([.. Groups().Where(g => g.Length == 0 == isCore).Select(g => (JsonNode)AggregatedGroup(g))]),
    };

    private JsonObject AggregatedGroup(string group)
    {
        var obj = new JsonObject { ["metadata"] = group.Length == 0 ? new JsonObject() : new JsonObject { ["name"] = group } };
        obj["versions"] = new JsonArray([.. Versions(group).Select(v => (JsonNode)new JsonObject
        {
            ["version"] = v,
            ["resources"] = AggregatedResources(group, v),
            ["freshness"] = "Current",
        })]);
        return obj;
    }

    private JsonArray AggregatedResources(string group, string version)
    {
        var resources = new JsonArray();
        JsonObject? parent = null;
        foreach (var entry in Entries(group, version))
        {
            var slash = entry.Name.IndexOf('/', StringComparison.Ordinal);
            var obj = new JsonObject
            {
                [slash < 0 ? "resource" : "subresource"] = slash < 0 ? entry.Name : entry.Name[(slash + 1)..],
                ["responseKind"] = new JsonObject { ["group"] = entry.OtherGroup ?? group, ["version"] = entry.OtherVersion ?? version, ["kind"] = entry.Kind },
                ["verbs"] = entry.Verbs.ToJsonArray(),
            };
            if (slash >= 0)
            {
                parent!.ChildArray("subresources").Add((JsonNode)obj);
                continue;
            }

            obj["scope"] = entry.IsNamespaced ? "Namespaced" : "Cluster";
            obj["singularResource"] = entry.Singular;
            if (entry.Type is { ShortNames.Count: > 0 })
                obj["shortNames"] = entry.Type.ShortNames.ToJsonArray();
            if (entry.Type is { Categories.Count: > 0 })
                obj["categories"] = entry.Type.Categories.ToJsonArray();
            parent = obj;
            resources.Add((JsonNode)obj);
        }

        return resources;
    }

    private static JsonObject Legacy(Entry entry)
    {
        var obj = new JsonObject
        {
            ["name"] = entry.Name,
            ["singularName"] = entry.Singular,
            ["namespaced"] = entry.IsNamespaced,
            ["kind"] = entry.Kind,
            ["verbs"] = entry.Verbs.ToJsonArray(),
        };
        if (entry.OtherGroup is not null)
        {
            obj["group"] = entry.OtherGroup;
            obj["version"] = entry.OtherVersion;
        }

        if (entry.Type is { ShortNames.Count: > 0 })
            obj["shortNames"] = entry.Type.ShortNames.ToJsonArray();
        if (entry.Type is { Categories.Count: > 0 })
            obj["categories"] = entry.Type.Categories.ToJsonArray();
        return obj;
    }

    private IEnumerable<Entry> Entries(string group, string version)
    {
        foreach (var (_, _, plural, kind) in Virtual.Where(v => v.Group == group && v.Version == version))
            yield return new Entry(plural, kind.ToLowerInvariant(), plural is "bindings", kind, ["create"], null);
        foreach (var type in registry.All.Where(t => t.Group == group && t.Version == version))
        {
            yield return new Entry(type.Plural, type.Singular, type.IsNamespaced, type.Kind, ResourceType.Verbs, type);
            if (type.HasStatus)
                yield return new Entry(type.Plural + "/status", "", type.IsNamespaced, type.Kind, ["get", "patch", "update"], null);
            if (type.HasScale)
                yield return new Entry(type.Plural + "/scale", "", type.IsNamespaced, "Scale", ["get", "patch", "update"], null, "autoscaling", "v1");
            if (type.StorageName != "pods")
                continue;
            yield return new Entry("pods/binding", "", true, "Binding", ["create"], null);
            yield return new Entry("pods/eviction", "", true, "Eviction", ["create"], null, "policy", "v1");
            yield return new Entry("pods/log", "", true, "Pod", ["get"], null);
        }
    }

    private IEnumerable<string> Groups() =>
        registry.All.Select(t => t.Group).Concat(Virtual.Select(v => v.Group)).Distinct();

    private IEnumerable<string> Versions(string group) =>
        registry.All.Where(t => t.Group == group).Select(t => t.Version)
            .Concat(Virtual.Where(v => v.Group == group).Select(v => v.Version))
            .Distinct();
}
