using System.Text;

namespace Scheduler.Cli.Rendering;

/// <summary>What a piece of text means; what it looks like is decided where it is written.</summary>
internal enum Tone
{
    Plain,
    Heading,
    Dim,
    Guaranteed,
    Burst,
    Waiting,
    Bad,
}

/// <summary>A line of text in pieces, each with its tone. Knows its width, so that lines can be cut before they wrap.</summary>
internal sealed class StyledLine
{
    private readonly List<(string Text, Tone Tone)> _pieces = [];

    public IReadOnlyList<(string Text, Tone Tone)> Pieces => _pieces;

    public int Width { get; private set; }

    public static StyledLine Of(string text, Tone tone = Tone.Plain) => new StyledLine().Add(text, tone);

    public StyledLine Add(string text, Tone tone = Tone.Plain)
    {
        if (text.Length > 0)
        {
            _pieces.Add((text, tone));
            Width += text.Length;
        }

        return this;
    }

    public StyledLine Add(StyledLine other)
    {
        foreach (var (text, tone) in other._pieces)
        {
            Add(text, tone);
        }

        return this;
    }

    /// <summary>The same line in at most so many columns.</summary>
    public StyledLine Cut(int width)
    {
        if (Width <= width)
        {
            return this;
        }

        var cut = new StyledLine();
        foreach (var (text, tone) in _pieces)
        {
            var left = width - cut.Width;
            if (text.Length > left || (text.Length == left && cut.Width + text.Length < Width))
            {
                return cut.Add(TextTable.Cut(text + " ", left), tone);
            }

            cut.Add(text, tone);
        }

        return cut;
    }

    public override string ToString() => _pieces.Aggregate(new StringBuilder(), (all, piece) => all.Append(piece.Text)).ToString();
}
