using System.Collections.Immutable;

namespace Scheduler.Simulation.Reports;

/// <summary>A bar of a plot.</summary>
/// <param name="Name">Whose it is.</param>
/// <param name="Value">How long it is.</param>
/// <param name="Text">The value in words.</param>
/// <param name="Second">A second value, drawn thinner below; null for none.</param>
internal readonly record struct Bar(string Name, decimal Value, string Text, decimal? Second = null);

/// <summary>Bars one below the other, each with its name and its value above, so that neither needs room beside it. All begin at 0.</summary>
internal static class BarPlot
{
    private const double Row = 36;
    private const double Margin = 4;

    public static string Draw(string label, ImmutableArray<Bar> bars, double width)
    {
        var svg = new Svg(width, (Row * bars.Length) + 4, label);
        var most = Math.Max(0.001m, bars.Max(bar => Math.Max(bar.Value, bar.Second ?? 0)));
        for (var index = 0; index < bars.Length; index++)
        {
            var (bar, y) = (bars[index], index * Row);
            svg.Text(width - Margin, y + 14, bar.Text, Anchor.End);
            svg.Text(Margin, y + 14, Svg.Fit(bar.Name, width - (2 * Margin) - 10 - (bar.Text.Length * Svg.CharacterWidth)), cssClass: index == 0 ? "b" : "", tip: bar.Name);
            svg.Rectangle(Margin, y + 19, width - (2 * Margin), 12, "track");
            svg.Rectangle(Margin, y + 19, Length(bar.Value), bar.Second is null ? 12 : 8, index == 0 ? "bar first" : "bar", $"{bar.Name}: {bar.Text}");
            if (bar.Second is { } second)
            {
                svg.Rectangle(Margin, y + 27, Length(second), 4, "bar mean");
            }
        }

        return svg.ToString();

        double Length(decimal value) => (width - (2 * Margin)) * (double)(value / most);
    }
}
