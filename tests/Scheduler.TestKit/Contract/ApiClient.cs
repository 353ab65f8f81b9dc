using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Scheduler.TestKit;

/// <summary>
/// The Kubernetes API as it is on the wire: JSON in, status code and JSON out. The contract suite uses it because a typed client
/// hides what the contract is about (status codes, absent fields, content types).
/// </summary>
public sealed class ApiClient(ApiEndpoint endpoint) : IDisposable
{
    /// <summary>Content types of the four kinds of patch.</summary>
    public const string JsonPatch = "application/json-patch+json",
        MergePatch = "application/merge-patch+json",
        StrategicMergePatch = "application/strategic-merge-patch+json",
        ApplyPatch = "application/apply-patch+yaml";

    private readonly HttpClient _http = endpoint.CreateHttpClient();

    public Task<ApiResponse> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    public Task<ApiResponse> PostAsync(string path, string body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, body, cancellationToken);

    public Task<ApiResponse> PutAsync(string path, string body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, path, body, cancellationToken);

    public Task<ApiResponse> PutAsync(string path, JsonNode body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, path, body.ToJsonString(), cancellationToken);

    public Task<ApiResponse> PatchAsync(string path, string contentType, string body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Patch, path, body, cancellationToken, contentType);

    public Task<ApiResponse> DeleteAsync(string path, CancellationToken cancellationToken, string? body = null) =>
        SendAsync(HttpMethod.Delete, path, body, cancellationToken);

    /// <summary>Sends one request and reads the whole answer, whatever its status.</summary>
    public async Task<ApiResponse> SendAsync(
        HttpMethod method, string path, string? body, CancellationToken cancellationToken, string contentType = "application/json", string accept = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType) } };
        using var response = await _http.SendAsync(request, cancellationToken);
        return new ApiResponse((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken), $"{method} {path}");
    }

    /// <summary>Starts a watch; the answer's head has arrived when this returns. <paramref name="path"/> carries <c>watch=true</c>.</summary>
    public async Task<WatchStream> WatchAsync(string path, CancellationToken cancellationToken)
    {
        var response = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if ((int)response.StatusCode == 200)
            return new WatchStream(response, await response.Content.ReadAsStreamAsync(cancellationToken), path);
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            throw new InvalidOperationException($"GET {path} answered {(int)response.StatusCode}: {text}");
        }
    }

    public void Dispose() => _http.Dispose();
}
