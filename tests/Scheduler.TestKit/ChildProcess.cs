using System.Diagnostics;

namespace Scheduler.TestKit;

/// <summary>
/// A program that a test runs beside itself. Its output goes to a file, and it never outlives the test process:
/// a watcher holds the read end of a pipe whose write end only this process has, and kills the program when the
/// pipe closes, which the kernel does even if this process is killed with SIGKILL.
/// </summary>
/// <remarks>
/// PR_SET_PDEATHSIG on the program itself would not do: it fires when the <em>thread</em> that started the program ends, and
/// pool threads end. The watcher is a child of the program, so there the signal is safe and ends the watcher with it.
/// </remarks>
public sealed class ChildProcess : IAsyncDisposable
{
    // $1 is the log, the rest is the program. The pipe moves to 3 first, because a shell gives its background commands /dev/null as 0. After exec, $$ is the program itself: its process id is the one we hold.
    private const string Launcher = """
        log=$1; shift
        exec 3<&0
        watch='read -r _; kill -9 "$1"'
        if command -v setpriv >/dev/null && setpriv --pdeathsig KILL true 2>/dev/null; then
          setpriv --pdeathsig KILL sh -c "$watch" sh "$$" <&3 >/dev/null 2>&1 &
        else
          sh -c "$watch" sh "$$" <&3 >/dev/null 2>&1 &
        fi
        exec "$@" </dev/null 3<&- >>"$log" 2>&1
        """;

    private readonly Process _process;

    private ChildProcess(Process process, string name, string logPath)
    {
        _process = process;
        Name = name;
        LogPath = logPath;
    }

    /// <summary>What the program is called in messages.</summary>
    public string Name { get; }

    /// <summary>The file that collects standard output and standard error; a restart appends to it.</summary>
    public string LogPath { get; }

    /// <summary>The process id of the program.</summary>
    public int Id => _process.Id;

    /// <summary>Whether the program has ended, by itself or by <see cref="KillAsync"/>.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts <paramref name="program"/>; it inherits the environment, changed by <paramref name="environment"/>.</summary>
    public static ChildProcess Start(
        string name, string program, IEnumerable<string> arguments, string logPath, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, UseShellExecute = false };
        foreach (var argument in (string[])["-c", Launcher, "sh", logPath, program, .. arguments]) start.ArgumentList.Add(argument);
        foreach (var (key, value) in environment ?? new Dictionary<string, string>()) start.Environment[key] = value;
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{name}: /bin/sh did not start");
        return new ChildProcess(process, name, logPath);
    }

    /// <summary>Kills the program as <c>kill -9</c> does and waits until it is gone. Does nothing if it already is.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>
    /// Closes this process's end of the pipe, as the kernel does when this process is killed, and waits until the watcher has
    /// killed the program. For the test of that watcher.
    /// </summary>
    public Task<int> OrphanAsync(TimeSpan patience)
    {
        _process.StandardInput.Close();
        return WaitForExitAsync(patience);
    }

    /// <summary>Asks the program to end as <c>kill -TERM</c> does and returns its exit code; kills it if it takes too long.</summary>
    /// <exception cref="TimeoutException">It was still there after <paramref name="patience"/>.</exception>
    public async Task<int> TerminateAsync(TimeSpan patience)
    {
        using (var kill = Process.Start("/bin/sh", ["-c", $"kill -TERM {Id}"])) await kill.WaitForExitAsync();
        return await WaitForExitAsync(patience);
    }

    /// <summary>Waits until the program ends by itself and returns its exit code; kills it if it takes too long.</summary>
    /// <exception cref="TimeoutException">It was still there after <paramref name="patience"/>.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan patience)
    {
        using var late = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            await KillAsync();
            throw new TimeoutException($"{Name} was still running after {patience}\n{Tail()}");
        }
        return _process.ExitCode;
    }

    /// <summary>Polls until <paramref name="isReady"/> says so; a refused connection means not yet.</summary>
    /// <exception cref="InvalidOperationException">The program ended, or was not ready in time; the message carries the end of its log.</exception>
    public async Task WaitUntilAsync(Func<CancellationToken, Task<bool>> isReady, TimeSpan patience, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var last = "no answer yet";
        while (clock.Elapsed < patience)
        {
            if (HasExited) throw new InvalidOperationException($"{Name} ended with exit code {_process.ExitCode} before it was ready\n{Tail()}");
            try
            {
                if (await isReady(cancellationToken)) return;
                last = "it answered that it is not ready";
            }
            catch (HttpRequestException notYet)
            {
                last = notYet.Message;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
        throw new InvalidOperationException($"{Name} was not ready after {patience}: {last}\n{Tail()}");
    }

    /// <summary>
    /// The last lines of the log, under a heading. If the program crashed with a trace of all its threads, what counts is
    /// where the crash begins, so the lines from there are shown instead.
    /// </summary>
    public string Tail(int lines = 30)
    {
        if (!File.Exists(LogPath)) return $"--- {Name} wrote no log";
        using var reader = new StreamReader(new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var tail = new Queue<string>();
        var crash = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            tail.Enqueue(line);
            if (tail.Count > lines) tail.Dequeue();
            if (crash.Count < lines && (crash.Count > 0 || IsStartOfCrash(line))) crash.Add(line);
        }
        return crash.Count > 0
            ? $"--- {LogPath}, where the crash begins:\n{string.Join('\n', crash)}"
            : $"--- the end of {LogPath}:\n{string.Join('\n', tail)}";
    }

    /// <summary>Kills the program and lets go of it.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private static bool IsStartOfCrash(string line) =>
        line.StartsWith("panic: ", StringComparison.Ordinal) || line.StartsWith("fatal error: ", StringComparison.Ordinal)
        || line.StartsWith("Unhandled exception. ", StringComparison.Ordinal);
}
