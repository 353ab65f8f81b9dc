using System.Reflection;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Hosting;
using Scheduler.Input;

namespace Scheduler.Cli.Hosting;

/// <summary>
/// Reads the daemon's settings from a YAML file, strictly: the sections and keys are the option classes of the daemon, so a
/// new option there needs no change here.
/// </summary>
internal static class DaemonConfigFile
{
    /// <summary>Reads a file over the defaults. Mistakes go to the errors.</summary>
    public static DaemonSettings Read(string path, FileErrors errors)
    {
        var settings = new DaemonSettings();
        var before = errors.Count;
        var file = YamlFile.Read(path, errors);
        if (file.Documents.Length > 1)
        {
            errors.Add(path, YamlFile.LineOf(file.Documents[1]), "", "is a second document; keep one");
        }

        if (!file.Documents.IsEmpty && YamlMap.Of(file, file.Documents[0], "") is { } map)
        {
            ReadSection(map, "kubernetes", settings.Kubernetes);
            ReadSection(map, "scheduling", settings.Scheduling);
            ReadSection(map, "leadership", settings.Leadership);
            ReadSection(map, "api", settings.Api);
            ReadSection(map, "extender", settings.Extender);
            ReadSection(map, "telemetry", settings.Telemetry);
            ReadSection(map, "journal", settings.Journal);
            if (map.Map("log") is { } log)
            {
                settings = settings with
                {
                    LogFormat = Enum.TryParse<LogFormat>(log.Choice("format", "text", "json"), ignoreCase: true, out var format) ? format : settings.LogFormat,
                    LogLevel = Enum.TryParse<LogLevel>(
                        log.Choice("level", "trace", "debug", "information", "warning", "error", "critical", "none"), ignoreCase: true, out var level)
                        ? level
                        : settings.LogLevel,
                };
                log.RefuseUnknown();
            }

            map.RefuseUnknown();
        }

        if (errors.Count == before)
        {
            foreach (var error in DaemonConfiguration.FindErrors(settings))
            {
                var parts = error.Split(": ", 2);
                errors.Add(path, file.LineOf(parts[0]), parts.Length == 2 ? parts[0] : "", parts[^1]);
            }
        }

        return settings;
    }

    private static void ReadSection<T>(YamlMap map, string name, T options)
        where T : class
    {
        if (map.Map(name) is not { } section)
        {
            return;
        }

        foreach (var property in typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            var key = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            object? value = (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) switch
            {
                var type when type == typeof(string) => section.Text(key),
                var type when type == typeof(int) => (int?)section.Integer(key, int.MinValue, int.MaxValue),
                var type when type == typeof(bool) => section.Boolean(key),
                var type when type == typeof(IReadOnlyList<string>) => section.Has(key) ? section.Texts(key).ToArray() : null,
                var type when type == typeof(IReadOnlyDictionary<string, string>) => section.Has(key) ? section.Pairs(key).ToDictionary() : null,
                var type => throw new NotSupportedException($"{typeof(T).Name}.{property.Name}: options of type {type.Name} cannot be read from a file yet"),
            };
            if (value is not null)
            {
                property.SetValue(options, value);
            }
        }

        section.RefuseUnknown();
    }
}
