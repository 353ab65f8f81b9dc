using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>An answer of the API server: its status code and its body.</summary>
public sealed record ApiResponse(int Code, string Text, string Request)
{
    /// <summary>The body as JSON.</summary>
    public JsonNode Body
    {
        get
        {
            try
            {
                return JsonNode.Parse(Text)!;
            }
            catch (JsonException notJson)
            {
                throw new InvalidOperationException($"{Request} answered {Code} with a body that is not JSON: {Text}", notJson);
            }
        }
    }

    /// <summary>The items of a list.</summary>
    public IEnumerable<JsonNode> Items => Body["items"]?.AsArray().Select(item => item!) ?? [];

    /// <summary>The names of the items of a list, in its order.</summary>
    public string[] Names => [.. Items.Select(item => item.TextAt("metadata.name")!)];

    /// <summary>The resourceVersion of the object or list.</summary>
    public string Version => TextAt("metadata.resourceVersion") ?? throw new InvalidOperationException($"{Request}: no resourceVersion in {Text}");

    /// <summary>A scalar of the body as text, or null where it is absent; see <see cref="JsonPaths.TextAt"/>.</summary>
    public string? TextAt(string path) => Body.TextAt(path);

    /// <summary>Fails unless the status code is <paramref name="code"/>; the message carries the body.</summary>
    public ApiResponse Expect(int code)
    {
        Assert.True(Code == code, $"{Request}: expected {code}, got {Code}: {Text}");
        return this;
    }

    /// <summary>Fails unless the status code is one of the two: servers of different age differ.</summary>
    public ApiResponse Expect(int code, int orCode)
    {
        Assert.True(Code == code || Code == orCode, $"{Request}: expected {code} or {orCode}, got {Code}: {Text}");
        return this;
    }

    /// <summary>Fails unless the answer is a Status object that reports this failure in all the places where clients look.</summary>
    public ApiResponse ExpectFailure(int code, string reason)
    {
        Expect(code);
        Assert.Equal("Status", TextAt("kind"));
        Assert.Equal("v1", TextAt("apiVersion"));
        Assert.Equal("Failure", TextAt("status"));
        Assert.Equal(reason, TextAt("reason"));
        Assert.Equal(code.ToString(CultureInfo.InvariantCulture), TextAt("code"));
        Assert.False(string.IsNullOrEmpty(TextAt("message")), $"{Request}: the Status has no message: {Text}");
        return this;
    }
}

/// <summary>Reading JSON by a path of names and indexes, such as <c>spec.containers.0.image</c>.</summary>
public static class JsonPaths
{
    /// <summary>The node at <paramref name="path"/>, or null where any part of it is absent.</summary>
    public static JsonNode? At(this JsonNode? node, string path)
    {
        foreach (var part in path.Split('.'))
        {
            node = node switch
            {
                JsonObject map => map[part],
                JsonArray list when int.TryParse(part, CultureInfo.InvariantCulture, out var index) && index < list.Count => list[index],
                _ => null,
            };
        }
        return node;
    }

    /// <summary>The scalar at <paramref name="path"/> as text (numbers and booleans as JSON writes them), or null.</summary>
    public static string? TextAt(this JsonNode? node, string path) => node.At(path)?.ToString();
}
