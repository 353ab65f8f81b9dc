using System.Globalization;

namespace Scheduler.Input;

/// <summary>A comma-separated list whose first line names the columns. Reads rows strictly: what does not fit is an error with its line.</summary>
internal sealed class CsvTable
{
    private const long MaxBytes = 512L << 20;

    private readonly string[] _lines;
    private readonly Dictionary<string, int> _columns;
    private readonly FileErrors _errors;

    private CsvTable(string file, string[] lines, FileErrors errors)
    {
        File = file;
        _errors = errors;
        _lines = lines;
        _columns = [];
        var names = lines[0].TrimEnd('\r').Split(',');
        for (var index = 0; index < names.Length; index++)
        {
            _columns[names[index].Trim()] = index;
        }
    }

    /// <summary>The file as the user named it.</summary>
    public string File { get; }

    /// <summary>Reads a list, plain or <c>.gz</c>, that has at least these columns; null after errors.</summary>
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

    /// <summary>Whether the list has a column.</summary>
    public bool HasColumn(string name) => _columns.ContainsKey(name);

    /// <summary>The rows that have as many values as there are columns; the others are reported, empty lines are not.</summary>
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
                _errors.Add(File, index + 1, "", $"has {cells.Length} values, but there are {_columns.Count} columns");
            }
        }
    }

    internal int? Column(string name) => _columns.TryGetValue(name, out var column) ? column : null;

    internal void Report(int line, string column, string message) => _errors.Add(File, line, column, message);
}

/// <summary>One row of a <see cref="CsvTable"/>.</summary>
internal sealed class CsvRow
{
    private readonly CsvTable _table;
    private readonly string[] _cells;

    internal CsvRow(CsvTable table, int line, string[] cells)
    {
        _table = table;
        _cells = cells;
        Line = line;
    }

    /// <summary>Counted from 1.</summary>
    public int Line { get; }

    /// <summary>The value; empty too where the list has no such column.</summary>
    public string Text(string column) => _table.Column(column) is { } index ? _cells[index].Trim() : "";

    /// <summary>A value that must be there.</summary>
    public string RequiredText(string column, string whatItIs)
    {
        var text = Text(column);
        if (text.Length == 0)
        {
            Error(column, $"is empty; it is {whatItIs}");
        }

        return text;
    }

    /// <summary>A whole number, 0 or more. An empty value is 0.</summary>
    public long Number(string column, long most) => NumberOrNull(column, most) ?? 0;

    /// <summary>A whole number, 0 or more, or null where the value is empty or wrong. A fraction is cut off.</summary>
    public long? NumberOrNull(string column, long most) => (long?)DecimalOrNull(column, most);

    /// <summary>A number of seconds with or without a fraction, 0 or more. An empty value is an error.</summary>
    public TimeSpan Seconds(string column, long most)
    {
        if (Text(column).Length == 0)
        {
            Error(column, "is empty; it is a number of seconds");
        }

        return TimeSpan.FromTicks((long)((DecimalOrNull(column, most) ?? 0) * TimeSpan.TicksPerSecond));
    }

    /// <summary>A moment such as <c>2017-09-04 10:30:41</c>, taken as UTC. An empty or wrong value is an error.</summary>
    public DateTimeOffset Moment(string column)
    {
        var text = Text(column);
        if (!DateTimeOffset.TryParseExact(
            text, "yyyy-MM-dd HH:mm:ss", DateTimeFormatInfo.InvariantInfo, DateTimeStyles.AssumeUniversal, out var moment))
        {
            Error(column, $"'{text}' is not a moment like 2017-09-04 10:30:41");
        }

        return moment;
    }

    /// <summary>Reports a mistake in this row.</summary>
    public void Error(string column, string message) => _table.Report(Line, column, message);

    private decimal? DecimalOrNull(string column, long most)
    {
        var text = Text(column);
        if (text.Length == 0)
        {
            return null;
        }

        if (decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var value)
            && value >= 0 && value <= most)
        {
            return value;
        }

        Error(column, $"'{text}' is not a number from 0 to {most}");
        return null;
    }
}
