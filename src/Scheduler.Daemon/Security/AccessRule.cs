namespace Scheduler.Daemon.Security;

/// <summary>What a method of the API asks of its caller.</summary>
internal enum AccessScope
{
    /// <summary>Nothing: health.</summary>
    Anybody,

    /// <summary>To be known: the descriptions of the API.</summary>
    Authenticated,

    /// <summary>A permission in the whole cluster.</summary>
    Cluster,

    /// <summary>A permission in the namespace that the request names.</summary>
    Namespace,

    /// <summary>To be known; the answer holds what the caller may see, and of the rest numbers at most.</summary>
    Filtered,
}

/// <summary>The rule of one method.</summary>
/// <param name="Scope">What is asked for.</param>
/// <param name="Resource">The resource; empty where nothing is asked for.</param>
/// <param name="Verb">The verb.</param>
/// <param name="NamespaceOf">The namespace that a request names; null if it names none, which is refused.</param>
/// <param name="HasEffect">Whether it changes something: such calls are in the audit log.</param>
internal sealed record AccessRule(
    AccessScope Scope, string Resource = "", string Verb = "", Func<object, string?>? NamespaceOf = null, bool HasEffect = false);
