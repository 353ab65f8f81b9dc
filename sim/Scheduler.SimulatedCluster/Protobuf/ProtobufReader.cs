using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Protobuf;

/// <summary>
/// Reads Kubernetes' protobuf encoding of the kinds in <see cref="ProtobufMessages"/> into JSON. A kind or a field that is not
/// in the table is refused, never dropped.
/// </summary>
internal static class ProtobufReader
{
    public const string MediaType = "application/vnd.kubernetes.protobuf";
    private const int MaxDepth = 30;

    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <exception cref="FormatException">It is not this encoding, or of a kind or with a field that is not understood.</exception>
    public static JsonObject Read(ReadOnlyMemory<byte> body)
    {
        if (!body.Span.StartsWith(Magic))
            throw new FormatException("the body does not start with the Kubernetes protobuf prefix");
        string apiVersion = "", kind = "";
        ReadOnlyMemory<byte> raw = default;
        var envelope = body[Magic.Length..];
        while (Next(ref envelope, out var number, out _, out var value))
        {
            if (number == 2)
            {
                raw = value;
            }
            else if (number == 1)
            {
                while (Next(ref value, out var typeNumber, out _, out var text))
                {
                    if (typeNumber == 1)
                        apiVersion = Encoding.UTF8.GetString(text.Span);
                    else if (typeNumber == 2)
                        kind = Encoding.UTF8.GetString(text.Span);
                }
            }
        }

        var content = Message(kind, raw, 0);
        var obj = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind };
        foreach (var (name, node) in content)
            obj[name] = node?.DeepClone();
        return obj;
    }

    private static JsonObject Message(string name, ReadOnlyMemory<byte> data, int depth)
    {
        if (depth > MaxDepth)
            throw new FormatException("nested too deeply");
        if (!ProtobufMessages.All.TryGetValue(name, out var fields))
            throw new FormatException($"the kind {name} is not understood in protobuf; send JSON");
        var obj = new JsonObject();
        while (Next(ref data, out var number, out var scalar, out var value))
        {
            if (!fields.TryGetValue(number, out var field))
            {
                if (scalar == 0 && value.IsEmpty)
                    continue; // an empty value says nothing
                throw new FormatException($"field {number} of {name} is not understood in protobuf; send JSON");
            }

            if (field.Type is "m" or "y" or "q")
                AddEntry(obj.Child(field.Name), field.Type, value, depth);
            else if (field.IsList)
                obj.ChildArray(field.Name).Add(Value(field, scalar, value, depth));
            else if (field.Type != "-" && Value(field, scalar, value, depth) is { } node)
                obj[field.Name] = node;
        }

        return obj;
    }

    private static JsonNode? Value(ProtobufMessages.Field field, long scalar, ReadOnlyMemory<byte> value, int depth)
    {
        switch (field.Type)
        {
            case "s":
                return value.IsEmpty && !field.IsList ? null : Encoding.UTF8.GetString(value.Span);
            case "i":
                return scalar == 0 ? null : scalar;
            case "I":
                return scalar;
            case "b":
                return scalar == 0 ? null : true;
            case "B":
                return scalar != 0;
            case "x":
                return IntOrString(value);
            default:
                var message = Message(field.Type, value, depth + 1);
                return message.Count == 0 && !field.IsList ? null : message;
        }
    }

    private static JsonNode IntOrString(ReadOnlyMemory<byte> value)
    {
        long kind = 0, number = 0;
        var text = "";
        while (Next(ref value, out var field, out var scalar, out var bytes))
        {
            switch (field)
            {
                case 1:
                    kind = scalar;
                    break;
                case 2:
                    number = scalar;
                    break;
                default:
                    text = Encoding.UTF8.GetString(bytes.Span);
                    break;
            }
        }

        return kind == 0 ? number : text;
    }

    private static void AddEntry(JsonObject map, string type, ReadOnlyMemory<byte> entry, int depth)
    {
        var key = "";
        ReadOnlyMemory<byte> content = default;
        while (Next(ref entry, out var number, out _, out var value))
        {
            if (number == 1)
                key = Encoding.UTF8.GetString(value.Span);
            else
                content = value;
        }

        if (type == "q")
        {
            while (Next(ref content, out _, out _, out var text))
                map[key] = Encoding.UTF8.GetString(text.Span);
        }
        else
        {
            map[key] = type == "y" ? Convert.ToBase64String(content.Span) : Encoding.UTF8.GetString(content.Span);
        }
    }

    /// <summary>Takes one field off the front. Numbers come in <paramref name="scalar"/>, everything else in <paramref name="value"/>.</summary>
    private static bool Next(ref ReadOnlyMemory<byte> data, out int number, out long scalar, out ReadOnlyMemory<byte> value)
    {
        number = 0;
        scalar = 0;
        value = default;
        if (data.IsEmpty)
            return false;
        var tag = Varint(ref data);
        number = (int)(tag >> 3);
        switch (tag & 7)
        {
            case 0:
                scalar = (long)Varint(ref data);
                break;
            case 1:
                scalar = BinaryPrimitives.ReadInt64LittleEndian(Take(ref data, 8).Span);
                break;
            case 2:
                value = Take(ref data, (long)Varint(ref data));
                break;
            case 5:
                scalar = BinaryPrimitives.ReadInt32LittleEndian(Take(ref data, 4).Span);
                break;
            default:
                throw new FormatException("broken protobuf");
        }

        return true;
    }

    private static ReadOnlyMemory<byte> Take(ref ReadOnlyMemory<byte> data, long length)
    {
        if (length < 0 || length > data.Length)
            throw new FormatException("broken protobuf: it ends too early");
        var taken = data[..(int)length];
        data = data[(int)length..];
        return taken;
    }

    private static ulong Varint(ref ReadOnlyMemory<byte> data)
    {
        ulong result = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var octet = Take(ref data, 1).Span[0];
            result |= (ulong)(octet & 0x7F) << shift;
            if (octet < 0x80)
                return result;
        }

        throw new FormatException("broken protobuf: a number is too long");
    }
}
