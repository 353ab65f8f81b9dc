using System.Globalization;
using System.Reflection;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Scheduler.Daemon.Hosting;

/// <summary>
/// Reads a configuration file, YAML or JSON, into settings. Sections: <c>kubernetes</c>, <c>scheduling</c>, <c>leadership</c>,
/// <c>api</c>; keys are the properties of their option classes in camelCase. A key that does not exist is a mistake, not ignored.
/// </summary>
/// <example>
/// <code>
/// scheduling:
///   maxShareOfClusterPermille: 600
/// api:
///   address: 0.0.0.0
/// </code>
/// </example>
public static class ConfigurationFile
{
    /// <summary>Reads the file over the given settings, which keep what it does not mention.</summary>
    /// <exception cref="StartupException">The file is missing or no YAML, or has mistakes: every one is named with its path, one on a line.</exception>
    public static DaemonSettings Load(string path, DaemonSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"the configuration file {path} cannot be read: {failure.Message.ReplaceLineEndings(" ")}", failure);
        }

        var errors = Read(text, settings);
        errors.AddRange(DaemonConfiguration.FindErrors(settings));
        if (errors.Count > 0)
            throw new StartupException(string.Join('\n', errors.Select(error => $"{path}: {error}")));
        return settings;
    }

    /// <summary>Reads text over settings; gives back every mistake with its path.</summary>
    internal static List<string> Read(string text, DaemonSettings settings)
    {
        var errors = new List<string>();
        var stream = new YamlStream();
        try
        {
            using var reader = new StringReader(text);
            stream.Load(reader);
        }
        catch (YamlException failure)
        {
            return [$"line {failure.Start.Line}: {failure.Message.ReplaceLineEndings(" ")}"];
        }
        catch (InvalidOperationException)
        {
            // The parser's answer to some unclosed brackets.
            return ["the file is neither YAML nor JSON: a bracket or a quote is not closed"];
        }

        if (stream.Documents.Count == 0)
            return errors;
        if (stream.Documents is not [{ RootNode: YamlMappingNode root }])
            return ["the file must be one mapping of sections"];
        var sections = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["kubernetes"] = settings.Kubernetes,
            ["scheduling"] = settings.Scheduling,
            ["leadership"] = settings.Leadership,
            ["api"] = settings.Api,
        };
        foreach (var (key, value) in root.Children)
        {
            var name = key.ToString();
            if (!sections.TryGetValue(name, out var section))
                errors.Add($"{name}: there is no such section; there are {string.Join(", ", sections.Keys)}");
            else if (value is YamlMappingNode keys)
                ReadSection(name, keys, section, errors);
            else if (value is not YamlScalarNode { Value: null or "" or "~" or "null" })
                errors.Add($"{name}: must be a mapping of keys to values");
        }

        return errors;
    }

    private static void ReadSection(string section, YamlMappingNode keys, object options, List<string> errors)
    {
        var properties = options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .ToDictionary(property => char.ToLowerInvariant(property.Name[0]) + property.Name[1..], StringComparer.Ordinal);
        foreach (var (key, value) in keys.Children)
        {
            var path = $"{section}.{key}";
            if (!properties.TryGetValue(key.ToString(), out var property))
                errors.Add($"{path}: there is no such key; {Nearest(key.ToString(), properties.Keys)}");
            else if (value is not YamlScalarNode scalar)
                errors.Add($"{path}: must be a single value");
            else if (TryConvert(scalar.Value ?? "", property.PropertyType, out var converted))
                property.SetValue(options, converted);
            else
                errors.Add($"{path}: '{scalar.Value}' is not {Describe(property.PropertyType)}");
        }
    }

    private static bool TryConvert(string text, Type type, out object? value)
    {
        value = null;
        var isNull = text is "" or "~" or "null";
        if (type == typeof(string))
        {
            value = isNull ? "" : text;
            return true;
        }

        if (Nullable.GetUnderlyingType(type) is { } inner)
            return isNull || TryConvert(text, inner, out value);
        if (type == typeof(bool))
        {
            value = text is "true";
            return text is "true" or "false";
        }

        if (type != typeof(int) || !int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return false;
        value = number;
        return true;
    }

    private static string Describe(Type type) => (Nullable.GetUnderlyingType(type) ?? type) == typeof(bool) ? "true or false" : "a whole number";

    private static string Nearest(string wrong, IEnumerable<string> keys)
    {
        var nearest = keys.MinBy(key => EditDistance.Between(wrong, key));
        return nearest is not null && EditDistance.Between(wrong, nearest) <= 1 + (wrong.Length / 3)
            ? $"did you mean {nearest}?"
            : $"there are {string.Join(", ", keys.Order(StringComparer.Ordinal))}";
    }
}
