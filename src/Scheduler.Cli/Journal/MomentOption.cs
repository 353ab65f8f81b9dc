using System.CommandLine;
using System.Globalization;

namespace Scheduler.Cli.Journal;

/// <summary>Options that name a moment.</summary>
internal static class MomentOption
{
    /// <summary>A moment as RFC 3339; without an offset it is UTC.</summary>
    public static Option<DateTimeOffset?> Create(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment))
            {
                return moment;
            }

            result.AddError($"{name}: '{text}' is not a time such as 2026-11-30T22:15:00Z");
            return null;
        },
    };
}
