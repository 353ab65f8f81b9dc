using System.Text.Json;

namespace Scheduler.Daemon.Extender;

/// <summary>Reads single texts out of JSON that need not have the form that is hoped for.</summary>
internal static class JsonText
{
    /// <summary>The text at the end of the path; null if there is none.</summary>
    public static string? Of(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out var next))
                return null;
            element = next;
        }

        return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
    }
}
