using System.Text;
using Scheduler.Cli.Commands;

namespace Scheduler.Cli.Simulate;

/// <summary>A file that the user named for a result.</summary>
internal static class ReportFile
{
    /// <summary>Finds out whether it can be written, before a long simulation and not after it. What is in it stays.</summary>
    /// <exception cref="UserErrorException">It cannot.</exception>
    public static void Try(string option, string path) => Attempt(option, path, () =>
    {
        var isNew = !File.Exists(path);
        new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        if (isNew)
        {
            File.Delete(path);
        }
    });

    /// <summary>Writes it, as UTF-8 without a byte order mark.</summary>
    /// <exception cref="UserErrorException">It cannot be written.</exception>
    public static void Write(string option, string path, string text) => Attempt(option, path, () => File.WriteAllText(path, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)));

    private static void Attempt(string option, string path, Action action)
    {
        if (path.Length == 0)
        {
            throw new UserErrorException($"{option}: names no file; write its path");
        }

        try
        {
            action();
        }
        catch (DirectoryNotFoundException exception)
        {
            throw Error("there is no such folder; make it first, or name another", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw Error(Directory.Exists(path) ? "is a folder; name a file" : "may not be written; check its permissions", exception);
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or NotSupportedException)
        {
            throw Error($"cannot be written: {exception.Message}", exception);
        }

        UserErrorException Error(string message, Exception cause) => new($"{option}: {path}: {message}", cause);
    }
}
