using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Journal.Serialization;

/// <summary>Dictionaries of the model are ordered by ordinal comparison; the serializer's own would order them by culture.</summary>
internal sealed class OrdinalDictionaryConverter<T> : JsonConverter<ImmutableSortedDictionary<string, T>>
{
    public override ImmutableSortedDictionary<string, T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        (JsonSerializer.Deserialize<Dictionary<string, T>>(ref reader, options) ?? throw new JsonException("null is no dictionary"))
            .ToImmutableSortedDictionary(StringComparer.Ordinal);

    public override void Write(Utf8JsonWriter writer, ImmutableSortedDictionary<string, T> value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var (key, item) in value)
        {
            writer.WritePropertyName(key);
            JsonSerializer.Serialize(writer, item, options);
        }

        writer.WriteEndObject();
    }
}
