using System.Security.Cryptography.X509Certificates;
using System.Threading.RateLimiting;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Security;

/// <summary>
/// Stands before every method of the gRPC API: who calls (a client certificate, else a token), how often, and whether the method's line
/// in <see cref="AccessTable"/> allows it. What cannot be found out is refused.
/// </summary>
internal sealed class AccessInterceptor(AccessReviews? reviews, RequestRates rates, SchedulerMetrics metrics, ILogger logger) : Interceptor
{
    /// <summary>Of a request in the audit log, in characters.</summary>
    private const int MaxAuditedText = 500;

    private const string Bearer = "Bearer ";

    public static RpcException Unavailable(ReviewFailedException failure) => new(new Status(StatusCode.Unavailable,
        $"the API server cannot be asked about the caller, and nobody is served unasked ({failure.Message}); try again"));

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        TResponse? response = null;
        await GuardAsync(request, context, async () => response = await continuation(request, context).ConfigureAwait(false)).ConfigureAwait(false);
        return response!;
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(request, context, () => continuation(request, responseStream, context));

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        TResponse? response = null;
        await GuardAsync(null, context, async () => response = await continuation(requestStream, context).ConfigureAwait(false)).ConfigureAwait(false);
        return response!;
    }

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(null, context, () => continuation(requestStream, responseStream, context));

    private async Task GuardAsync(object? request, ServerCallContext context, Func<Task> call)
    {
        var rule = AccessTable.Rules.GetValueOrDefault(context.Method);
        var caller = "";
        var outcome = StatusCode.OK;
        try
        {
            caller = await AdmitAsync(rule, request, context).ConfigureAwait(false);
            await call().ConfigureAwait(false);
        }
        catch (RpcException refusal)
        {
            outcome = refusal.StatusCode;
            throw;
        }
        catch (Exception)
        {
            outcome = context.CancellationToken.IsCancellationRequested ? StatusCode.Cancelled : StatusCode.Unknown;
            throw;
        }
        finally
        {
            metrics.Called(rule is null ? "unknown" : context.Method, outcome);
            if (rule is { HasEffect: true } || outcome == StatusCode.PermissionDenied)
                Log.Audit(logger, caller.Length == 0 ? "somebody" : caller, context.Method, Text(request), outcome);
        }
    }

    /// <summary>Lets a call pass, or throws. Gives back the caller's name for the log.</summary>
    private async Task<string> AdmitAsync(AccessRule? rule, object? request, ServerCallContext context)
    {
        if (rule is null)
            throw new RpcException(new Status(StatusCode.PermissionDenied, $"{context.Method} has no access rule, so nobody may call it"));
        if (reviews is null)
        {
            CallerAccess.Everything.Attach(context);
            return "local";
        }

        if (rule.Scope == AccessScope.Anybody)
        {
            rates.Take("");
            return "";
        }

        try
        {
            var caller = await IdentifyAsync(context).ConfigureAwait(false);
            rates.Take(caller.Key);
            CallerAccess.Of(reviews, caller).Attach(context);
            await AuthorizeAsync(rule, caller, request, context).ConfigureAwait(false);
            return caller.Name;
        }
        catch (ReviewFailedException failure)
        {
            Log.ReviewFailed(logger, failure.Message);
            throw Unavailable(failure);
        }
    }

    private async Task<Caller> IdentifyAsync(ServerCallContext context)
    {
        // TLS has checked it against the client authorities.
        if (context.GetHttpContext().Connection.ClientCertificate is { } certificate)
            return CertificateCaller.Of(certificate);
        var header = context.RequestHeaders.GetValue("authorization") ?? "";
        if (!header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) || header.Length == Bearer.Length)
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated,
                "nobody is named: send a token of the cluster or a client certificate; weir does with --kubeconfig or --token-file"));
        }

        if (header.Length > AccessReviews.MaxTokenLength)
            throw new RpcException(new Status(StatusCode.Unauthenticated, $"the token has more than {AccessReviews.MaxTokenLength} characters"));
        return await reviews!.AuthenticateAsync(header[Bearer.Length..].Trim(), context.CancellationToken).ConfigureAwait(false)
            ?? throw new RpcException(new Status(StatusCode.Unauthenticated, "the API server does not know this token, or it has expired"));
    }

    private async Task AuthorizeAsync(AccessRule rule, Caller caller, object? request, ServerCallContext context)
    {
        if (rule.Scope is AccessScope.Authenticated or AccessScope.Filtered)
            return;
        var permission = new Permission(rule.Resource, rule.Verb, null);
        if (rule.Scope == AccessScope.Namespace)
        {
            var name = request is null ? null : rule.NamespaceOf!(request);
            if (string.IsNullOrEmpty(name))
                throw new RpcException(new Status(StatusCode.InvalidArgument, "name a workload or a pod, with its namespace"));
            permission = permission with { Namespace = name };
        }

        if (!await reviews!.IsAllowedAsync(caller, permission, context.CancellationToken).ConfigureAwait(false))
        {
            throw new RpcException(new Status(StatusCode.PermissionDenied,
                $"'{caller.Name}' may not {permission}; bind one of the ClusterRoles weir-* (docs/access.md)"));
        }
    }

    private static string Text(object? request)
    {
        if (request is not IMessage message)
            return "";
        var text = JsonFormatter.Default.Format(message);
        return text.Length <= MaxAuditedText ? text : text[..MaxAuditedText] + "…";
    }
}

/// <summary>Callers with a client certificate, as Kubernetes reads it: the common name is the user, organisations are groups.</summary>
internal static class CertificateCaller
{
    private const string CommonName = "2.5.4.3";
    private const string Organization = "2.5.4.10";

    /// <exception cref="RpcException">It names no user.</exception>
    public static Caller Of(X509Certificate2 certificate)
    {
        var (name, groups) = ("", new List<string> { "system:authenticated" });
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements)
                continue;
            if (part.GetSingleElementType().Value == CommonName)
                name = part.GetSingleElementValue() ?? "";
            else if (part.GetSingleElementType().Value == Organization && part.GetSingleElementValue() is { Length: > 0 } group)
                groups.Add(group);
        }

        return name.Length > 0
            ? new Caller(name, "", [.. groups], [])
            : throw new RpcException(new Status(StatusCode.Unauthenticated, "the client certificate has no common name, so it names no user"));
    }
}

/// <summary>How many requests a caller may make. One that goes beyond is refused, and nobody else.</summary>
internal sealed class RequestRates(int perSecond) : IDisposable
{
    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(key =>
        RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = 2 * perSecond,
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }), StringComparer.Ordinal);

    /// <exception cref="RpcException">RESOURCE_EXHAUSTED.</exception>
    public void Take(string caller)
    {
        using var lease = _limiter.AttemptAcquire(caller);
        if (!lease.IsAcquired)
        {
            throw new RpcException(new Status(StatusCode.ResourceExhausted,
                $"more than {perSecond} requests in a second, as many as api.requestsPerSecond allows a caller; wait a moment"));
        }
    }

    public void Dispose() => _limiter.Dispose();
}
