namespace Scheduler.SimulatedCluster.Patching;

/// <summary>
/// How the lists of built-in kinds merge: by which member of their items. A list that is not named here is replaced as a whole
/// (tolerations, taints, arguments). The names are unambiguous within the kinds that this server knows, but for ports.
/// </summary>
internal static class ListKeys
{
    private static readonly Dictionary<string, string> MergeKeys = new(StringComparer.Ordinal)
    {
        ["containers"] = "name",
        ["initContainers"] = "name",
        ["ephemeralContainers"] = "name",
        ["env"] = "name",
        ["volumes"] = "name",
        ["volumeMounts"] = "mountPath",
        ["volumeDevices"] = "devicePath",
        ["imagePullSecrets"] = "name",
        ["secrets"] = "name",
        ["schedulingGates"] = "name",
        ["resourceClaims"] = "name",
        ["hostAliases"] = "ip",
        ["podIPs"] = "ip",
        ["hostIPs"] = "ip",
        ["topologySpreadConstraints"] = "topologyKey",
        ["conditions"] = "type",
        ["addresses"] = "type",
        ["ownerReferences"] = "uid",
    };

    private static readonly HashSet<string> MergedScalars = new(StringComparer.Ordinal) { "finalizers", "podCIDRs" };

    /// <summary>The member that identifies an item of the list, or null if the list is replaced as a whole.</summary>
    /// <param name="field">The name of the list.</param>
    /// <param name="parent">The name of the member that holds it ("containers" for a container's ports).</param>
    public static string? KeyOf(string field, string parent) =>
        field == "ports" ? parent is "containers" or "initContainers" or "ephemeralContainers" ? "containerPort" : "port" : MergeKeys.GetValueOrDefault(field);

    /// <summary>Lists of plain values that merge as sets.</summary>
    public static bool IsSet(string field) => MergedScalars.Contains(field);
}
