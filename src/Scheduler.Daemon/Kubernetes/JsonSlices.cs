using System.Text.Json;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>
/// Finds the parts of a list page and of a watch line without building a document, so that each object is decoded alone and
/// straight into its wire type: one object that does not decode costs that object, not its page.
/// </summary>
internal static class JsonSlices
{
    /// <summary>Calls <paramref name="item"/> with the bytes of each element of "items", and gives back the bytes of "metadata".</summary>
    /// <exception cref="JsonException">The page is not one JSON object.</exception>
    public static ReadOnlyMemory<byte> ReadListPage(ReadOnlyMemory<byte> page, Action<ReadOnlyMemory<byte>> item)
    {
        var reader = new Utf8JsonReader(page.Span);
        Expect(ref reader, JsonTokenType.StartObject);
        ReadOnlyMemory<byte> metadata = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                metadata = Value(ref reader, page);
            }
            else if (reader.ValueTextEquals("items"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Null)
                    continue;
                if (reader.TokenType != JsonTokenType.StartArray)
                    throw new JsonException($"items is {reader.TokenType}, not an array");
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    item(Current(ref reader, page));
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        return metadata;
    }

    /// <summary>The type and the object of one watch line, in whichever order they stand.</summary>
    /// <exception cref="JsonException">The line is not one JSON object with both.</exception>
    public static (string Type, ReadOnlyMemory<byte> Object) ReadWatchLine(ReadOnlyMemory<byte> line)
    {
        var reader = new Utf8JsonReader(line.Span);
        Expect(ref reader, JsonTokenType.StartObject);
        string? type = null;
        ReadOnlyMemory<byte> body = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                type = reader.GetString();
            }
            else if (reader.ValueTextEquals("object"u8))
            {
                body = Value(ref reader, line);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        if (type is null || body.IsEmpty)
            throw new JsonException("a watch line has a type and an object");
        return (type, body);
    }

    private static ReadOnlyMemory<byte> Value(ref Utf8JsonReader reader, ReadOnlyMemory<byte> source)
    {
        reader.Read();
        return Current(ref reader, source);
    }

    private static ReadOnlyMemory<byte> Current(ref Utf8JsonReader reader, ReadOnlyMemory<byte> source)
    {
        var start = checked((int)reader.TokenStartIndex);
        reader.Skip();
        return source[start..checked((int)reader.BytesConsumed)];
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw new JsonException($"expected {type}, found {reader.TokenType}");
    }
}
