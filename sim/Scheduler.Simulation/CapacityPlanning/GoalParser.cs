using System.Globalization;
using System.Text.RegularExpressions;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>
/// Reads goals:
/// <code>
/// (mean|p50|p95|p99|max) wait [of tenant NAME] &lt; DURATION
/// every guarantee within DURATION
/// utilisation &gt; N%
/// lost GPU-hours &lt; N
/// </code>
/// </summary>
internal sealed partial class GoalParser
{
    private const string Forms =
        "a goal is 'p95 wait of tenant NAME < 10m', 'mean wait < 10m', 'every guarantee within 5m', 'utilisation > 70%' or 'lost GPU-hours < 100'";

    private static readonly string[] FirstWords = ["mean", "p50", "p95", "p99", "max", "every", "utilisation", "lost"];

    private readonly string _text;
    private readonly List<(string Word, int Column)> _words;
    private int _next;
    private GrammarError? _error;
    private string _bound = "";

    private GoalParser(string text)
    {
        _text = text;
        _words = [.. Words().Matches(text).Select(match => (match.Value, match.Index + 1))];
    }

    /// <summary>Reads a goal; the error is null if it is one.</summary>
    public static Goal? Parse(string text, out GrammarError? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parser = new GoalParser(text);
        var goal = parser.Read();
        error = parser._error;
        return error is null ? goal : null;
    }

    private Goal? Read()
    {
        var first = Peek;
        _next++;
        switch (first)
        {
            case "every":
                return Expect("guarantee") && Expect("within") && Duration() is { } within
                    ? new Goal { Text = _text, Figure = GoalFigure.TimeToGuarantee, Threshold = within, BoundText = _bound }
                    : null;
            case "utilisation":
                return Expect(">") && Number("a percentage such as 70, from 0 to 99.9", 0, 99.9) is { } percent && Expect("%") && End()
                    ? new Goal { Text = _text, Figure = GoalFigure.Utilisation, Threshold = percent, BoundText = _bound }
                    : null;
            case "lost":
                return Expect("GPU-hours") && Expect("<") && Number("a number of GPU-hours above 0", 0.001, 1e12) is { } hours && End()
                    ? new Goal { Text = _text, Figure = GoalFigure.LostGpuHours, Threshold = hours, BoundText = _bound }
                    : null;
            case "mean" or "p50" or "p95" or "p99" or "max":
                return ReadWait(Enum.Parse<WaitStatistic>(first, ignoreCase: true));
            case null:
                return Fail(1, $"is empty; {Forms}");
            default:
                return Fail(_words[0].Column, $"'{first}' begins no goal; " + (Suggestion.Nearest(first, FirstWords) is { } nearest ? $"did you mean '{nearest}'?" : Forms));
        }
    }

    private Goal? ReadWait(WaitStatistic statistic)
    {
        if (!Expect("wait"))
        {
            return null;
        }

        TenantId? tenant = null;
        var column = Column;
        if (Peek == "of")
        {
            _next++;
            if (!Expect("tenant"))
            {
                return null;
            }

            column = Column;
            if (Peek is not { } name || name is "<" or ">")
            {
                return Fail(column, "the tenant's name is missing; write it after 'tenant'");
            }

            _next++;
            tenant = new TenantId(name);
        }

        return Expect("<") && Duration() is { } below
            ? new Goal { Text = _text, Figure = GoalFigure.Wait, Statistic = statistic, Tenant = tenant, TenantColumn = column, Threshold = below, BoundText = _bound }
            : null;
    }

    private string? Peek => _next < _words.Count ? _words[_next].Word : null;

    private int Column => _next < _words.Count ? _words[_next].Column : _text.Length + 1;

    private bool Expect(string word)
    {
        if (string.Equals(Peek, word, StringComparison.OrdinalIgnoreCase))
        {
            _next++;
            return true;
        }

        Fail(Column, Peek is { } other ? $"'{other}' is not '{word}'; write '{word}' here" : $"ends too soon; write '{word}' here");
        return false;
    }

    private double? Duration()
    {
        var column = Column;
        if (Peek is not { } text || !DurationText.TryParse(text, out var duration) || duration <= TimeSpan.Zero)
        {
            Fail(column, (Peek is { } other ? $"'{other}' is not " : "the bound is missing; write ") + DurationText.Expected + ", above zero");
            return null;
        }

        _next++;
        _bound = text;
        return End() ? duration.TotalSeconds : null;
    }

    private double? Number(string expected, double least, double most)
    {
        var column = Column;
        if (Peek is not { } text || !double.TryParse(text, NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var number) || number < least || number > most)
        {
            Fail(column, (Peek is { } other ? $"'{other}' is not " : "the bound is missing; write ") + expected);
            return null;
        }

        _next++;
        _bound = text;
        return number;
    }

    private bool End()
    {
        if (Peek is { } more)
        {
            Fail(Column, $"'{more}' is too much; a goal ends here. Give each goal an option of its own");
        }

        return _error is null;
    }

    private Goal? Fail(int column, string message)
    {
        _error ??= new GrammarError(_text, column, message);
        return null;
    }

    [GeneratedRegex(@"[<>=]+|%|[^\s<>=%]+", RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}
