using System.Net;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>The API server answered, and the answer was no.</summary>
public sealed class ApiServerException : Exception
{
    internal ApiServerException(HttpStatusCode statusCode, string request, StatusObject? status, TimeSpan? retryAfter)
        : base($"{request}: {(int)statusCode} {status?.Reason ?? statusCode.ToString()}{(status?.Message is { Length: > 0 } message ? $": {message}" : "")}")
    {
        StatusCode = statusCode;
        Reason = status?.Reason;
        RetryAfter = retryAfter;
    }

    /// <summary>The HTTP status, or the code inside an ERROR event of a watch.</summary>
    public HttpStatusCode StatusCode { get; }

    /// <summary>The machine-readable reason of the Status object, such as <c>AlreadyExists</c>. Null if the body was no Status.</summary>
    public string? Reason { get; }

    /// <summary>How long the server asks to wait before trying again. Null if it does not say.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>True if the same request may succeed later: too many requests, or an error of the server.</summary>
    public bool IsTransient => StatusCode == HttpStatusCode.TooManyRequests || StatusCode == HttpStatusCode.RequestTimeout || (int)StatusCode >= 500;
}
