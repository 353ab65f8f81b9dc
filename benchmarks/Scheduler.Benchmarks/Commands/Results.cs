using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Scheduler.Benchmarks.Commands;

/// <summary>How results are written: a table, or exactly one JSON object, and nothing else, on standard output.</summary>
internal static class Results
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DictionaryKeyPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private const int WidthOfFile = 160;

    public static void WriteJson<T>(T result) => Console.Out.WriteLine(JsonSerializer.Serialize(result, Json));

    public static void WriteTable(string title, string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table().Title(Markup.Escape(title)).Border(TableBorder.Simple);
        for (var column = 0; column < columns.Length; column++)
        {
            table.AddColumn(columns[column], settings => settings.Alignment = column == 0 ? Justify.Left : Justify.Right);
        }

        foreach (var row in rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }

        // A table that is read later, from a file, is not to be folded to eighty columns.
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, WidthOfFile);
        AnsiConsole.Write(table);
    }

    /// <summary>Where a long run is, for whoever waits.</summary>
    public static void Progress(string message) => Console.Error.WriteLine(message);

    public static string Text(double value) => value.ToString(value < 100 ? "0.##" : "#,0", CultureInfo.InvariantCulture);

    public static string Text(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
