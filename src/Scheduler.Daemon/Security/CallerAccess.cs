using Grpc.Core;

namespace Scheduler.Daemon.Security;

/// <summary>What one call may see. A handler asks it where its rule is <see cref="AccessScope.Filtered"/>, or for what it adds to numbers.</summary>
internal sealed class CallerAccess
{
    /// <summary>Namespaces that one call may ask about anew; a caller with more names a tenant.</summary>
    private const int MaxQuestions = 200;

    private static readonly object Key = new();

    private readonly AccessReviews? _reviews;
    private readonly Caller? _caller;

    private CallerAccess(AccessReviews? reviews, Caller? caller) => (_reviews, _caller) = (reviews, caller);

    /// <summary>Everything, as in a process of its own cluster.</summary>
    public static CallerAccess Everything { get; } = new(null, null);

    public static CallerAccess Of(AccessReviews reviews, Caller caller) => new(reviews, caller);

    /// <summary>The access of a call. A call that passed no interceptor has none: that is a bug, and nothing is shown.</summary>
    public static CallerAccess Of(ServerCallContext context) => context.UserState.TryGetValue(Key, out var access)
        ? (CallerAccess)access
        : throw new InvalidOperationException("the call was not authorised by anybody");

    public void Attach(ServerCallContext context) => context.UserState[Key] = this;

    /// <summary>Which of some namespaces the caller may see the queues of.</summary>
    public async Task<Func<string, bool>> SeesQueuesAsync(IEnumerable<string> namespaces, CancellationToken cancellation)
    {
        if (_reviews is null || _caller is null)
            return static _ => true;
        if (await IsAllowedAsync(null, cancellation).ConfigureAwait(false))
            return static _ => true;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var asked = 0;
        foreach (var name in namespaces.Distinct(StringComparer.Ordinal))
        {
            if (++asked > MaxQuestions)
            {
                throw new RpcException(new Status(StatusCode.FailedPrecondition,
                    $"more than {MaxQuestions} namespaces would have to be looked up for this answer; name a tenant"));
            }

            if (await IsAllowedAsync(name, cancellation).ConfigureAwait(false))
                seen.Add(name);
        }

        return seen.Contains;
    }

    private async Task<bool> IsAllowedAsync(string? name, CancellationToken cancellation)
    {
        try
        {
            return await _reviews!.IsAllowedAsync(_caller!, new Permission("queues", "list", name), cancellation).ConfigureAwait(false);
        }
        catch (ReviewFailedException failure)
        {
            throw AccessInterceptor.Unavailable(failure);
        }
    }
}
