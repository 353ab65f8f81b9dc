using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Extender;

/// <summary>
/// The protocol over HTTP: <c>POST /extender/{verb}</c>. A verb that is known is always answered with 200, and mistakes stand in
/// the body; where a body has no place for them (prioritize, preempt), the answer is the one that does nothing.
/// </summary>
internal sealed class ExtenderHandler(ExtenderService service, long maxRequestBytes, SchedulerMetrics metrics, TimeProvider time, ILogger logger)
{
    public const string Prefix = "/extender/";

    public async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var verb = path.StartsWith(Prefix, StringComparison.Ordinal) ? path[Prefix.Length..] : "";
        if (verb is not ("filter" or "prioritize" or "preempt" or "bind"))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            context.Response.Headers.Allow = HttpMethods.Post;
            return;
        }

        // Kestrel holds every body to this, and its error is one that can be told.
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = maxRequestBytes;
        // A connection to a replica that stands by would be kept and asked for ever.
        if (service.NotAnswering() is not null)
            context.Response.Headers.Connection = "close";
        var cancellation = context.RequestAborted;
        await (verb switch
        {
            "filter" => AnswerAsync(context, verb, ExtenderJson.Default.ExtenderArgs, args => service.FilterAsync(args, cancellation),
                error => new ExtenderFilterResult { Error = error }, ExtenderJson.Default.ExtenderFilterResult),
            "prioritize" => AnswerAsync(context, verb, ExtenderJson.Default.ExtenderArgs, args => Task.FromResult(service.Prioritize(args)),
                _ => [], ExtenderJson.Default.IReadOnlyListHostPriority),
            "preempt" => AnswerAsync(context, verb, ExtenderJson.Default.ExtenderPreemptionArgs, args => Task.FromResult(service.Preempt(args)),
                _ => new ExtenderPreemptionResult { NodeNameToMetaVictims = [] }, ExtenderJson.Default.ExtenderPreemptionResult),
            _ => AnswerAsync(context, verb, ExtenderJson.Default.ExtenderBindingArgs, args => service.BindAsync(args, cancellation),
                error => new ExtenderBindingResult { Error = error }, ExtenderJson.Default.ExtenderBindingResult),
        }).ConfigureAwait(false);
    }

    private async Task AnswerAsync<TArgs, TResult>(
        HttpContext context, string verb, JsonTypeInfo<TArgs> argsType, Func<TArgs, Task<ExtenderAnswer<TResult>>> answer,
        Func<string, TResult> failure, JsonTypeInfo<TResult> resultType)
        where TArgs : class
    {
        var started = time.GetTimestamp();
        ExtenderAnswer<TResult> given;
        try
        {
            given = await answer(await ReadAsync(context, argsType).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            metrics.ExtenderAnswered(verb, "aborted", time.GetElapsedTime(started));
            return;
        }
        catch (BadExtenderRequestException bad)
        {
            given = new(failure($"the request {bad.Message}"), "error", bad.Message);
            Log.ExtenderRequestBad(logger, verb, bad.Message);
        }
        catch (Exception bug)
        {
            given = new(failure($"Weir failed: {bug.Message}"), "error", bug.Message);
            Log.ExtenderBug(logger, bug, verb);
        }

        metrics.ExtenderAnswered(verb, given.Result, time.GetElapsedTime(started));
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, given.Body, resultType, context.RequestAborted).ConfigureAwait(false);
    }

    private async Task<TArgs> ReadAsync<TArgs>(HttpContext context, JsonTypeInfo<TArgs> type)
        where TArgs : class
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted).ConfigureAwait(false)
                ?? throw new BadExtenderRequestException("is null; it has to be an object");
        }
        catch (JsonException failure)
        {
            throw new BadExtenderRequestException($"cannot be read at {failure.Path ?? "$"}, line {(failure.LineNumber ?? 0) + 1}, byte {failure.BytePositionInLine ?? 0}");
        }
        catch (BadHttpRequestException failure) when (failure.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw new BadExtenderRequestException(
                $"is larger than {maxRequestBytes >> 20} MiB; set nodeCacheCapable: true in kube-scheduler's configuration, or raise extender.maxRequestMebibytes");
        }
        catch (BadHttpRequestException failure)
        {
            throw new BadExtenderRequestException($"cannot be read: {failure.Message}");
        }
    }
}
