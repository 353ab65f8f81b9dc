using Scheduler.Cli.Commands;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Scheduler.Cli.Rendering;

/// <summary>Writes styled lines: in colours on a terminal, as plain text elsewhere.</summary>
internal static class TerminalWriter
{
    public static IAnsiConsole ConsoleOf(Terminal terminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(terminal.Out),
            Ansi = terminal.IsOutTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal.UsesColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = terminal.Size().Columns;
        return console;
    }

    public static void Write(Terminal terminal, IEnumerable<StyledLine> lines)
    {
        if (terminal.IsOutTerminal)
        {
            ConsoleOf(terminal).Write(ToRenderable(lines));
            return;
        }

        foreach (var line in lines)
        {
            terminal.Out.WriteLine(line.ToString());
        }
    }

    public static IRenderable ToRenderable(IEnumerable<StyledLine> lines) => new Rows(lines.Select(ToParagraph));

    private static IRenderable ToParagraph(StyledLine line)
    {
        var paragraph = new Paragraph { Overflow = Overflow.Crop };
        foreach (var (text, tone) in line.Pieces)
        {
            paragraph.Append(text, StyleOf(tone));
        }

        return line.Pieces.Count == 0 ? new Text(" ") : paragraph;
    }

    private static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Heading => new Style(decoration: Decoration.Bold),
        Tone.Dim => new Style(decoration: Decoration.Dim),
        Tone.Guaranteed => new Style(Color.Green),
        Tone.Burst => new Style(Color.Yellow),
        Tone.Waiting => new Style(Color.Aqua),
        Tone.Bad => new Style(Color.Red),
        _ => Style.Plain,
    };
}
