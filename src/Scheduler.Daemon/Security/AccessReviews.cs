using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Memory;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Security;

/// <summary>The API server could not be asked who somebody is, or what they may do. Nothing is allowed then.</summary>
internal sealed class ReviewFailedException(string message, Exception? cause) : Exception(message, cause);

/// <summary>
/// Asks the API server who holds a token and what a caller may do, and remembers the answers for a while: yes for a minute, no for ten
/// seconds. So a permission that is taken away ends within a minute. Tokens are remembered by their hash only. Failures are not
/// remembered, and nothing is allowed by them. Safe for concurrent use.
/// </summary>
internal sealed class AccessReviews(ApiServerClient client, SchedulerMetrics metrics, TimeProvider time) : IDisposable
{
    /// <summary>The longest token that is looked at, in characters; those of Kubernetes have about 1,000.</summary>
    public const int MaxTokenLength = 16_384;

    private const int MaxRemembered = 20_000;
    private const int MaxUnderWay = 32;
    private static readonly TimeSpan RememberYes = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RememberNo = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WaitForTurn = TimeSpan.FromSeconds(5);

    private readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = MaxRemembered });
    private readonly SemaphoreSlim _turns = new(MaxUnderWay);

    /// <summary>Who holds a token; null if nobody does.</summary>
    /// <exception cref="ReviewFailedException">The API server could not be asked.</exception>
    public async Task<Caller?> AuthenticateAsync(string token, CancellationToken cancellation)
    {
        var answer = await AskAsync(
            "token", "t" + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token))),
            async () =>
            {
                var review = await client.PostAsync(
                    "/apis/authentication.k8s.io/v1/tokenreviews", new TokenReviewObject { Spec = new TokenReviewSpec { Token = token } },
                    WireJson.Default.TokenReviewObject, WireJson.Default.TokenReviewObject, cancellation).ConfigureAwait(false);
                return review.Status is { Authenticated: true, User: { Username.Length: > 0 } user }
                    ? new Caller(user.Username, user.Uid ?? "", user.Groups ?? [], user.Extra ?? [])
                    : null;
            }, caller => caller is not null, cancellation).ConfigureAwait(false);
        return answer;
    }

    /// <summary>Whether a caller may do something.</summary>
    /// <exception cref="ReviewFailedException">The API server could not be asked.</exception>
    public Task<bool> IsAllowedAsync(Caller caller, Permission permission, CancellationToken cancellation) => AskAsync(
        "access", $"a{permission.Resource}\0{permission.Verb}\0{permission.Namespace}\0{caller.Key}",
        async () =>
        {
            var review = await client.PostAsync(
                "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                new AccessReviewObject
                {
                    Spec = new AccessReviewSpec
                    {
                        User = caller.Name,
                        Uid = caller.Uid.Length == 0 ? null : caller.Uid,
                        Groups = caller.Groups,
                        Extra = caller.Extra.Count == 0 ? null : caller.Extra,
                        ResourceAttributes = new ResourceAttributes
                        {
                            Group = Permission.Group,
                            Resource = permission.Resource,
                            Verb = permission.Verb,
                            Namespace = permission.Namespace,
                        },
                    },
                },
                WireJson.Default.AccessReviewObject, WireJson.Default.AccessReviewObject, cancellation).ConfigureAwait(false);
            return review.Status is { Allowed: true };
        }, isAllowed => isAllowed, cancellation);

    public void Dispose()
    {
        _answers.Dispose();
        _turns.Dispose();
    }

    private async Task<T> AskAsync<T>(string kind, string key, Func<Task<T>> ask, Func<T, bool> isYes, CancellationToken cancellation)
    {
        if (_answers.TryGetValue(key, out Remembered<T>? known) && time.GetElapsedTime(known!.At) < (isYes(known.Answer) ? RememberYes : RememberNo))
            return known.Answer;
        if (!await _turns.WaitAsync(WaitForTurn, cancellation).ConfigureAwait(false))
        {
            metrics.Reviewed(kind, "busy");
            throw new ReviewFailedException("too many callers are being looked up at once", null);
        }

        try
        {
            var answer = await ask().ConfigureAwait(false);
            metrics.Reviewed(kind, isYes(answer) ? "yes" : "no");
            _answers.Set(key, new Remembered<T>(answer, time.GetTimestamp()), new MemoryCacheEntryOptions
            {
                Size = 1,
                AbsoluteExpirationRelativeToNow = RememberYes,
            });
            return answer;
        }
        catch (Exception failure) when (failure is ApiServerException or InvalidDataException or System.Text.Json.JsonException || ApiServerClient.IsUncertain(failure))
        {
            metrics.Reviewed(kind, "failed");
            throw new ReviewFailedException(failure.Message, failure);
        }
        finally
        {
            _turns.Release();
        }
    }

    private sealed record Remembered<T>(T Answer, long At);
}
