using System.Globalization;

namespace Scheduler.Input;

/// <summary>A comma-separated list whose first line names the columns. Reads rows strictly: what does not fit is an error with its line.</summary>
internal sealed class CsvTable
{
    private const long MaxBytes = 512L << 20;

    private readonly string[] _lines;
    private readonly Dictionary<string, int> _columns;

    private CsvTable(string file, string[] lines, FileErrors errors)
    {
        File = file;
        Errors = errors;
        _lines = lines;
        _columns = [];
        var names = lines[0].TrimEnd('\r').Split(',');
        for (var index = 0; index < names.Length; index++)
        {
            _columns[names[index].Trim()] = index;
        }
    }

    public string File { get; }

    public FileErrors Errors { get; }

    /// <summary>Reads a list that has at least these columns, or null after errors.</summary>
    public static CsvTable? Read(string path, FileErrors errors, params string[] columns)
    {
        if (TextFile.Read(path, MaxBytes, errors) is not { } text)
        {
            return null;
        }

        var table = new CsvTable(path, text.TrimStart('\uFEFF').Split('\n'), errors);
        var missing = columns.Where(column => !table.HasColumn(column)).ToArray();
        if (missing.Length > 0)
        {
            errors.Add(path, 1, "", $"has no column {string.Join(", ", missing)}; the first line must name the columns {string.Join(",", columns)}");
            return null;
        }

        return table;
    }

    public bool HasColumn(string name) => _columns.ContainsKey(name);

    public IEnumerable<CsvRow> Rows()
    {
        for (var index = 1; index < _lines.Length; index++)
        {
            var line = _lines[index].TrimEnd('\r');
            if (line.Length == 0)
            {
                continue;
            }

            var cells = line.Split(',');
            if (cells.Length == _columns.Count)
            {
                yield return new CsvRow(this, index + 1, cells);
            }
            else
            {
                Errors.Add(File, index + 1, "", $"has {cells.Length} values, but there are {_columns.Count} columns");
            }
        }
    }

    internal int? Column(string name) => _columns.TryGetValue(name, out var column) ? column : null;
}

/// <summary>One row.</summary>
internal readonly struct CsvRow(CsvTable table, int line, string[] cells)
{
    public int Line => line;

    /// <summary>The value; empty too where the list has no such column.</summary>
    public string Text(string column) => table.Column(column) is { } index ? cells[index].Trim() : "";

    /// <summary>A whole number, 0 or more. An empty value is 0.</summary>
    public long Number(string column, long most) => NumberOrNull(column, most) ?? 0;

    /// <summary>A whole number, 0 or more, or null where the value is empty or wrong.</summary>
    public long? NumberOrNull(string column, long most)
    {
        var text = Text(column);
        if (text.Length == 0)
        {
            return null;
        }

        // Some lists have times with a fraction of a second; it does not matter here.
        if (decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var value)
            && value >= 0 && value <= most)
        {
            return (long)value;
        }

        Error(column, $"'{text}' is not a number from 0 to {most}");
        return null;
    }

    public void Error(string column, string message) => table.Errors.Add(table.File, line, column, message);
}
