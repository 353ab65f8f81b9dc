using System.Text.Json;
using Microsoft.Extensions.Logging;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Hosting;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Loop;
using Scheduler.Input;

namespace Scheduler.Cli.Up;

/// <summary>One run of <c>weir up</c>: starts everything, submits, shows, ends, sums up.</summary>
internal sealed class UpSession
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    private readonly Terminal _terminal;
    private readonly UpOptions _options;
    private readonly UpInputs _inputs;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly PodBook _book = new();
    private readonly PipeWriter _pipe;
    private readonly Narrator _narrator;
    private readonly UpState _state;

    /// <summary>How long starting took. The time of --for counts from there, or a slow machine would show less of the run.</summary>
    private TimeSpan _readyAfter;

    public UpSession(Terminal terminal, UpOptions options, UpInputs inputs, TimeProvider time)
    {
        (_terminal, _options, _inputs, _time) = (terminal, options, inputs, time);
        _started = time.GetTimestamp();
        var tree = TenantTree.TryCreate(inputs.Tenants, out var made, out _) ? made : TenantTree.Empty;
        _pipe = new PipeWriter(terminal.Out, time);
        _narrator = new Narrator(tree, Elapsed, IsPiped ? _pipe.Event : null);
        _state = new UpState(inputs, tree, _book, _narrator, Elapsed);
    }

    private bool IsPiped => _options.Output == OutputFormat.Table && !_terminal.IsOutTerminal;

    /// <summary>JSON has no story to tell, so nobody need write it.</summary>
    private bool HasNarrator => _options.Output == OutputFormat.Table;

    private bool IsLive => _options.Output == OutputFormat.Table && _terminal.IsOutTerminal;

    private TimeSpan Elapsed() => _time.GetElapsedTime(_started);

    /// <summary>Runs until its time is over, its workload has settled, or <paramref name="stop"/> is cancelled; each is a success.</summary>
    /// <exception cref="UserErrorException">It could not start, or something was refused.</exception>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        if (_options.Output == OutputFormat.Table)
        {
            _terminal.Out.WriteLine($"Starting a Kubernetes cluster with {Describe()} …");
        }

        using var loggers = LoggerFactory.Create(logging => Logging.ToStandardError(logging, _options.IsVerbose ? LogLevel.Information : LogLevel.None));
        await using var cluster = await EmbeddedCluster.StartAsync(
            _inputs.Nodes, _inputs.Tenants, _inputs.Schedule.Submissions.Select(submission => submission.Namespace), _options.Port, loggers, stop);
        await using var daemon = await EmbeddedDaemon.StartAsync(
            cluster.Address, _inputs.Policy, _options.ApiPort, _options.IsVerbose ? LogLevel.Information : LogLevel.None, OnCycle, stop);
        var submitter = new Submitter(cluster, _inputs.Schedule, _time);
        var injector = new FaultInjection(cluster, _inputs, _terminal, _time);
        using var client = new HttpClient { BaseAddress = cluster.Address, Timeout = Timeout.InfiniteTimeSpan };
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);

        WriteHeader(cluster, daemon);
        var firstList = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var watch = new PodWatch(client, _book, OnPod).RunAsync(firstList, ending.Token);
        UpSummary summary;
        try
        {
            await firstList.Task;
            await daemon.WaitUntilSyncedAsync(_time, ending.Token);
            _readyAfter = Elapsed();
            await UntilEndAsync(submitter, [submitter.RunAsync(ending.Token), injector.RunAsync(ending.Token), watch, daemon.Completion], KubectlLine(cluster), ending.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Ctrl-C is the ordinary end of a run without --for; what was reached until then is summed up.
        }
        finally
        {
            summary = _state.Summary(submitter);
            await ending.CancelAsync();
            // What it threw, if anything, was thrown where its result was waited for.
            await watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        WriteSummary(summary);
        return Verdict(summary, submitter);
    }

    private void OnCycle(PublishedCycle cycle)
    {
        _state.Tell(cycle);
        if (HasNarrator)
        {
            _narrator.Tell(cycle);
        }
    }

    private void OnPod(PodEvent happened)
    {
        if (HasNarrator)
        {
            _narrator.Tell(happened);
        }
    }

    /// <summary>Shows the run until it is over. A part that fails ends it with that failure.</summary>
    private async Task UntilEndAsync(Submitter submitter, Task[] parts, string kubectl, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var end = WaitForEndAsync(submitter, over.Token);
        var show = IsLive
            ? LiveView.RunAsync(_terminal, () => _state.Dashboard(kubectl, Ending(), _time.GetUtcNow()), _time, over.Token)
            : ReportAsync(submitter, over.Token);
        try
        {
            var running = parts.Append(end).ToList();
            while (!end.IsCompleted)
            {
                var done = await Task.WhenAny(running);
                running.Remove(done);
                await done;
            }
        }
        finally
        {
            await over.CancelAsync();
            await show.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await end;
        if (show.IsFaulted)
        {
            await show;
        }
    }

    private async Task WaitForEndAsync(Submitter submitter, CancellationToken stop)
    {
        if (_options.For is { } duration)
        {
            await Task.Delay(duration, _time, stop);
            return;
        }

        using var timer = new PeriodicTimer(LookEvery, _time);
        while (!_options.EndsWhenSettled || !_state.IsSettled(submitter))
        {
            await timer.WaitForNextTickAsync(stop);
        }
    }

    /// <summary>Status lines in a pipe; one line of progress on stderr if JSON is wanted and somebody watches.</summary>
    private async Task ReportAsync(Submitter submitter, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(IsPiped ? PipeWriter.StatusEvery : TimeSpan.FromSeconds(1), _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                if (IsPiped)
                {
                    _pipe.Status(_state.Dashboard("", "", _time.GetUtcNow()));
                }
                else if (_terminal.IsErrorTerminal)
                {
                    var counts = _book.Counts;
                    var line = $"{(int)Elapsed().TotalSeconds} s: {submitter.Submitted} of {_inputs.Schedule.Submissions.Length} submitted, {counts.Bound} pods got a node, {counts.Pending} wait";
                    await _terminal.Error.WriteAsync($"\r{line.PadRight(78)}");
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            if (!IsPiped && _terminal.IsErrorTerminal)
            {
                await _terminal.Error.WriteLineAsync();
            }
        }
    }

    private void WriteHeader(EmbeddedCluster cluster, EmbeddedDaemon daemon)
    {
        if (!IsPiped)
        {
            return;
        }

        var address = daemon.GrpcAddress.Port == EmbeddedDaemon.DefaultPort ? "" : $" --address http://127.0.0.1:{daemon.GrpcAddress.Port}";
        _terminal.Out.WriteLine("It is up, and Weir schedules it. In another terminal:");
        _terminal.Out.WriteLine($"  {KubectlLine(cluster)}");
        _terminal.Out.WriteLine($"  weir queue{address}    weir tenants{address}");
        _terminal.Out.WriteLine($"Or in a browser: http://127.0.0.1:{daemon.HttpAddress.Port}/");
        if (_inputs.Story.Length > 0)
        {
            _terminal.Out.WriteLine(_inputs.Story);
        }

        _terminal.Out.WriteLine(_options.For is { } duration ? $"It ends after {DurationText.Short(duration)}." : "It ends with Ctrl-C.");
        _terminal.Out.WriteLine();
    }

    private string Describe()
    {
        var tenants = _inputs.Tenants.Length == 1 ? "1 tenant" : $"{_inputs.Tenants.Length} tenants";
        return $"{_inputs.Nodes.Nodes.Length} nodes, {GpuAmount.Format(_inputs.Nodes.MilliGpu)} GPUs and {tenants} ({_inputs.Schedule.About})";
    }

    private static string KubectlLine(EmbeddedCluster cluster) => $"kubectl --server http://127.0.0.1:{cluster.Address.Port} get pods -A";

    private string Ending() => _options.For is { } duration
        ? $"ends in {DurationText.Short(duration + _readyAfter - Elapsed())}"
        : "Ctrl-C ends it";

    private void WriteSummary(UpSummary summary)
    {
        _pipe.Flush();
        if (_options.Output == OutputFormat.Json)
        {
            _terminal.Out.WriteLine(JsonSerializer.Serialize(summary, CliJson.Readable.UpSummary));
        }
        else
        {
            summary.Write(_terminal);
        }
    }

    /// <summary>A success is a run in which nothing was over-committed and nothing was refused.</summary>
    private int Verdict(UpSummary summary, Submitter submitter)
    {
        var lines = submitter.Refusals.Select(refusal => $"the cluster refused {refusal}")
            .Concat((_state.Cycle?.Unqueued ?? []).Select(pod => $"pod {pod.Namespace}/{pod.Name} is not queued: {pod.Message.ReplaceLineEndings(" ")}"))
            .ToList();
        if (summary.OvercommittedDevices > 0 || summary.OvercommittedNodes > 0)
        {
            lines.Add($"{summary.OvercommittedDevices} devices and {summary.OvercommittedNodes} nodes were over-committed; this is a bug, please report it with the workload");
        }

        return lines.Count == 0 ? ExitCodes.Success : throw new UserErrorException(lines);
    }
}
