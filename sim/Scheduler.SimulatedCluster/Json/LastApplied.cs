using System.Text;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Json;

/// <summary>
/// The annotation in which <c>kubectl apply</c> keeps what it applied last. An object without it makes the next apply warn, and one
/// with another text makes it say "configured" where nothing changes, so the text is exactly the one that kubectl writes.
/// </summary>
internal static class LastApplied
{
    public const string Annotation = "kubectl.kubernetes.io/last-applied-configuration";
    private const int MaxBytes = 256 * 1024; // of all annotations of an object

    /// <summary>Notes that the object is as somebody has applied it. One too large for an annotation goes without, as with kubectl create.</summary>
    public static void Note(JsonObject obj, string? inNamespace)
    {
        var applied = obj.DeepClone().AsObject();
        var annotations = applied.Child("metadata").Child("annotations");
        annotations.Remove(Annotation);
        if (inNamespace is not null)
            applied.Child("metadata")["namespace"] = inNamespace;
        var text = EscapedAsInGo(PreparedObject.ToText(Sorted(applied)!)) + "\n";
        var rest = annotations.Sum(a => a.Key.Length + Encoding.UTF8.GetByteCount(a.Value.StringAt() ?? ""));
        if (Annotation.Length + Encoding.UTF8.GetByteCount(text) + rest <= MaxBytes)
            obj.Child("metadata").Child("annotations")[Annotation] = text;
    }

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject obj => new JsonObject(obj.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(m.Key, Sorted(m.Value)))),
        JsonArray array => new JsonArray([.. array.Select(Sorted)]),
        _ => node?.DeepClone(),
    };

    // Go's encoder writes these three so, which stand only inside strings.
    private static string EscapedAsInGo(string json) => json
        .Replace("&", "\\u0026", StringComparison.Ordinal).Replace("<", "\\u003c", StringComparison.Ordinal).Replace(">", "\\u003e", StringComparison.Ordinal);
}
