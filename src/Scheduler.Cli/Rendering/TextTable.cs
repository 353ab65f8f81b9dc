namespace Scheduler.Cli.Rendering;

/// <summary>
/// A table of aligned columns in plain text, as kubectl writes them: no frames, two spaces between columns. The last column
/// gets what is left of the width and is cut with an ellipsis.
/// </summary>
internal sealed class TextTable
{
    private const int Gap = 2;

    private readonly (string Name, bool IsNumber)[] _columns;
    private readonly List<string[]> _rows = [];

    public TextTable(params (string Name, bool IsNumber)[] columns) => _columns = columns;

    public int Count => _rows.Count;

    public void Add(params string[] cells)
    {
        if (cells.Length != _columns.Length)
        {
            throw new ArgumentException($"{cells.Length} cells for {_columns.Length} columns", nameof(cells));
        }

        _rows.Add(cells);
    }

    public void Write(TextWriter writer, int width)
    {
        foreach (var line in Lines(width))
        {
            writer.WriteLine(line);
        }
    }

    public IEnumerable<string> Lines(int width)
    {
        var widths = _columns.Select((column, index) => _rows.Select(row => row[index].Length).Append(column.Name.Length).Max()).ToArray();
        yield return Line([.. _columns.Select(column => column.Name)], widths, width);
        foreach (var row in _rows)
        {
            yield return Line(row, widths, width);
        }
    }

    private string Line(string[] cells, int[] widths, int width)
    {
        var padded = cells.Select((cell, index) => _columns[index].IsNumber ? cell.PadLeft(widths[index]) : cell.PadRight(widths[index]));
        return Cut(string.Join(new string(' ', Gap), padded).TrimEnd(), width);
    }

    /// <summary>Breaks text between words into lines of at most so many characters; a longer word is cut.</summary>
    public static IEnumerable<string> Wrap(string text, int width)
    {
        var line = "";
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = "";
            }

            line = Cut(line.Length == 0 ? word : $"{line} {word}", width);
        }

        if (line.Length > 0)
        {
            yield return line;
        }
    }

    /// <summary>At most so many characters; an ellipsis shows that something is missing.</summary>
    public static string Cut(string text, int width) =>
        text.Length <= width ? text : width < 1 ? "" : string.Concat(text.AsSpan(0, width - 1), "…");
}
