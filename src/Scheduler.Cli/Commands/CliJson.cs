using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Cli.Up;

namespace Scheduler.Cli.Commands;

/// <summary>How the command writes JSON.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ValidationResult))]
[JsonSerializable(typeof(UpSummary))]
[JsonSerializable(typeof(TenantsResult))]
[JsonSerializable(typeof(QueueResult))]
[JsonSerializable(typeof(GpusResult))]
[JsonSerializable(typeof(ReplayResult))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>Names in camelCase, indented. Quotes in messages stay quotes: the JSON goes to a terminal or a file, never into HTML.</summary>
    public static CliJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
