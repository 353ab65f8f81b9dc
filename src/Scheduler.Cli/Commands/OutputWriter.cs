using System.Text;

namespace Scheduler.Cli.Commands;

/// <summary>Standard output: where it cannot be written, as on a full disk, that is the user's to mend, and no bug of the program.</summary>
internal sealed class OutputWriter(TextWriter to) : TextWriter
{
    public override Encoding Encoding => to.Encoding;

    public override void Write(char value) => Attempt(() => to.Write(value));

    public override void Write(string? value) => Attempt(() => to.Write(value));

    public override void Write(char[] buffer, int index, int count) => Attempt(() => to.Write(buffer, index, count));

    public override void WriteLine() => Attempt(to.WriteLine);

    public override void WriteLine(string? value) => Attempt(() => to.WriteLine(value));

    public override void Flush() => Attempt(to.Flush);

    private static void Attempt(Action write)
    {
        try
        {
            write();
        }
        catch (IOException exception)
        {
            throw new UserErrorException($"standard output cannot be written: {exception.Message}; make room, or write elsewhere", exception);
        }
    }
}
