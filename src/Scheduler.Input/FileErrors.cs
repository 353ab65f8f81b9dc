using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Input;

/// <summary>One mistake in a file.</summary>
/// <param name="File">The file as the user named it.</param>
/// <param name="Line">Counted from 1; 0 where no line is to blame.</param>
/// <param name="Path">The field, such as <c>tenant/search.quotas[0].guaranteed</c>; empty for the file as a whole.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
internal readonly record struct FileError(string File, int Line, string Path, string Message)
{
    public override string ToString()
    {
        var place = Line > 0 ? string.Create(NumberFormatInfo.InvariantInfo, $"{File}:{Line}") : File;
        return Path.Length > 0 ? $"{place}: {Path}: {Message}" : $"{place}: {Message}";
    }
}

/// <summary>Collects the mistakes of one or more files, so that all are told at once.</summary>
internal sealed class FileErrors
{
    /// <summary>Past this many the rest is counted only: a file of the wrong kind has an error in every line.</summary>
    private const int MaxListed = 100;

    private readonly List<FileError> _errors = [];
    private readonly HashSet<(string File, string Container)> _unknownIn = [];

    public bool Any => _errors.Count > 0;

    public int Count => _errors.Count;

    /// <summary>By file in the order of reading, then by line.</summary>
    public ImmutableArray<FileError> Sorted
    {
        get
        {
            var files = _errors.Select(error => error.File).Distinct().ToList();
            return [.. _errors.OrderBy(error => files.IndexOf(error.File)).ThenBy(error => error.Line)];
        }
    }

    public void Add(string file, int line, string path, string message) => _errors.Add(new FileError(file, line, path, message));

    public void AddUnknownField(string file, int line, string container, string name, string message)
    {
        _unknownIn.Add((file, container));
        Add(file, line, container.Length == 0 ? name : $"{container}.{name}", message);
    }

    /// <summary>Whether a misspelt field is in this object, so that a field it lacks may be the one that was meant.</summary>
    public bool HasUnknownFieldIn(string file, string container) => _unknownIn.Contains((file, container));

    /// <summary>Whether a mistake is told already for this field or for one below it.</summary>
    public bool Covers(string file, string path) => _errors.Any(error =>
        error.File == file && error.Path.StartsWith(path, StringComparison.Ordinal)
        && (error.Path.Length == path.Length || error.Path[path.Length] is '.' or '['));

    /// <summary>One line for each mistake.</summary>
    public ImmutableArray<string> ToLines()
    {
        var lines = Sorted.Take(MaxListed).Select(error => error.ToString()).ToList();
        if (_errors.Count > MaxListed)
        {
            lines.Add(string.Create(NumberFormatInfo.InvariantInfo, $"{_errors.Count - MaxListed} more mistakes are not listed"));
        }

        return [.. lines];
    }
}
