using Scheduler.Cli.Commands;

namespace Scheduler.Cli.Tests.Support;

/// <summary>What a command that ran in this process said.</summary>
internal sealed record WeirRun(int ExitCode, string Out, string Error)
{
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The one line on stderr.</summary>
    public string SingleError => Assert.Single(ErrorLines);

    /// <summary>Runs the command; the end of the test run ends it too.</summary>
    public static async Task<WeirRun> Of(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal { Out = TextWriter.Synchronized(output), Error = TextWriter.Synchronized(error) };
        var code = await WeirCommand.RunAsync(args, terminal, stop: TestContext.Current.CancellationToken);
        return new WeirRun(code, output.ToString(), error.ToString());
    }
}

/// <summary>A folder for the files of one test.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("weir-test-");

    public string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}

/// <summary>A writer that tells when something was written.</summary>
internal sealed class ExpectingWriter(string expected) : StringWriter
{
    private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();

    /// <summary>Ends when a line with the expected text was written.</summary>
    public Task Seen => _seen.Task;

    public override void WriteLine(string? value)
    {
        lock (_gate)
        {
            base.WriteLine(value);
            if (value?.Contains(expected, StringComparison.Ordinal) == true)
            {
                _seen.TrySetResult();
            }
        }
    }

    public override string ToString()
    {
        lock (_gate)
        {
            return base.ToString();
        }
    }
}
