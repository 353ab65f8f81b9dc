using System.Globalization;

namespace Scheduler.Simulation.Traces;

/// <summary>A trace file is wrong. The message is one line: <c>file:line: column: what is wrong and how to mend it</c>.</summary>
public sealed class TraceException : FormatException
{
    /// <summary>Creates the exception without a message.</summary>
    public TraceException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public TraceException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public TraceException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Collects the mistakes of trace files and tells the first, with how many more there are.</summary>
internal sealed class TraceMistakes
{
    private string? _first;
    private int _count;

    public int Count => _count;

    public void Add(string file, int line, string field, string message)
    {
        _count++;
        var place = line > 0 ? string.Create(CultureInfo.InvariantCulture, $"{file}:{line}") : file;
        _first ??= field.Length > 0 ? $"{place}: {field}: {message}" : $"{place}: {message}";
    }

    /// <exception cref="TraceException">There are mistakes.</exception>
    public void ThrowIfAny()
    {
        if (_first is not null)
        {
            throw new TraceException(_count == 1 ? _first : string.Create(CultureInfo.InvariantCulture, $"{_first} (and {_count - 1} more mistakes)"));
        }
    }
}
