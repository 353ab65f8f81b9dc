using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Scheduler.Simulation.Reports;

/// <summary>A drawing with a time axis below and an axis of quantities at the left; turns values into places.</summary>
internal sealed class PlotFrame
{
    private const double Left = 46;
    private const double Right = 14;
    private const double Top = 22;
    private const double Bottom = 40;
    private const double RoomForTimeMark = 62;

    private readonly decimal _from;
    private readonly decimal _to;
    private readonly decimal _top;

    /// <summary>Draws the axes.</summary>
    /// <param name="svg">The drawing.</param>
    /// <param name="from">Where the time axis begins, in seconds.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="ticks">Marks of the other axis, from 0.</param>
    /// <param name="unit">What it counts.</param>
    public PlotFrame(Svg svg, decimal from, decimal to, ImmutableArray<decimal> ticks, string unit)
    {
        (Svg, _from, _to, _top) = (svg, from, Math.Max(to, from + 1), Math.Max(ticks[^1], 0.001m));
        svg.Text(4, 13, unit, cssClass: "m");
        foreach (var tick in ticks)
        {
            svg.Line(Left, Y(tick), svg.Width - Right, Y(tick), tick == 0 ? "ax" : "grid");
            svg.Text(Left - 6, Y(tick) + 4, Short(tick), Anchor.End, "m");
        }

        TimeAxis(svg, Left, svg.Width - Right, svg.Height - Bottom, from, to);
    }

    public Svg Svg { get; }

    /// <summary>Draws the marks of a time axis between two places.</summary>
    public static void TimeAxis(Svg svg, double left, double right, double y, decimal from, decimal to)
    {
        foreach (var mark in NiceTicks.Time(from, to, Math.Max(2, (int)((right - left) / RoomForTimeMark))))
        {
            var x = left + ((right - left) * (double)((mark - from) / Math.Max(1, to - from)));
            svg.Line(x, y, x, y + 4, "ax");
            var text = Wording.Mark(mark);
            var half = text.Length * Svg.CharacterWidth / 2;
            svg.Text(Math.Clamp(x, half, svg.Width - half), y + 17, text, Anchor.Middle, "m");
        }

        svg.Text((left + right) / 2, y + 34, "time since the beginning", Anchor.Middle, "m");
    }

    public double X(decimal seconds) => Left + ((Svg.Width - Left - Right) * (double)((seconds - _from) / (_to - _from)));

    public double Y(decimal value) => Top + ((Svg.Height - Top - Bottom) * (1 - (double)(value / _top)));

    /// <summary>A level that is the same all the time.</summary>
    public void Level(decimal value, string cssClass, string tip) =>
        Svg.Path(string.Create(CultureInfo.InvariantCulture, $"M{Svg.Number(Left)} {Svg.Number(Y(value))}H{Svg.Number(Svg.Width - Right)}"), cssClass, tip);

    /// <summary>The area between two series, in steps.</summary>
    public void Area(ReadOnlySpan<decimal> lower, ReadOnlySpan<decimal> upper, decimal stepSeconds, string cssClass, string tip)
    {
        if (upper.Length == 0)
        {
            return;
        }

        var path = new StringBuilder("M").Append(Svg.Number(X(0))).Append(' ').Append(Svg.Number(Y(lower[0])));
        for (var index = 0; index < upper.Length; index++)
        {
            Step(path, upper[index], index + 1);
        }

        for (var index = upper.Length - 1; index >= 0; index--)
        {
            path.Append('V').Append(Svg.Number(Y(lower[index]))).Append('H').Append(Svg.Number(X(Math.Min(_to, index * stepSeconds))));
        }

        Svg.Path(path.Append('Z').ToString(), cssClass, tip);

        void Step(StringBuilder path, decimal value, int end) =>
            path.Append('V').Append(Svg.Number(Y(value))).Append('H').Append(Svg.Number(X(Math.Min(_to, end * stepSeconds))));
    }

    /// <summary>A series as a line of steps.</summary>
    public void Line(ReadOnlySpan<decimal> values, decimal stepSeconds, string cssClass, string tip)
    {
        if (values.Length == 0)
        {
            return;
        }

        var path = new StringBuilder("M").Append(Svg.Number(X(0))).Append(' ').Append(Svg.Number(Y(values[0])));
        for (var index = 0; index < values.Length; index++)
        {
            path.Append('V').Append(Svg.Number(Y(values[index]))).Append('H').Append(Svg.Number(X(Math.Min(_to, (index + 1) * stepSeconds))));
        }

        Svg.Path(path.ToString(), cssClass, tip);
    }

    private static string Short(decimal value) => value switch
    {
        >= 10_000_000 => (value / 1_000_000).ToString("0.#", NumberFormatInfo.InvariantInfo) + "M",
        >= 10_000 => (value / 1000).ToString("0.#", NumberFormatInfo.InvariantInfo) + "k",
        _ => value.ToString("0.###", NumberFormatInfo.InvariantInfo),
    };
}
