using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Access;

/// <summary>
/// What the stored roles and bindings allow, as RBAC does: permissions add up, nothing denies. Rules about resources only, without
/// aggregation and without URLs.
/// </summary>
internal sealed class RoleRules(ObjectService objects)
{
    private const string Group = "rbac.authorization.k8s.io";

    /// <summary>Whether a user may do something to a resource; an empty namespace means the cluster, or all namespaces.</summary>
    public bool IsAllowed(string user, IReadOnlyCollection<string> groups, string apiGroup, string resource, string verb, string name, string inNamespace)
    {
        var bindings = objects.List(Group, "clusterrolebindings", null);
        if (inNamespace.Length > 0)
            bindings = bindings.Concat(objects.List(Group, "rolebindings", inNamespace));
        return bindings.Select(binding => (binding.Key.Namespace, Binding: binding.Parse()))
            .Where(bound => Items(bound.Binding["subjects"]).Any(subject => IsSubject(subject, user, groups)))
            .SelectMany(bound => RulesOf(bound.Binding["roleRef"], bound.Namespace))
            .Any(rule => Has(rule["verbs"], verb) && Has(rule["apiGroups"], apiGroup) && Has(rule["resources"], resource)
                && (rule["resourceNames"] is not JsonArray { Count: > 0 } names || (name.Length > 0 && Has(names, name))));
    }

    private IEnumerable<JsonNode> RulesOf(JsonNode? reference, string inNamespace)
    {
        var isOfCluster = Text(reference?["kind"]) == "ClusterRole";
        var role = objects.Find(Group, isOfCluster ? "clusterroles" : "roles", new ObjectKey(isOfCluster ? "" : inNamespace, Text(reference?["name"])));
        return role is null ? [] : Items(role.Parse()["rules"]);
    }

    private static bool IsSubject(JsonNode subject, string user, IReadOnlyCollection<string> groups) => Text(subject["kind"]) switch
    {
        "User" => Text(subject["name"]) == user,
        "Group" => groups.Contains(Text(subject["name"])),
        "ServiceAccount" => $"system:serviceaccount:{Text(subject["namespace"])}:{Text(subject["name"])}" == user,
        _ => false,
    };

    private static bool Has(JsonNode? list, string wanted) => Items(list).Select(Text).Any(item => item == "*" || item == wanted);

    private static IEnumerable<JsonNode> Items(JsonNode? list) => list is JsonArray items ? items.OfType<JsonNode>() : [];

    private static string Text(JsonNode? node) => node?.ToString() ?? "";
}
