using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Scheduler.Input;

namespace Scheduler.Cli.Commands;

/// <summary>How results are written.</summary>
internal enum OutputFormat
{
    /// <summary>For people.</summary>
    Table,

    /// <summary>One JSON value on stdout.</summary>
    Json,
}

/// <summary>Options that several commands have, with one meaning each.</summary>
internal static class CommonOptions
{
    public const string DefaultAddress = "http://127.0.0.1:7461";
    public const string AddressVariable = "WEIR_ADDRESS";

    public static Option<OutputFormat> Output()
    {
        var option = Choice<OutputFormat>("--output", "How to write the result: table (the default) or json", OutputFormat.Table, OutputFormat.Json);
        option.Aliases.Add("-o");
        return option;
    }

    /// <summary>One of a few words: the names of these values in lower case.</summary>
    public static Option<T> Choice<T>(string name, string description, params T[] values)
        where T : struct, Enum
    {
        var words = values.ToDictionary(value => value.ToString().ToLowerInvariant(), StringComparer.Ordinal);
        return new Option<T>(name)
        {
            Description = description,
            HelpName = string.Join('|', words.Keys),
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (!words.TryGetValue(text, out var value))
                {
                    result.AddError($"{name}: '{text}' is none of {string.Join(", ", words.Keys)}");
                }

                return value;
            },
        };
    }

    public static Option<string?> Nodes(string description) => new("--nodes") { Description = description, HelpName = "FILE" };

    public static Option<string?> Policy() => new("--policy")
    {
        Description = "A SchedulingPolicy document",
        HelpName = "FILE",
    };

    public static Option<string?> Address(Terminal terminal) => new("--address")
    {
        Description = $"The daemon's gRPC address; also in the variable {AddressVariable}",
        HelpName = "URL",
        DefaultValueFactory = _ => terminal.Variable(AddressVariable) is { Length: > 0 } address ? address : DefaultAddress,
    };

    public static Option<TimeSpan?> Duration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (DurationText.TryParse(text, out var duration) && duration > TimeSpan.Zero)
            {
                return duration;
            }

            result.AddError($"{name}: '{text}' is not {DurationText.Expected}");
            return null;
        },
    };

    public static Option<int?> Integer(string name, string description, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => int.TryParse(result.Tokens[0].Value, out var value) && value >= least && value <= most
            ? value
            : Refuse<int>(result, $"{name}: '{result.Tokens[0].Value}' is not a whole number from {least} to {most}"),
    };

    public static Option<ulong?> Seed(string description) => new("--seed")
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            return ulong.TryParse(text, NumberStyles.None, NumberFormatInfo.InvariantInfo, out var seed)
                ? seed
                : Refuse<ulong>(result, $"--seed: '{text}' is not a whole number from 0 to {ulong.MaxValue}");
        },
    };

    /// <exception cref="UserErrorException">It is not an address.</exception>
    public static Uri ToUri(string option, string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new UserErrorException($"{option}: '{text}' is not an address such as {DefaultAddress}");

    public static T? Refuse<T>(ArgumentResult result, string message)
        where T : struct
    {
        result.AddError(message);
        return null;
    }
}
