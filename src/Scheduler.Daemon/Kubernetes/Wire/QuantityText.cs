using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Daemon.Kubernetes.Wire;

/// <summary>A quantity as it was written: a JSON string or a JSON number. <see cref="Mapping.Quantity"/> gives it a value.</summary>
[JsonConverter(typeof(QuantityTextConverter))]
internal readonly record struct QuantityText(string Text)
{
    public override string ToString() => Text;
}

internal sealed class QuantityTextConverter : JsonConverter<QuantityText>
{
    public override QuantityText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.String => new QuantityText(reader.GetString() ?? ""),
        // The number's own digits: going through a double would round large byte counts.
        JsonTokenType.Number => new QuantityText(Encoding.UTF8.GetString(reader.HasValueSequence
            ? System.Buffers.BuffersExtensions.ToArray(reader.ValueSequence)
            : reader.ValueSpan)),
        _ => throw new JsonException($"a quantity is a string or a number, not {reader.TokenType}"),
    };

    public override void Write(Utf8JsonWriter writer, QuantityText value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);
}
