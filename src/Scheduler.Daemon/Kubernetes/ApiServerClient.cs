using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>
/// Requests to the API server, as JSON. A refusal is an <see cref="ApiServerException"/>; a request that took too long is a
/// <see cref="TimeoutException"/>, after which the write may or may not have taken effect; a connection that broke is an
/// <see cref="HttpRequestException"/> or <see cref="IOException"/>, with the same doubt.
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class ApiServerClient : IDisposable
{
    internal const string MergePatch = "application/merge-patch+json";
    internal const string StrategicMergePatch = "application/strategic-merge-patch+json";

    private readonly HttpClient _http;
    private readonly Func<HttpRequestMessage, CancellationToken, Task>? _authorize;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly IDisposable? _owned;

    internal ApiServerClient(
        HttpClient http, TimeProvider time, TimeSpan requestTimeout,
        Func<HttpRequestMessage, CancellationToken, Task>? authorize = null, IDisposable? owned = null)
    {
        _http = http;
        // Relative paths keep the path of the base address, which a server behind a gateway has.
        if (http.BaseAddress is { } address && !address.AbsolutePath.EndsWith('/'))
            http.BaseAddress = new Uri(address.AbsoluteUri + "/");
        _time = time;
        _timeout = requestTimeout;
        _authorize = authorize;
        _owned = owned;
    }

    /// <summary>The address of the server, for messages.</summary>
    public Uri BaseAddress => _http.BaseAddress ?? new Uri("http://unknown/");

    internal Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, path, null, type, cancellation);

    internal Task<T> PostAsync<TBody, T>(string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, path, Json(body, bodyType, "application/json"), type, cancellation);

    internal Task<T> PutAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Put, path, Json(body, type, "application/json"), type, cancellation);

    /// <summary>A PATCH whose answer is not read.</summary>
    internal Task PatchAsync<TBody>(string path, TBody body, JsonTypeInfo<TBody> bodyType, string patchType, CancellationToken cancellation) =>
        SendAsync<object>(HttpMethod.Patch, path, Json(body, bodyType, patchType), null, cancellation);

    /// <summary>Sets annotations of an object, or removes those that are null. The uid keeps another object of the same name from being touched.</summary>
    internal Task AnnotateAsync(string path, string? uid, Dictionary<string, string?> annotations, CancellationToken cancellation) => PatchAsync(
        path, new MetadataPatch { Metadata = new PatchedMeta { Uid = uid, Annotations = annotations } }, WireJson.Default.MetadataPatch, MergePatch, cancellation);

    /// <summary>A POST whose answer is not read.</summary>
    internal Task PostAsync<TBody>(string path, TBody body, JsonTypeInfo<TBody> bodyType, CancellationToken cancellation) =>
        SendAsync<object>(HttpMethod.Post, path, Json(body, bodyType, "application/json"), null, cancellation);

    /// <summary>
    /// Opens a GET whose body is read as it arrives. The request timeout covers the time until the headers are there, not the body.
    /// The caller disposes the response.
    /// </summary>
    internal async Task<HttpResponseMessage> OpenAsync(string path, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, path.TrimStart('/'));
        try
        {
            await AuthorizeAsync(request, both.Token).ConfigureAwait(false);
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
                throw await RefusalAsync(response, $"GET {path}", both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"GET {path}: no answer within {_timeout.TotalSeconds:0.#} s");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _owned?.Dispose();
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T>? type, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        using var request = new HttpRequestMessage(method, path.TrimStart('/')) { Content = content };
        try
        {
            await AuthorizeAsync(request, both.Token).ConfigureAwait(false);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, both.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw await RefusalAsync(response, $"{method} {path}", both.Token).ConfigureAwait(false);
            if (type is null)
                return default!;
            var body = await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false);
            return JsonSerializer.Deserialize(body, type)
                ?? throw new InvalidDataException($"{method} {path}: the answer is null");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"{method} {path}: no answer within {_timeout.TotalSeconds:0.#} s");
        }
    }

    private Task AuthorizeAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        return _authorize is null ? Task.CompletedTask : _authorize(request, cancellation);
    }

    private static ByteArrayContent Json<T>(T body, JsonTypeInfo<T> type, string mediaType)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return content;
    }

    private async Task<ApiServerException> RefusalAsync(HttpResponseMessage response, string request, CancellationToken cancellation)
    {
        var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        var status = ParseStatus(body);
        return new ApiServerException(response.StatusCode, request, status, RetryAfter(response.Headers.RetryAfter, status));
    }

    private static StatusObject ParseStatus(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, WireJson.Default.StatusObject) ?? new StatusObject();
        }
        catch (JsonException)
        {
            // A proxy in between answers in HTML or plain text: its first words are the best message that there is.
            var text = System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 200))).Trim();
            return new StatusObject { Message = text };
        }
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header, StatusObject status)
    {
        if (header?.Delta is { } delta)
            return delta;
        if (header?.Date is { } date)
            return date > _time.GetUtcNow() ? date - _time.GetUtcNow() : TimeSpan.Zero;
        return status.Details?.RetryAfterSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : null;
    }

    /// <summary>True for what a broken or slow network throws: the request may or may not have taken effect.</summary>
    internal static bool IsUncertain(Exception exception) => exception is HttpRequestException or IOException or TimeoutException;

    internal static bool Is(Exception exception, HttpStatusCode code) => exception is ApiServerException refusal && refusal.StatusCode == code;
}
