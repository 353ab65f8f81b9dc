using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>What every cluster has from the start.</summary>
internal static class Bootstrap
{
    public static void CreateNamespacesAndClasses(ObjectService objects)
    {
        var namespaces = objects.Registry.Require("", "namespaces");
        foreach (var name in (ReadOnlySpan<string>)["default", "kube-system", "kube-public", "kube-node-lease"])
            objects.Create(namespaces, "", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, WriteOptions.Default);
        var classes = objects.Registry.Require("scheduling.k8s.io", "priorityclasses");
        foreach (var (name, value, description) in new[]
        {
            ("system-cluster-critical", 2_000_000_000, "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."),
            ("system-node-critical", 2_000_001_000, "Used for system critical pods that must not be moved from their current node."),
        })
        {
            objects.Create(
                classes, "",
                new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["value"] = value, ["description"] = description },
                WriteOptions.Default);
        }
    }
}
