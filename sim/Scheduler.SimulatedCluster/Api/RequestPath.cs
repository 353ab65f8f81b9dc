namespace Scheduler.SimulatedCluster.Api;

/// <summary>A resource path taken apart: <c>/apis/GROUP/VERSION[/namespaces/NS]/PLURAL[/NAME[/SUBRESOURCE]]</c>.</summary>
internal sealed record RequestPath(string Group, string Version, string Namespace, string Plural, string Name, string Subresource)
{
    /// <summary>Null if the path has no resource in it.</summary>
    public static RequestPath? Parse(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string group, version;
        ReadOnlySpan<string> rest;
        if (parts.Length >= 3 && parts[0] == "api")
        {
            (group, version) = ("", parts[1]);
            rest = parts.AsSpan(2);
        }
        else if (parts.Length >= 4 && parts[0] == "apis")
        {
            (group, version) = (parts[1], parts[2]);
            rest = parts.AsSpan(3);
        }
        else
        {
            return null;
        }

        var inNamespace = "";
        // /namespaces/NS/status and /finalize are subresources of the namespace itself.
        if (rest.Length >= 3 && rest[0] == "namespaces" && !(rest.Length == 3 && group.Length == 0 && rest[2] is "status" or "finalize"))
        {
            inNamespace = rest[1];
            rest = rest[2..];
        }

        if (rest.Length > 3)
            return null;
        return new RequestPath(group, version, inNamespace, rest[0], rest.Length > 1 ? rest[1] : "", rest.Length > 2 ? rest[2] : "");
    }
}
