using System.CommandLine;
using Scheduler.Cli.Commands;
using Scheduler.Journal.Storage;

namespace Scheduler.Cli.Journal;

/// <summary>Opens journals for commands, and tells what could not be read.</summary>
internal static class JournalFolder
{
    public static Option<string> Option() => new("--journal")
    {
        Description = "Folder of the daemon's decision journal (its option journal.folder)",
        HelpName = "FOLDER",
        Required = true,
    };

    /// <exception cref="UserErrorException">There is no journal.</exception>
    public static JournalReader Open(string folder)
    {
        try
        {
            return new JournalReader(folder);
        }
        catch (JournalException exception)
        {
            throw new UserErrorException($"--journal: {exception.Message}", exception);
        }
    }

    /// <summary>One line on stderr for each place that could not be read. A torn end is what a killed or running daemon leaves.</summary>
    /// <returns>Whether any of them is damage.</returns>
    public static bool Tell(JournalReader reader, Terminal terminal)
    {
        foreach (var damage in reader.Damages)
        {
            terminal.Error.WriteLine(damage.IsTorn
                ? $"weir: {damage.File} ends inside a record, at byte {damage.Offset}: the daemon was killed there, or is writing just now"
                : $"weir: {damage.File} is damaged from byte {damage.Offset} on, what follows in it is left out: {damage.Message}");
        }

        return reader.Damages.Any(damage => !damage.IsTorn);
    }
}
