using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Scheduler.Benchmarks.Commands;

/// <summary>Options that several commands have, with one meaning each.</summary>
internal static class CommonOptions
{
    /// <summary>The largest cluster that is worth a try.</summary>
    public const int MostNodes = 100_000;

    public static Option<string> Output()
    {
        var option = new Option<string>("--output", "-o")
        {
            Description = "table, for people, or json: one object on standard output",
            DefaultValueFactory = _ => "table",
        };
        option.AcceptOnlyFromAmong("table", "json");
        return option;
    }

    public static Option<int> Whole(string name, string description, int standard, int least, int most) => new(name)
    {
        Description = $"{description} ({least} to {most})",
        HelpName = "N",
        DefaultValueFactory = _ => standard,
        CustomParser = result => Parse(result, name, result.Tokens[0].Value, least, most),
    };

    public static Option<int[]> Sizes(string description) => new("--sizes")
    {
        Description = description,
        HelpName = "N,N,…",
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens[0].Value.Split(',').Select(text => Parse(result, "--sizes", text, 1, MostNodes))],
    };

    public static Option<ulong> Seed() => new("--seed")
    {
        Description = "Where the random cases begin; equal seeds give equal cases",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private static int Parse(ArgumentResult result, string name, string text, int least, int most)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
        {
            return value;
        }

        result.AddError($"{name}: '{text}' is not a whole number from {least} to {most}");
        return least;
    }
}
