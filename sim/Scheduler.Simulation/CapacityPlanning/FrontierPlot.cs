using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>
/// Draws a frontier as one SVG file that needs nothing else: a panel for each goal, its figure by setting with the confidence
/// interval, and the goal as a line. Colours follow the reader's light or dark setting, and shapes say the same.
/// </summary>
internal sealed class FrontierPlot
{
    private const double Width = 760;
    private const double PanelHeight = 300;
    private const double Left = 90;
    private const double Right = 24;
    private const double Top = 56;
    private const double Bottom = 52;
    private const double Legend = 34;

    private const string Style = """
        svg{--paper:#fff;--ink:#1b1f24;--dim:#6a737d;--grid:#e3e6ea;--enough:#0b6e4f;--unclear:#8a6d00;--not:#b3261e;font:13px system-ui,sans-serif}
        @media(prefers-color-scheme:dark){svg{--paper:#14171b;--ink:#e8eaed;--dim:#9aa4af;--grid:#2c3238;--enough:#4fd1a1;--unclear:#e3c04d;--not:#ff8a80}}
        .paper{fill:var(--paper)}text{fill:var(--ink)}.dim{fill:var(--dim)}.title{font-weight:600}.grid{stroke:var(--grid)}.axis{stroke:var(--dim)}
        .goal{stroke:var(--ink);stroke-dasharray:6 4}.enough{stroke:var(--enough);fill:var(--enough)}.unclear{stroke:var(--unclear);fill:var(--paper)}
        .not{stroke:var(--not);fill:var(--not)}.mark{stroke-width:2}
        """;

    private readonly CapacityPlan _plan;
    private readonly ImmutableArray<(double X, SettingResult Result)> _points;
    private readonly string _xTitle;
    private readonly StringBuilder _svg = new();

    private FrontierPlot(CapacityPlan plan, Frontier frontier)
    {
        _plan = plan;
        ImmutableArray<SettingResult> ran = [.. frontier.Settings.Where(result => !result.Estimates.IsEmpty)];
        var hasCost = ran.Select(result => result.Setting.Gpus).Distinct().Count() > 1;
        _xTitle = plan.Knobs is [var knob] ? $"{knob.Name} ({Unit(knob)})" : hasCost ? "installed GPUs" : "setting, in the order of the table";
        _points =
        [
            .. ran.Select((result, index) => (
                plan.Knobs.Length == 1 ? (double)result.Setting.Values[0] : hasCost ? result.Setting.Gpus : index + 1.0, result)),
        ];
    }

    /// <summary>The plot.</summary>
    public static string Draw(CapacityPlan plan, Frontier frontier) => new FrontierPlot(plan, frontier).Draw();

    private string Draw()
    {
        var height = (PanelHeight * _plan.Goals.Length) + Legend;
        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {N(Width)} {N(height)}\" role=\"img\" aria-label=\"{Escape($"Capacity plan of {_plan.Scenario.Name}")}\">");
        Line($"<style>{Style}</style>");
        Line($"<rect class=\"paper\" width=\"{N(Width)}\" height=\"{N(height)}\"/>");
        for (var goal = 0; goal < _plan.Goals.Length; goal++)
        {
            Panel(goal, goal * PanelHeight);
        }

