using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Core.Model;

namespace Scheduler.Journal.Serialization;

/// <summary>
/// Writes each shape once in a segment, as an object, and after that as its number, counted from 0. Reading in the same order gives
/// the same numbers. Replicas have equal shapes, so most of a segment would be shapes otherwise.
/// </summary>
internal sealed class ShapeTable : JsonConverter<PodShape>
{
    private readonly Dictionary<PodShape, int> _numbers = [];
    private readonly List<PodShape> _shapes = [];

    public override PodShape Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number)
        {
            var number = reader.GetInt32();
            return number >= 0 && number < _shapes.Count ? _shapes[number] : throw new JsonException($"there is no shape {number} yet");
        }

        var shape = (JsonSerializer.Deserialize<ShapeSurrogate>(ref reader, options) ?? throw new JsonException("null is no shape")).Make();
        _shapes.Add(shape);
        return shape;
    }

    public override void Write(Utf8JsonWriter writer, PodShape value, JsonSerializerOptions options)
    {
        if (_numbers.TryGetValue(value, out var number))
        {
            writer.WriteNumberValue(number);
            return;
        }

        _numbers.Add(value, _numbers.Count);
        JsonSerializer.Serialize(writer, ShapeSurrogate.Of(value), options);
    }
}
