using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Storage;

/// <summary>
/// An object that is serialised except for its resourceVersion. The version is known only inside the store's lock; cutting it
/// into finished bytes there keeps the critical section to a memory copy.
/// </summary>
internal sealed class PreparedObject
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly JsonSerializerOptions NodeOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly byte[] _json;
    private readonly int _versionAt;
    private readonly string _uid;
    private readonly Dictionary<string, string> _labels;
    private readonly string[] _fieldValues;
    private readonly bool _isDeleting;
    private readonly string[] _ownerUids;

    public PreparedObject(JsonObject obj, IReadOnlyList<string> selectableFields)
    {
        var metadata = obj.ObjectAt("metadata") ?? throw new ArgumentException("An object without metadata.", nameof(obj));
        Key = new ObjectKey(metadata.StringAt("namespace") ?? "", metadata.StringAt("name") ?? "");
        _uid = metadata.StringAt("uid") ?? "";
        _labels = metadata.StringMap("labels");
        _fieldValues = [.. selectableFields.Select(field => FieldValue(obj, field))];
        _isDeleting = metadata.StringAt("deletionTimestamp") is not null;
        _ownerUids = [.. metadata.ObjectsAt("ownerReferences").Select(o => o.StringAt("uid")).OfType<string>()];
        (_json, _versionAt) = Serialize(obj);
    }

    public ObjectKey Key { get; }

    public StoredObject AtVersion(long resourceVersion)
    {
        Span<byte> digits = stackalloc byte[20];
        resourceVersion.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        var json = new byte[_json.Length + length];
        _json.AsSpan(0, _versionAt).CopyTo(json);
        digits[..length].CopyTo(json.AsSpan(_versionAt));
        _json.AsSpan(_versionAt).CopyTo(json.AsSpan(_versionAt + length));
        return new StoredObject
        {
            Key = Key,
            Uid = _uid,
            ResourceVersion = resourceVersion,
            Json = json,
            Labels = _labels,
            FieldValues = _fieldValues,
            IsDeleting = _isDeleting,
            OwnerUids = _ownerUids,
        };
    }

    private static (byte[] Json, int VersionAt) Serialize(JsonObject obj)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        var versionAt = 0;
        writer.WriteStartObject();
        foreach (var (name, value) in obj)
        {
            writer.WritePropertyName(name);
            if (name == "metadata")
                versionAt = WriteMetadata(writer, value!.AsObject());
            else if (value is null)
                writer.WriteNullValue();
            else
                value.WriteTo(writer, NodeOptions);
        }

        writer.WriteEndObject();
        writer.Flush();
        return (buffer.WrittenSpan.ToArray(), versionAt);
    }

    /// <summary>Writes an empty resourceVersion and returns the place between its quotes.</summary>
    private static int WriteMetadata(Utf8JsonWriter writer, JsonObject metadata)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in metadata)
        {
            if (name == "resourceVersion" || value is null)
                continue;
            writer.WritePropertyName(name);
            value.WriteTo(writer, NodeOptions);
        }

        writer.WriteString("resourceVersion"u8, ""u8);
        var versionAt = (int)(writer.BytesCommitted + writer.BytesPending) - 1;
        writer.WriteEndObject();
        return versionAt;
    }

    private static string FieldValue(JsonObject obj, string field)
    {
        JsonNode? node = obj;
        foreach (var step in field.Split('.'))
            node = node.At(step);
        return node switch
        {
            null => "",
            JsonValue value when value.TryGetValue<string>(out var text) => text,
            _ => node.ToJsonString(),
        };
    }

    /// <summary>Any JSON tree as UTF-8, with the same escaping as stored objects.</summary>
    public static byte[] ToBytes(JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        node.WriteTo(writer, NodeOptions);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    public static string ToText(JsonNode node) => Encoding.UTF8.GetString(ToBytes(node));
}
