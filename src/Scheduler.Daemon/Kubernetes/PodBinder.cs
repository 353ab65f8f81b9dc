using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>One pod to be bound.</summary>
internal sealed record BindRequest(PodId Pod, string Namespace, string Name, NodeName Node, ImmutableArray<int> Devices, WorkloadId Workload)
{
    /// <summary>Claims that wait for the node of their first pod: they are bound before it is.</summary>
    public ImmutableArray<string> UnboundClaims { get; init; } = [];
}

/// <summary>How a binding ended. Each says what the caller does next.</summary>
internal enum BindResult
{
    /// <summary>The pod has its node: keep the assumption until the watch confirms it.</summary>
    Bound,

    /// <summary>The pod has another node, or changed hands: forget, and let the watch tell.</summary>
    Conflict,

    /// <summary>The pod does not exist any more: forget.</summary>
    Gone,

    /// <summary>The API server refuses, and would again: forget, and back this pod off.</summary>
    Rejected,

    /// <summary>No attempt got through: forget, and back this pod off.</summary>
    Exhausted,

    /// <summary>The lease was lost before the write was sent: forget. The next leader decides.</summary>
    Fenced,

    /// <summary>A write was sent and its answer is not known: keep the assumption, and ask the API server later.</summary>
    Unknown,
}

/// <param name="Result">How it ended.</param>
/// <param name="Message">Why, for people; empty when bound.</param>
internal sealed record BindOutcome(BindResult Result, string Message = "");

internal sealed record BinderSettings
{
    public int MaxAttempts { get; init; } = 5;
    public TimeSpan BackoffFirst { get; init; } = TimeSpan.FromMilliseconds(100);
    public TimeSpan BackoffCap { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>
/// Writes a Binding. Node and devices are one atomic write, because the API server merges a Binding's annotations into the
/// pod; the uid in it keeps a new pod of the same name from being bound.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class PodBinder(
    ApiServerClient client, BinderSettings settings, TimeProvider time, ILogger logger, Func<double>? jitter = null)
{
    private readonly Func<double> _jitter = jitter ?? Backoff.RandomJitter;

    public async Task<BindOutcome> BindAsync(BindRequest request, LeadershipTerm term, CancellationToken cancellation)
    {
        var backoff = new Backoff(settings.BackoffFirst, settings.BackoffCap, _jitter);
        var isUncertain = false;
        var isSending = false;
        while (true)
        {
            try
            {
                isSending = false;
                // After a write that may have taken effect, the pod is asked first: a blind second write would be answered 409.
                if (isUncertain && await LookAsync(request, cancellation).ConfigureAwait(false) is { } found)
                    return found;
                if (!term.IsHeld)
                    return new BindOutcome(BindResult.Fenced, "the lease was lost");
                isSending = true;
                await PostAsync(request, cancellation).ConfigureAwait(false);
                return new BindOutcome(BindResult.Bound);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested && (isUncertain || isSending))
            {
                return new BindOutcome(BindResult.Unknown, "the daemon stops, or the lease was lost, while the write was on its way");
            }
            catch (ApiServerException refusal) when (!refusal.IsTransient)
            {
                // 409 after a doubtful attempt may be the answer to our own success.
                if (refusal.StatusCode != HttpStatusCode.Conflict || !isUncertain)
                    return Final(refusal);
                return await LookAfterConflictAsync(request, refusal, cancellation).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
            {
                var refusal = failure as ApiServerException;
                isUncertain |= refusal is null || (int)refusal.StatusCode >= 500;
                if (backoff.Failures + 1 >= settings.MaxAttempts)
                {
                    return new BindOutcome(
                        isUncertain ? BindResult.Unknown : BindResult.Exhausted, $"{settings.MaxAttempts} attempts, the last: {failure.Message}");
                }

                var wait = backoff.Next(refusal?.RetryAfter);
                Log.BindRetry(logger, request.Namespace, request.Name, request.Node.Value, failure.Message, wait.TotalSeconds);
                try
                {
                    await Task.Delay(wait, time, cancellation).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (isUncertain)
                {
                    return new BindOutcome(BindResult.Unknown, failure.Message);
                }
            }
        }
    }

    /// <summary>What became of a binding, as the API server says now.</summary>
    /// <returns>Bound, Conflict or Gone; null if the pod has no node.</returns>
    public Task<BindOutcome?> FindOutAsync(BindRequest request, CancellationToken cancellation) => LookAsync(request, cancellation);

    private Task PostAsync(BindRequest request, CancellationToken cancellation)
    {
        var binding = new BindingObject
        {
            Metadata = new ObjectMeta
            {
                Name = request.Name,
                Namespace = request.Namespace,
                Uid = request.Pod.Value,
                Annotations = request.Devices.IsEmpty ? null : new() { [Annotations.GpuDevices] = FormatDevices(request.Devices) },
            },
            Target = new ObjectReference { ApiVersion = "v1", Kind = "Node", Name = request.Node.Value },
        };
        return client.PostAsync($"{PathOf(request)}/binding", binding, WireJson.Default.BindingObject, cancellation);
    }

    /// <summary>What became of a doubtful write; null if it did not take effect.</summary>
    private async Task<BindOutcome?> LookAsync(BindRequest request, CancellationToken cancellation)
    {
        PodObject pod;
        try
        {
            pod = await client.GetAsync(PathOf(request), WireJson.Default.PodObject, cancellation).ConfigureAwait(false);
        }
        catch (ApiServerException refusal) when (refusal.StatusCode == HttpStatusCode.NotFound)
        {
            return new BindOutcome(BindResult.Gone, refusal.Message);
        }

        if (pod.Metadata.Uid != request.Pod.Value)
            return new BindOutcome(BindResult.Gone, "another pod has its name");
        if (string.IsNullOrEmpty(pod.Spec.NodeName))
            return null;
        return pod.Spec.NodeName == request.Node.Value
            ? new BindOutcome(BindResult.Bound)
            : new BindOutcome(BindResult.Conflict, $"it is on {pod.Spec.NodeName}");
    }

    private async Task<BindOutcome> LookAfterConflictAsync(BindRequest request, ApiServerException conflict, CancellationToken cancellation)
    {
        try
        {
            return await LookAsync(request, cancellation).ConfigureAwait(false) ?? Final(conflict);
        }
        catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
        {
            return new BindOutcome(BindResult.Unknown, $"{conflict.Message}; and it could not be read: {failure.Message}");
        }
    }

    private static BindOutcome Final(ApiServerException refusal) => new(
        refusal.StatusCode switch
        {
            HttpStatusCode.Conflict => BindResult.Conflict,
            HttpStatusCode.NotFound => BindResult.Gone,
            _ => BindResult.Rejected,
        },
        refusal.Message);

    private static string PathOf(BindRequest request) => $"/api/v1/namespaces/{request.Namespace}/pods/{request.Name}";

    /// <summary>The text of the annotation gpu-devices: <c>0,1</c>.</summary>
    internal static string FormatDevices(ImmutableArray<int> devices) =>
        string.Join(',', devices.Select(device => device.ToString(CultureInfo.InvariantCulture)));
}
