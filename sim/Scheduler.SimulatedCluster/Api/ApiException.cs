using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Resources;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>One thing wrong with one field, as it appears among the causes of an Invalid status.</summary>
internal sealed record FieldError(string Reason, string Field, string Message)
{
    public static FieldError Invalid(string field, string value, string detail) =>
        new("FieldValueInvalid", field, $"Invalid value: {value}: {detail}");

    public static FieldError InvalidText(string field, string value, string detail) => Invalid(field, $"\"{value}\"", detail);

    public static FieldError Required(string field, string detail) =>
        new("FieldValueRequired", field, detail.Length == 0 ? "Required value" : $"Required value: {detail}");

    public static FieldError Forbidden(string field, string detail) => new("FieldValueForbidden", field, $"Forbidden: {detail}");

    public static FieldError NotSupported(string field, string value, IEnumerable<string> supported) =>
        new("FieldValueNotSupported", field, $"Unsupported value: \"{value}\": supported values: {string.Join(", ", supported.Select(s => $"\"{s}\""))}");

    public static FieldError Duplicate(string field, string value) => new("FieldValueDuplicate", field, $"Duplicate value: \"{value}\"");
}

/// <summary>A refusal that the client gets as an object of kind Status.</summary>
#pragma warning disable CA1064 // internal on purpose: it never leaves the process, only its Status does
#pragma warning disable CA1032
internal sealed class ApiException(int code, string reason, string message, JsonObject? details = null) : Exception(message)
#pragma warning restore CA1032, CA1064
{
    public int Code { get; } = code;

    public string Reason { get; } = reason;

    public int? RetryAfterSeconds { get; init; }

    /// <summary>The token with which an expired list can go on nevertheless.</summary>
    public string? Continue { get; init; }

    public JsonObject ToStatus()
    {
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = Continue is null ? new JsonObject() : new JsonObject { ["continue"] = Continue },
            ["status"] = "Failure",
            ["message"] = Message,
            ["reason"] = Reason,
        };
        if (details is not null)
            status["details"] = details.DeepClone();
        status["code"] = Code;
        return status;
    }

    public static ApiException NotFound(ResourceType type, string name) =>
        new(404, "NotFound", $"{type.QualifiedName} \"{name}\" not found", Details(type, name));

    public static ApiException NoSuchPath() =>
        new(404, "NotFound", "the server could not find the requested resource", new JsonObject());

    public static ApiException AlreadyExists(ResourceType type, string name) =>
        new(409, "AlreadyExists", $"{type.QualifiedName} \"{name}\" already exists", Details(type, name));

    public static ApiException Conflict(ResourceType type, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {type.QualifiedName} \"{name}\": {why}", Details(type, name));

    public static ApiException Modified(ResourceType type, string name) =>
        Conflict(type, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiException Forbidden(ResourceType type, string name, string why) =>
        new(403, "Forbidden", $"{type.QualifiedName} \"{name}\" is forbidden: {why}", Details(type, name));

    public static ApiException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiException MethodNotAllowed() =>
        new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", new JsonObject());

    public static ApiException UnsupportedMediaType(string message) => new(415, "UnsupportedMediaType", message);

    public static ApiException Expired(string message) => new(410, "Expired", message);

    public static ApiException TooOldVersion(long asked, long oldest) =>
        Expired(string.Create(CultureInfo.InvariantCulture, $"too old resource version: {asked} ({oldest})"));

    public static ApiException Invalid(ResourceType type, string name, IReadOnlyList<FieldError> errors)
    {
        var lines = errors.Select(e => $"{e.Field}: {e.Message}").ToList();
        var all = lines.Count == 1 ? lines[0] : $"[{string.Join(", ", lines)}]";
        var details = Details(type, name, useKind: true);
        details["causes"] = new JsonArray([.. errors.Select(e => (JsonNode)new JsonObject
        {
            ["reason"] = e.Reason,
            ["message"] = e.Message,
            ["field"] = e.Field,
        })]);
        var kind = type.Group.Length == 0 ? type.Kind : $"{type.Kind}.{type.Group}";
        return new ApiException(422, "Invalid", $"{kind} \"{name}\" is invalid: {all}", details);
    }

    public static ApiException TooManyRequests(string message, int? retryAfterSeconds, JsonObject? details = null) =>
        new(429, "TooManyRequests", message, details) { RetryAfterSeconds = retryAfterSeconds };

    public static JsonObject Details(ResourceType type, string name, bool useKind = false)
    {
        var details = new JsonObject();
        if (name.Length > 0)
            details["name"] = name;
        if (type.Group.Length > 0)
            details["group"] = type.Group;
        details["kind"] = useKind ? type.Kind : type.Plural;
        return details;
    }
}
