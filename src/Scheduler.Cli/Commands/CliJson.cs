using System.Text.Json.Serialization;
using Scheduler.Cli.Up;

namespace Scheduler.Cli.Commands;

/// <summary>How the command writes JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ValidationResult))]
[JsonSerializable(typeof(UpSummary))]
[JsonSerializable(typeof(TenantsResult))]
[JsonSerializable(typeof(QueueResult))]
internal sealed partial class CliJson : JsonSerializerContext;
