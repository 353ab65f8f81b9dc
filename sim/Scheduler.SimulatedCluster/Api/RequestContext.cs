using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Protobuf;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>What the handlers read of a request and how they answer it.</summary>
internal sealed class RequestContext(HttpContext http)
{
    private static readonly byte[] NewLine = "\n"u8.ToArray();

    public HttpContext Http { get; } = http;

    public CancellationToken Aborted => Http.RequestAborted;

    public string? Query(string name) => Http.Request.Query.TryGetValue(name, out var values) && values.Count > 0 ? values[0] : null;

    public bool Flag(string name) => Query(name) is "true" or "1";

    public string MediaType => (Http.Request.ContentType ?? "").Split(';')[0].Trim().ToLowerInvariant();

    /// <summary>The form of the answer: "Table", "PartialObjectMetadata", "PartialObjectMetadataList" or null for the plain object.</summary>
    public string? AcceptedForm
    {
        get
        {
            foreach (var accepted in Http.Request.Headers.Accept.ToString().Split(','))
            {
                var parameters = accepted.Split(';').Select(p => p.Trim()).ToList();
                if (parameters[0] is not ("application/json" or "*/*" or "application/*"))
                    continue; // other encodings, protobuf among them, are never offered
                return parameters.FirstOrDefault(p => p.StartsWith("as=", StringComparison.Ordinal))?[3..];
            }

            return null;
        }
    }

    public bool Accepts(string mediaType) => Http.Request.Headers.Accept.ToString().Contains(mediaType, StringComparison.OrdinalIgnoreCase);

    public WriteOptions WriteOptions()
    {
        var dryRun = Http.Request.Query["dryRun"];
        if (dryRun.Count > 0 && dryRun.Any(d => d != "All"))
            throw ApiException.BadRequest($"Invalid value: \"{dryRun}\": supported values: \"All\"");
        return new WriteOptions
        {
            IsDryRun = dryRun.Count > 0,
            FieldManager = Query("fieldManager") ?? Http.Request.Headers.UserAgent.ToString().Split('/')[0],
            FieldValidation = Query("fieldValidation") switch
            {
                "Strict" => FieldValidation.Strict,
                "Ignore" => FieldValidation.Ignore,
                null or "" or "Warn" => FieldValidation.Warn,
                var other => throw ApiException.BadRequest($"fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\""),
            },
        };
    }

    public async Task<byte[]> ReadBodyAsync()
    {
        using var kept = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        var isTooLarge = false;
        try
        {
            while (await Http.Request.Body.ReadAsync(buffer, Aborted) is > 0 and var count)
            {
                isTooLarge |= kept.Length + count > ApiServer.MaxBodyBytes;
                if (!isTooLarge)
                    kept.Write(buffer, 0, count);
            }
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            isTooLarge = true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (isTooLarge)
            throw new ApiException(413, "RequestEntityTooLarge", $"Request entity too large: limit is {ApiServer.MaxBodyBytes}");
        return kept.ToArray();
    }

    /// <summary>The body as an object; JSON, YAML, or protobuf as far as it is understood.</summary>
    public async Task<JsonObject> ReadObjectAsync()
    {
        if (MediaType == ProtobufReader.MediaType)
            return ParseProtobuf(await ReadBodyAsync());
        if (MediaType is not ("application/json" or "application/yaml" or ""))
            throw ApiException.UnsupportedMediaType($"the body of the request was in an unknown format - accepted media types include: application/json, application/yaml (got {MediaType})");
        return ParseObject(await ReadBodyAsync(), MediaType == "application/yaml");
    }

    public static JsonObject ParseProtobuf(byte[] body)
    {
        try
        {
            return ProtobufReader.Read(body);
        }
        catch (FormatException e)
        {
            throw ApiException.UnsupportedMediaType($"the body of the request was in an unknown format - accepted media types include: application/json, application/yaml: {e.Message}");
        }
    }

    public static JsonObject ParseObject(byte[] body, bool isYaml) =>
        ParseNode(body, isYaml) as JsonObject ?? throw ApiException.BadRequest("the object provided is unrecognized (must be of type object): it is empty or no object");

    public static JsonNode? ParseNode(byte[] body, bool isYaml)
    {
        if (body.Length == 0)
            return null;
        try
        {
            var node = isYaml ? YamlDocuments.ParseBody(body) : JsonNode.Parse(body);
            Materialize(node);
            return node;
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
        {
            throw ApiException.BadRequest($"the object provided is unrecognized (must be of type object): {e.Message}");
        }
    }

    /// <summary>Visits every member once, so that duplicate keys show now as a bad request and not later as a failure.</summary>
    private static void Materialize(JsonNode? node)
    {
        if (node is JsonObject obj)
        {
            foreach (var (_, value) in obj)
                Materialize(value);
        }
        else if (node is JsonArray array)
        {
            foreach (var value in array)
                Materialize(value);
        }
    }

    public async Task AnswerAsync(int code, JsonNode body, IReadOnlyList<string>? warnings = null)
    {
        await AnswerAsync(code, PreparedObject.ToBytes(body), warnings);
    }

    public async Task AnswerAsync(int code, ReadOnlyMemory<byte> json, IReadOnlyList<string>? warnings = null, string contentType = "application/json")
    {
        var response = Http.Response;
        response.StatusCode = code;
        response.ContentType = contentType;
        foreach (var warning in warnings ?? [])
            response.Headers.Append("Warning", $"299 - \"{warning.Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        response.ContentLength = json.Length + (contentType == "application/json" ? 1 : 0);
        await response.Body.WriteAsync(json, Aborted);
        if (contentType == "application/json")
            await response.Body.WriteAsync(NewLine, Aborted);
    }

    public async Task AnswerAsync(ApiException refusal)
    {
        if (refusal.RetryAfterSeconds is { } seconds)
            Http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        await AnswerAsync(refusal.Code, refusal.ToStatus());
    }

    public async Task AnswerTextAsync(string text)
    {
        Http.Response.ContentType = "text/plain; charset=utf-8";
        await Http.Response.WriteAsync(text, Aborted);
    }
}
