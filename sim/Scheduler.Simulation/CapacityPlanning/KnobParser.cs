using System.Globalization;
using Scheduler.Input;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>
/// Reads knobs: <c>NAME=FROM..TO:STEP</c>, <c>NAME=FROM..TO</c> in steps of 1, or <c>NAME=VALUE</c>, where the name is
/// <c>nodes.GROUP</c>, <c>guaranteed.TENANT</c>, <c>burst.TENANT</c> or <c>burstFactor</c>. A tenant that has several quotas
/// is followed by one of their flavors: <c>guaranteed.search[NVIDIA-A100]</c>.
/// </summary>
internal static class KnobParser
{
    private const string Forms = "a knob is 'nodes.GROUP=FROM..TO:STEP', 'guaranteed.TENANT=…', 'burst.TENANT=…' or 'burstFactor=…'";
    private const int MostNodes = 100_000;
    private const int MostGpus = 1_000_000;
    private const int MostValues = 1_000_000;

    private static readonly string[] Names = ["nodes", "guaranteed", "burst", "burstFactor"];

    /// <summary>Reads a knob; the error is null if it is one.</summary>
    public static Knob? Parse(string text, out GrammarError? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        GrammarError? mistake = null;
        var knob = Read();
        error = mistake;
        return knob;

        Knob? Fail(int column, string message)
        {
            mistake = new GrammarError(text, column, message);
            return null;
        }

        Knob? Read()
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                return Fail(text.Length + 1, $"has no '='; {Forms}");
            }

            var dot = text.IndexOf('.', StringComparison.Ordinal);
            dot = dot < 0 || dot > equals ? equals : dot;
            var word = text[..dot];
            if (!Names.Contains(word))
            {
                return Fail(1, $"there is no knob '{word}'; " + (Suggestion.Nearest(word, Names) is { } nearest ? $"did you mean '{nearest}'?" : Forms));
            }

            var kind = Enum.Parse<KnobKind>(word, ignoreCase: true);
            var target = dot < equals ? text[(dot + 1)..equals] : "";
            string? flavor = null;
            if (kind is KnobKind.Guaranteed or KnobKind.Burst && target.IndexOf('[', StringComparison.Ordinal) is >= 0 and var bracket)
            {
                if (!target.EndsWith(']') || target.Length == bracket + 2)
                {
                    return Fail(dot + 2 + bracket, $"a flavor stands in brackets, as in {word}.{target[..bracket]}[NVIDIA-A100]");
                }

                (target, flavor) = (target[..bracket], target[(bracket + 1)..^1]);
            }

            if (kind == KnobKind.BurstFactor ? dot < equals : target.Length == 0)
            {
                return Fail(dot + 1, kind == KnobKind.BurstFactor
                    ? "burstFactor is for all tenants and takes no name; for one write burst.TENANT"
                    : $"the {(kind == KnobKind.Nodes ? "node group" : "tenant")} is missing; write {word}.NAME=…");
            }

            return ReadValues(new Knob { Text = text, Kind = kind, Target = target, Flavor = flavor, TargetColumn = dot + 2, From = 0, Step = 1, Count = 1 }, equals + 1);
        }

        Knob? ReadValues(Knob knob, int start)
        {
            var dots = text.IndexOf("..", start, StringComparison.Ordinal);
            var colon = text.IndexOf(':', start);
            var end = colon < 0 ? text.Length : colon;
            if (dots > end || (dots < 0 && colon >= 0))
            {
                return Fail(colon + 1, "a step needs a range before it, as in 40..80:4");
            }

            var fromText = text[start..(dots < 0 ? end : dots)];
            var toText = dots < 0 ? fromText : text[(dots + 2)..end];
            var stepText = colon < 0 ? "1" : text[(colon + 1)..];
            if (Number(knob.Kind, fromText) is not { } from)
            {
                return Fail(start + 1, $"'{fromText}' is not {Expected(knob.Kind)}");
            }

            if (Number(knob.Kind, toText) is not { } to)
            {
                return Fail(dots + 3, $"'{toText}' is not {Expected(knob.Kind)}");
            }

            if (Number(knob.Kind, stepText) is not { } step || step <= 0)
            {
                return Fail(colon + 2, $"'{stepText}' is not a step above 0, such as 4");
            }

            if (to < from)
            {
                return Fail(start + 1, $"begins above its end; write {toText}..{fromText}");
            }

            var steps = decimal.Floor((to - from) / step);
            if (from + (steps * step) != to)
            {
                return Fail(dots + 3, $"steps of {stepText} from {fromText} do not meet {toText}; end at {Knob.Format(from + (steps * step))} or {Knob.Format(from + ((steps + 1) * step))}");
            }

            return steps >= MostValues
                ? Fail(start + 1, $"has more than {MostValues} values; take greater steps")
                : knob with { From = from, Step = step, Count = (int)steps + 1 };
        }
    }

    private static string Expected(KnobKind kind) => kind switch
    {
        KnobKind.Nodes => $"a whole number of nodes from 1 to {MostNodes}",
        KnobKind.BurstFactor => "a factor from 0 to 1000 such as 1.5",
        _ => $"a number of GPUs from 0 to {MostGpus} such as 8 or 0.5",
    };

    private static decimal? Number(KnobKind kind, string text)
    {
        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var number) || decimal.Truncate(number * 1000) != number * 1000)
        {
            return null;
        }

        return kind switch
        {
            KnobKind.Nodes => number is >= 1 and <= MostNodes && decimal.Truncate(number) == number ? number : null,
            KnobKind.BurstFactor => number <= 1000 ? number : null,
            _ => number <= MostGpus ? number : null,
        };
    }
}
