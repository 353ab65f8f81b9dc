using System.Globalization;
using System.Text;

namespace Scheduler.Simulation.Reports;

/// <summary>Where a text is fastened.</summary>
internal enum Anchor
{
    /// <summary>At its beginning.</summary>
    Start,

    /// <summary>In the middle.</summary>
    Middle,

    /// <summary>At its end.</summary>
    End,
}

/// <summary>
/// A drawing, as markup to put into a page. Colours are classes that the page's style sheet knows, so that they can differ in the
/// dark. All text is escaped, all numbers have one digit behind the point at most.
/// </summary>
internal sealed class Svg
{
    /// <summary>About how wide a character is at the size that the style sheet gives to text; rather too wide.</summary>
    public const double CharacterWidth = 6.8;

    private readonly StringBuilder _markup = new();

    /// <summary>Begins a drawing.</summary>
    /// <param name="width">Width, in units of the drawing.</param>
    /// <param name="height">Height.</param>
    /// <param name="label">What it shows, for those who cannot see it.</param>
    /// <param name="cssClass">Class of the whole.</param>
    public Svg(double width, double height, string label, string cssClass = "")
    {
        (Width, Height) = (width, height);
        _markup.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Number(width)} {Number(height)}\" role=\"img\" class=\"{cssClass}\" aria-label=\"{Escape(label)}\">");
    }

    public double Width { get; }

    public double Height { get; }

    /// <summary>Text that may stand between tags and in attributes; characters that no page may have become question marks.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '&' => escaped.Append("&amp;"),
                '"' => escaped.Append("&quot;"),
                '\'' => escaped.Append("&#39;"),
                '\n' or '\t' => escaped.Append(' '),
                < 0x20 or (>= 0x7f and < 0xa0) or 0xfffe or 0xffff => escaped.Append('?'),
                _ => escaped.Append(rune.ToString()),
            };
        }

        return escaped.ToString();
    }

    public static string Number(double value)
    {
        var text = value.ToString("0.#", NumberFormatInfo.InvariantInfo);
        return text == "-0" ? "0" : text;
    }

    /// <summary>As much of a text as fits; what is left out is told by three dots.</summary>
    public static string Fit(string text, double width)
    {
        var most = Math.Max(2, (int)(width / CharacterWidth));
        var elements = new StringInfo(text);
        return elements.LengthInTextElements <= most ? text : elements.SubstringByTextElements(0, most - 1) + "…";
    }

    public void Line(double x1, double y1, double x2, double y2, string cssClass) =>
        _markup.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\" class=\"{cssClass}\"/>");

    public void Rectangle(double x, double y, double width, double height, string cssClass, string? tip = null) =>
        Close("rect", tip, _markup.Append(
            CultureInfo.InvariantCulture, $"<rect x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(width)}\" height=\"{Number(height)}\" class=\"{cssClass}\""));

    public void Path(string path, string cssClass, string? tip = null) =>
        Close("path", tip, _markup.Append(CultureInfo.InvariantCulture, $"<path d=\"{path}\" class=\"{cssClass}\""));

    public void Text(double x, double y, string text, Anchor anchor = Anchor.Start, string cssClass = "", string? tip = null)
    {
        var side = anchor switch { Anchor.Middle => " middle", Anchor.End => " end", _ => "" };
        _markup.Append(CultureInfo.InvariantCulture, $"<text x=\"{Number(x)}\" y=\"{Number(y)}\" class=\"{(cssClass + side).Trim()}\">{Escape(text)}{Tip(tip)}</text>");
    }

    /// <summary>The markup.</summary>
    public override string ToString() => _markup + "</svg>";

    private static string Tip(string? tip) => tip is null ? "" : $"<title>{Escape(tip)}</title>";

    private static void Close(string tag, string? tip, StringBuilder markup) => markup.Append(tip is null ? "/>" : $">{Tip(tip)}</{tag}>");
}
