namespace Scheduler.Daemon.Security;

/// <summary>Who calls, as the API server or a client certificate says.</summary>
/// <param name="Name">The user name.</param>
/// <param name="Uid">The API server's id of the user; empty for a certificate.</param>
/// <param name="Groups">Groups.</param>
/// <param name="Extra">What an authenticator adds; handed on with every question.</param>
internal sealed record Caller(string Name, string Uid, string[] Groups, Dictionary<string, string[]> Extra)
{
    /// <summary>Equal for equal callers; what answers are remembered by.</summary>
    public string Key { get; } = string.Join('\0', [Name, Uid, .. Groups.Order(StringComparer.Ordinal),
        .. Extra.OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => pair.Value.Prepend(pair.Key + "="))]);
}

/// <summary>What is to be done to what. Resources of group <c>weir.scheduler</c>, most of which only access rules know.</summary>
/// <param name="Resource">The resource, such as <c>queues</c>.</param>
/// <param name="Verb">The verb, such as <c>list</c>.</param>
/// <param name="Namespace">The namespace; null for the cluster, or all namespaces.</param>
internal readonly record struct Permission(string Resource, string Verb, string? Namespace)
{
    public const string Group = "weir.scheduler";

    public override string ToString() => Namespace is null
        ? $"{Verb} {Resource}.{Group} in the cluster"
        : $"{Verb} {Resource}.{Group} in namespace '{Namespace}'";
}
