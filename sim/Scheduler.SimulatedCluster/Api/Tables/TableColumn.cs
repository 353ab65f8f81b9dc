using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Api.Tables;

/// <summary>One column of the server-side table. Columns of priority above 0 show only with <c>-o wide</c>. The cell is read from
/// the object, given the time now.</summary>
internal sealed record TableColumn(string Name, string Type, int Priority, string Description, Func<JsonObject, DateTimeOffset, JsonNode?> Cell)
{
    public string Format { get; init; } = "";

    public static TableColumn NameColumn { get; } = new("Name", "string", 0, "Name must be unique within a namespace.", (o, _) => o.StringAt("metadata", "name")) { Format = "name" };

    public static TableColumn Age { get; } = new("Age", "string", 0, "Time since the object was created.", (o, now) => HumanDuration.Since(o.StringAt("metadata", "creationTimestamp"), now));

    public static IReadOnlyList<TableColumn> NameAndAge { get; } = [NameColumn, Age];

    public static TableColumn Text(string name, Func<JsonObject, string?> cell, int priority = 0) =>
        new(name, "string", priority, name, (o, _) => cell(o) is { Length: > 0 } text ? text : "<none>");

    public static TableColumn Number(string name, Func<JsonObject, long> cell, int priority = 0) =>
        new(name, "integer", priority, name, (o, _) => cell(o));

    /// <summary>The columns of a custom resource's definition.</summary>
    public static IReadOnlyList<TableColumn> FromDefinition(JsonArray? columns)
    {
        if (columns is null or { Count: 0 })
            return NameAndAge;
        return [NameColumn, .. columns.OfType<JsonObject>().Select(FromDefinition)];
    }

    private static TableColumn FromDefinition(JsonObject column)
    {
        var path = JsonPath.Parse(column.StringAt("jsonPath") ?? "");
        var type = column.StringAt("type") ?? "string";
        return new TableColumn(
            column.StringAt("name") ?? "",
            type,
            (int)(column.LongAt("priority") ?? 0),
            column.StringAt("description") ?? "",
            (obj, now) => CustomCell(path.First(obj), type, now))
        { Format = column.StringAt("format") ?? "" };
    }

    private static JsonNode? CustomCell(JsonNode? value, string type, DateTimeOffset now) => value switch
    {
        null => null,
        JsonValue text when type == "date" && text.TryGetValue<string>(out var time) => HumanDuration.Since(time, now),
        JsonValue => value.DeepClone(),
        _ => value.ToJsonString(),
    };
}

/// <summary>Ages as kubectl users know them: 5s, 3m20s, 2h, 5d.</summary>
internal static class HumanDuration
{
    public static string Since(string? time, DateTimeOffset now) =>
        Timestamps.Parse(time) is { } start ? Format(now - start) : "<unknown>";

    public static string Format(TimeSpan span)
    {
        var seconds = (long)Math.Max(0, span.TotalSeconds);
        long minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
        return seconds switch
        {
            < 120 => $"{seconds}s",
            < 600 => seconds % 60 == 0 ? $"{minutes}m" : $"{minutes}m{seconds % 60}s",
            < 3 * 3600 => $"{minutes}m",
            < 8 * 3600 => minutes % 60 == 0 ? $"{hours}h" : $"{hours}h{minutes % 60}m",
            < 48 * 3600 => $"{hours}h",
            < 8 * 86400 => hours % 24 == 0 ? $"{days}d" : $"{days}d{hours % 24}h",
            < 730L * 86400 => $"{days}d",
            _ => $"{days / 365}y",
        };
    }
}
