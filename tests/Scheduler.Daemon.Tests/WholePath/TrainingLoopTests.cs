using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.TestKit;
using static Scheduler.Daemon.Tests.WholePath.ClusterFixture;

namespace Scheduler.Daemon.Tests.WholePath;

/// <summary>
/// The sample <c>deploy/samples/training-loop/train.py</c> as a process. The test is its kubelet: it writes the annotations of the pod
/// into the file of the downward-API volume, and tells it to end.
/// </summary>
public sealed class TrainingLoopTests : IDisposable
{
    private const int ExitPreempted = 75;
    private const string Endless = "1000000000";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("weir-training.").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Annotations => Path.Combine(_folder, "annotations");

    private string Checkpoint => Path.Combine(_folder, "state.json");

    private string LogPath => Path.Combine(_folder, "train.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_job_that_heeds_its_notice_goes_long_before_its_deadline_and_goes_on_from_its_checkpoint()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6);
        await fixture.StartDaemonAsync();
        fixture.Cluster.Create(Pod("keep", 4, "search", ("preemptible", "false")));
        await fixture.UntilPodAsync("keep", IsRunning);
        fixture.Cluster.Create(Pod("train", 2, "search", ("preemptible", "true"), ("preemption-grace", "1h")));
        await fixture.UntilPodAsync("train", IsRunning);
        await using var loop = Start(Endless, "report", fixture.Cluster.Address);

        fixture.Cluster.Create(Pod("claim", 2, "vision"));
        var noticed = await fixture.UntilPodAsync("train", pod => Annotation(pod, "preempt-by") is not null);
        var deadline = DateTimeOffset.Parse(Annotation(noticed, "preempt-by")!, CultureInfo.InvariantCulture);
        WriteAnnotations(noticed);

        await fixture.UntilPodAsync("claim", IsRunning, "vision");
        Assert.True(DateTimeOffset.UtcNow < deadline.AddMinutes(-50), $"it went only at {DateTimeOffset.UtcNow}, its deadline is {deadline}\n{loop.Tail()}");
        Assert.Equal(ExitPreempted, await loop.TerminateAsync(Patience));
        var reached = Step();
        Assert.True(reached > 0, loop.Tail());

        File.Delete(Annotations);
        await using var again = Start((reached + 3).ToString(CultureInfo.InvariantCulture), "exit");
        Assert.Equal(0, await again.WaitForExitAsync(Patience));
        Assert.Contains($"resumed at step {reached}", await File.ReadAllTextAsync(LogPath, Cancel), StringComparison.Ordinal);
        Assert.Equal(reached + 3, Step());
    }

    [Fact]
    public async Task Without_rights_it_leaves_by_exiting_and_its_job_does_not_count_it_as_done()
    {
        await using var loop = Start(Endless, "exit");
        WriteAnnotations(JsonNode.Parse("""
            {"metadata":{"annotations":{"note":"a \"quoted\"\nvalue = with everything","weir.scheduler/preempt-by":"2026-01-31T08:00:00Z"}}}
            """)!);
        Assert.Equal(ExitPreempted, await loop.WaitForExitAsync(Patience));
        Assert.True(Step() > 0);
        Assert.Contains("notice: evicted at 2026-01-31T08:00:00Z", await File.ReadAllTextAsync(LogPath, Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_API_server_that_is_away_is_told_about_and_does_not_stop_the_training()
    {
        var nobody = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePorts.Take(1)[0]}"));
        await using var loop = Start(Endless, "report", nobody);
        WriteAnnotations(JsonNode.Parse("""{"metadata":{"annotations":{"weir.scheduler/preempt-by":"2026-01-31T08:00:00Z"}}}""")!);
        await UntilLogAsync(loop, "attempt 3 of 3 to set weir.scheduler/checkpointed-at failed");
        var noticed = Step();
        Assert.Equal(ExitPreempted, await loop.TerminateAsync(Patience));
        Assert.True(Step() > noticed, $"it stood still at step {noticed}");
    }

    private static bool IsRunning(JsonNode pod) => Text(pod, "status", "phase") == "Running";

    private ChildProcess Start(string steps, string onNotice, Uri? api = null)
    {
        var python = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "python3")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(python is null, "python3 is not on the PATH");
        return ChildProcess.Start("train.py", python!,
        [
            Repository.PathOf("deploy", "samples", "training-loop", "train.py"),
            "--annotations", Annotations, "--checkpoint", Checkpoint, "--steps", steps, "--step-seconds", "0.01", "--checkpoint-every", Endless,
            "--on-notice", onNotice, "--namespace", "search", "--pod", "train",
            "--api-server", (api?.ToString() ?? "http://127.0.0.1").TrimEnd('/'),
        ], LogPath);
    }

    /// <summary>As the kubelet does: <c>KEY="VALUE"</c>, quoted, in a file that appears whole.</summary>
    private void WriteAnnotations(JsonNode pod)
    {
        var beside = Annotations + ".new";
        File.WriteAllLines(beside, pod["metadata"]!["annotations"]!.AsObject().Select(annotation => $"{annotation.Key}={annotation.Value!.ToJsonString()}"));
        File.Move(beside, Annotations);
    }

    private int Step() => JsonNode.Parse(File.ReadAllText(Checkpoint))!["step"]!.GetValue<int>();

    private async Task UntilLogAsync(ChildProcess loop, string text)
    {
        for (var clock = Stopwatch.StartNew(); !(File.Exists(LogPath) && (await File.ReadAllTextAsync(LogPath, Cancel)).Contains(text, StringComparison.Ordinal));)
        {
            Assert.True(clock.Elapsed < Patience && !loop.HasExited, loop.Tail());
            await Task.Delay(TimeSpan.FromMilliseconds(50), Cancel);
        }
    }
}
