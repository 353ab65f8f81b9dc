namespace Scheduler.Cli.Commands;

/// <summary>
/// Where a command writes, and what it may assume about it. Tests give writers of their own, and so the whole command
/// runs in process.
/// </summary>
internal sealed record Terminal
{
    private const int WidthOfPipe = 160;
    private const int HeightOfPipe = 40;

    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>What is typed, or comes through a pipe.</summary>
    public Func<TextReader> OpenIn { get; init; } = static () => TextReader.Null;

    /// <summary>Whether somebody watches: live views and colours are for terminals only.</summary>
    public bool IsOutTerminal { get; init; }

    /// <summary>Whether progress on stderr would be seen rather than end up in a log file.</summary>
    public bool IsErrorTerminal { get; init; }

    /// <summary>Whether long work says in lines on stderr how far it is where that is no terminal.</summary>
    public bool LogsProgress { get; init; }

    /// <summary>Environment variables.</summary>
    public Func<string, string?> Variable { get; init; } = static _ => null;

    /// <summary>Columns and rows, asked anew each time since a terminal can be resized.</summary>
    public Func<(int Columns, int Rows)> Size { get; init; } = static () => (WidthOfPipe, HeightOfPipe);

    /// <summary>Colours only on a terminal, and not where NO_COLOR is set to anything (https://no-color.org) or TERM is dumb.</summary>
    public bool UsesColor => IsOutTerminal && string.IsNullOrEmpty(Variable("NO_COLOR")) && Variable("TERM") != "dumb";

    public static Terminal OfProcess()
    {
        var isOutTerminal = !Console.IsOutputRedirected;
        return new Terminal
        {
            Out = Console.Out,
            Error = Console.Error,
            // Only where it is read: a console that is read changes the settings of its terminal.
            OpenIn = static () => Console.In,
            IsOutTerminal = isOutTerminal,
            IsErrorTerminal = !Console.IsErrorRedirected,
            LogsProgress = Console.IsErrorRedirected,
            Variable = Environment.GetEnvironmentVariable,
            Size = () => isOutTerminal && Console.WindowWidth > 0 ? (Console.WindowWidth, Console.WindowHeight) : (WidthOfPipe, HeightOfPipe),
        };
    }
}