        DrawLegend(height - (Legend / 2));
        Line("</svg>");
        return _svg.ToString();
    }

    private void Panel(int index, double top)
    {
        var goal = _plan.Goals[index];
        var (plotTop, plotBottom) = (top + Top, top + PanelHeight - Bottom);
        Text(Left, top + 24, "title", "start", goal.Name);
        Text(Left, top + 42, "dim", "start", $"goal {goal.Is}; mean over {N(_plan.Seeds)} seeds with 95 % confidence interval; {_plan.Scenario.Name} under {_plan.Scheduler}");
        var finite = _points.Where(point => !double.IsInfinity(point.Result.Estimates[index].Mean)).Select(point => point.Result.Estimates[index]).ToArray();
        var y = PlotAxis.Of(
            goal.Unit == "seconds", finite.Select(estimate => estimate.Mean).Append(goal.Threshold), finite.Select(estimate => estimate.High).Append(goal.Threshold));
        var x = PlotAxis.OfRange(_points.Select(point => point.X));

        foreach (var tick in y.Ticks)
        {
            var at = Y(tick);
            Line($"<line class=\"grid\" x1=\"{N(Left)}\" x2=\"{N(Width - Right)}\" y1=\"{N(at)}\" y2=\"{N(at)}\"/>");
            Text(Left - 8, at + 4, "dim", "end", y.Label(tick));
        }

        Line($"<path class=\"axis\" fill=\"none\" d=\"M{N(Left)} {N(plotTop)}V{N(plotBottom)}H{N(Width - Right)}\"/>");
        foreach (var tick in x.Ticks)
        {
            Line($"<line class=\"axis\" x1=\"{N(X(tick))}\" x2=\"{N(X(tick))}\" y1=\"{N(plotBottom)}\" y2=\"{N(plotBottom + 5)}\"/>");
            Text(X(tick), plotBottom + 19, "dim", "middle", x.Label(tick));
        }

        Text((Left + Width - Right) / 2, plotBottom + 38, "", "middle", _xTitle);
        var unit = goal.Unit switch { "seconds" => "time", "percent" => "% of healthy GPUs", _ => "GPU-hours" };
        Line($"<text class=\"dim\" text-anchor=\"middle\" transform=\"translate(16 {N((plotTop + plotBottom) / 2)}) rotate(-90)\">{unit}{(y.IsLogarithmic ? ", logarithmic" : "")}</text>");
        Line($"<line class=\"goal\" x1=\"{N(Left)}\" x2=\"{N(Width - Right)}\" y1=\"{N(Y(goal.Threshold))}\" y2=\"{N(Y(goal.Threshold))}\"/>");
        foreach (var (value, result) in _points)
        {
            Point(goal, result, result.Estimates[index], X(value), Y, plotTop);
        }

        double X(double value) => Left + 16 + (x.Place(value) * (Width - Right - Left - 32));

        double Y(double value) => plotBottom - (y.Place(value) * (plotBottom - plotTop));
    }

    private void Point(Goal goal, SettingResult result, Estimate estimate, double x, Func<double, double> y, double top)
    {
        var verdict = goal.Judge(estimate);
        var shape = Class(verdict);
        Line($"<g class=\"mark {shape}\"><title>{Escape($"{PlanAnswer.Name(_plan.Knobs, result)}: {goal.Format(estimate)}, {verdict.Word()}")}</title>");
        if (double.IsInfinity(estimate.Mean))
        {
            // Jobs that can never start have no place on the axis: an arrow out of it.
            Line($"<path d=\"M{N(x)} {N(top - 6)}l-6 10h12z\"/></g>");
            return;
        }

        var (low, high) = (y(estimate.Low), y(estimate.High));
        Line($"<path fill=\"none\" d=\"M{N(x)} {N(low)}V{N(high)}M{N(x - 5)} {N(low)}h10M{N(x - 5)} {N(high)}h10\"/>{Mark(verdict, x, y(estimate.Mean))}</g>");
    }

    private void DrawLegend(double y)
    {
        var x = Left;
        foreach (var verdict in new[] { Verdict.Enough, Verdict.Unclear, Verdict.NotEnough })
        {
            Line($"<g class=\"mark {Class(verdict)}\">{Mark(verdict, x, y - 4)}</g>");
            Text(x + 12, y, "", "start", verdict.Word());
            x += 40 + (verdict.Word().Length * 7.5);
        }

        Line($"<line class=\"goal\" x1=\"{N(x)}\" x2=\"{N(x + 26)}\" y1=\"{N(y - 4)}\" y2=\"{N(y - 4)}\"/>");
        Text(x + 34, y, "", "start", "goal");
    }

    private static string Class(Verdict verdict) => verdict switch { Verdict.Enough => "enough", Verdict.Unclear => "unclear", _ => "not" };

    private static string Mark(Verdict verdict, double x, double y) => verdict switch
    {
        Verdict.Enough or Verdict.Unclear => $"<circle cx=\"{N(x)}\" cy=\"{N(y)}\" r=\"5\"/>",
        _ => $"<path d=\"M{N(x)} {N(y - 6)}l6 6l-6 6l-6 -6z\"/>",
    };

    private static string Unit(Knob knob) => knob.Kind switch { KnobKind.Nodes => "nodes", KnobKind.BurstFactor => "burst / guaranteed", _ => "GPUs" };

    private void Text(double x, double y, string style, string anchor, string text) =>
        Line($"<text{(style.Length > 0 ? $" class=\"{style}\"" : "")} x=\"{N(x)}\" y=\"{N(y)}\" text-anchor=\"{anchor}\">{Escape(text)}</text>");

    private void Line(string text) => _svg.Append(text).Append('\n');

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    private static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
