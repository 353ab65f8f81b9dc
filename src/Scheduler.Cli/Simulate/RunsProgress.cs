using System.Globalization;
using Scheduler.Cli.Commands;

namespace Scheduler.Cli.Simulate;

/// <summary>How many of several simulations are done, as a bar in one line of stderr; nothing at all where that is no terminal.</summary>
/// <param name="terminal">Where it is drawn.</param>
/// <param name="total">How many there are; it grows if there turn out to be more.</param>
internal sealed class RunsProgress(Terminal terminal, int total)
{
    private const int Cells = 40;

    private readonly Lock _gate = new();
    private int _done;
    private int _width;

    /// <summary>The first runs begin: the bar is seen before one of them ends.</summary>
    public void Begin() => Add(0);

    /// <summary>One more is done. From any thread.</summary>
    public void Ended() => Add(1);

    private void Add(int ended)
    {
        if (!terminal.IsErrorTerminal)
        {
            return;
        }

        lock (_gate)
        {
            _done += ended;
            var of = Math.Max(total, _done);
            var full = (int)((long)Cells * _done / Math.Max(1, of));
            var line = string.Create(CultureInfo.InvariantCulture, $"{new string('█', full)}{new string('░', Cells - full)} {_done}/{of} runs");
            _width = line.Length;
            terminal.Error.Write($"\r{line}");
        }
    }

    /// <summary>Clears the line.</summary>
    public void End()
    {
        if (terminal.IsErrorTerminal)
        {
            terminal.Error.Write($"\r{new string(' ', _width)}\r");
        }
    }
}
