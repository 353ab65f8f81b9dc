using System.Globalization;
using System.Text.Json;
using Scheduler.Cli.Tests.Support;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Journal;
using Scheduler.Journal.Storage;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Cli.Tests.Commands;

public sealed class ReplayCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-journal-").FullName;

    [Fact]
    public async Task Cycles_are_planned_again_and_told_to_be_identical()
    {
        Write(cycles: 3);
        var run = await WeirRun.Of("replay", "--journal", _folder);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("3 cycles planned again: 3 identical, 0 different", run.Out, StringComparison.Ordinal);

        var json = await WeirRun.Of("replay", "--journal", _folder, "--cycle", "2", "--output", "json");
        var cycle = Assert.Single(JsonDocument.Parse(json.Out).RootElement.GetProperty("cycles").EnumerateArray());
        Assert.Equal((2, true), (cycle.GetProperty("cycle").GetInt32(), cycle.GetProperty("identical").GetBoolean()));

        var printed = await WeirRun.Of("replay", "--journal", _folder, "--cycle", "1", "--print");
        Assert.Contains("\nwait ml/pod/late ", printed.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_that_differs_fails_and_shows_how()
    {
        Write(cycles: 1, forge: true);
        var run = await WeirRun.Of("replay", "--journal", _folder);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("  + bind ml/pod/early ", run.Out, StringComparison.Ordinal);
        Assert.Contains("0 identical, 1 different", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_is_told_and_fails_while_a_torn_end_is_told_only()
    {
        Write(cycles: 2);
        var file = Directory.GetFiles(_folder, "*.weirlog").Single();
        var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(file, bytes[..^3], TestContext.Current.CancellationToken);
        var torn = await WeirRun.Of("replay", "--journal", _folder);
        Assert.Equal(0, torn.ExitCode);
        Assert.Contains("ends inside a record", torn.SingleError, StringComparison.Ordinal);

        bytes[^5] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
        var damaged = await WeirRun.Of("replay", "--journal", _folder);
        Assert.Equal(1, damaged.ExitCode);
        Assert.Contains("is damaged from byte", damaged.SingleError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_of_the_past_is_explained()
    {
        Write(cycles: 3);
        var at = Make.Now.AddSeconds(12).ToString("O", CultureInfo.InvariantCulture);
        var waits = await WeirRun.Of("explain", "ml/late", "--at", at, "--journal", _folder);
        Assert.Equal((0, ""), (waits.ExitCode, waits.Error));
        Assert.StartsWith("cycle 2 of 2026-11-02T09:00:10.000Z, carried out", waits.Out, StringComparison.Ordinal);
        Assert.Contains("decided: it waits [", waits.Out, StringComparison.Ordinal);
        Assert.Contains("  place 1 of 1 in its tenant, 1 of 1 overall", waits.Out, StringComparison.Ordinal);

        var starts = await WeirRun.Of("explain", "ml/early", "--at", at, "--journal", _folder);
        Assert.Contains("decided: bind ml/pod/early ", starts.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nobody/knows", "2026-11-02T09:00:15Z", "knew no pod and no gang")]
    [InlineData("ml/late", "2026-11-01T00:00:00Z", "no cycle at or before")]
    [InlineData("late", "2026-11-02T09:00:15Z", "is not NAMESPACE/NAME")]
    public async Task What_the_journal_does_not_have_is_told_in_one_line(string pod, string at, string error)
    {
        Write(cycles: 1);
        var run = await WeirRun.Of("explain", pod, "--at", at, "--journal", _folder);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(error, run.SingleError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_is_not_sent_in_the_clear_to_another_machine()
    {
        var token = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(token, "secret", TestContext.Current.CancellationToken);
        var run = await WeirRun.Of("queue", "--address", "http://weir.example:7461", "--token-file", token);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("use https", run.SingleError, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", run.Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>One node of eight GPUs, taken by the first of two workloads, in each cycle anew.</summary>
    private void Write(int cycles, bool forge = false)
    {
        using var writer = JournalWriter.Open(new JournalSettings
        {
            Folder = _folder,
            MaxBytes = 64 << 20,
            SegmentBytes = 1 << 20,
            Version = "1",
            Replica = "r",
            Policy = SchedulingPolicy.Default,
        });
        for (var number = 1; number <= cycles; number++)
        {
            var snapshot = new ClusterSnapshotBuilder { Now = Make.Now.AddSeconds(5 * number), Generation = number }
                .Add(Make.Nodes(1))
                .Add(Make.Waiting("ml/pod/early", "ml", Make.Shape(gpus: 8), submittedMinutesAgo: 20) with { Name = "early" },
                    Make.Waiting("ml/pod/late", "ml", Make.Shape(gpus: 8)) with { Name = "late" })
                .With(Make.Tree(Make.Tenant("ml", 8)))
                .Build();
            var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);
            writer.Append(new CycleEntry
            {
                Number = number,
                Snapshot = snapshot,
                Plan = forge ? plan with { Decisions = plan.Decisions.RemoveAll(decision => decision is Bind) } : plan,
                IsApplied = true,
            });
        }
    }
}
