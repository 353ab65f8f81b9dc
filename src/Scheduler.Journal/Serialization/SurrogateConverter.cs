using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Journal.Serialization;

/// <summary>Writes a value through another that has all of it and that the serializer can make.</summary>
internal sealed class SurrogateConverter<T, TSurrogate>(Func<T, TSurrogate> toSurrogate, Func<TSurrogate, T> fromSurrogate) : JsonConverter<T>
{
    public override T? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var surrogate = JsonSerializer.Deserialize<TSurrogate>(ref reader, options);
        return surrogate is null ? throw new JsonException($"null is no {typeof(T).Name}") : Make(surrogate);
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, toSurrogate(value), options);

    private T Make(TSurrogate surrogate)
    {
        try
        {
            return fromSurrogate(surrogate);
        }
        catch (ArgumentException wrong)
        {
            throw new JsonException($"this is no {typeof(T).Name}: {wrong.Message}", wrong);
        }
    }
}
