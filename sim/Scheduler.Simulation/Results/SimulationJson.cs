using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Simulation.Results;

/// <summary>How results are written: the same result gives the same bytes, in every process.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata, UseStringEnumConverter = true)]
[JsonSerializable(typeof(SimulationReport))]
[JsonSerializable(typeof(SimulationResult))]
public sealed partial class SimulationJson : JsonSerializerContext
{
    /// <summary>Names in camelCase, values of enumerations as words, indented. For a terminal or a file, never for HTML.</summary>
    public static SimulationJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>A report as JSON.</summary>
    public static string Write(SimulationReport report) => JsonSerializer.Serialize(report, Readable.SimulationReport);

    /// <summary>A result as JSON.</summary>
    public static string Write(SimulationResult result) => JsonSerializer.Serialize(result, Readable.SimulationResult);
}
