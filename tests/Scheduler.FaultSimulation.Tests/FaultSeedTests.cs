using System.Diagnostics;
using System.Globalization;
using Scheduler.TestKit;

namespace Scheduler.FaultSimulation.Tests;

/// <summary>Runs of whole daemons under faults. A violation prints its seed; CONTRIBUTING.md says how to replay it.</summary>
public class FaultSeedTests
{
    [Fact]
    public async Task Ninety_nine_seeds_have_no_violation()
    {
        var (code, output) = await FaultProgram.RunAsync("--seed", "1", "--count", "99");

        Assert.True(code == 0, output);
        Assert.Contains("99 seeds, 0 with a violation", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_seed_derived_from_the_commit_has_no_violation()
    {
        var seed = SeedOfCommit().ToString(CultureInfo.InvariantCulture);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");

        var (code, output) = await FaultProgram.RunAsync("--seed", seed);

        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_log_byte_for_byte()
    {
        var folder = Directory.CreateTempSubdirectory("weir-faults-");
        try
        {
            var (first, second) = (Path.Combine(folder.FullName, "first"), Path.Combine(folder.FullName, "second"));
            Assert.Equal(0, (await FaultProgram.RunAsync("--seed", "1", "--log", first)).ExitCode);
            Assert.Equal(0, (await FaultProgram.RunAsync("--seed", "1", "--log", second)).ExitCode);

            var text = await File.ReadAllTextAsync(first, TestContext.Current.CancellationToken);
            // Something has to have happened, or equality says nothing.
            Assert.Contains("crashes", text, StringComparison.Ordinal);
            Assert.Contains("AnswerLost", text, StringComparison.Ordinal);
            Assert.Contains("no violation", text, StringComparison.Ordinal);
            Assert.Equal(text, await File.ReadAllTextAsync(second, TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static ulong SeedOfCommit()
    {
        var start = new ProcessStartInfo("git") { RedirectStandardOutput = true, WorkingDirectory = Repository.Root };
        foreach (var argument in (string[])["rev-parse", "HEAD"])
            start.ArgumentList.Add(argument);
        using var git = Process.Start(start) ?? throw new InvalidOperationException("git did not start");
        var commit = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        Assert.SkipUnless(git.ExitCode == 0 && commit.Length >= 12, "this is no checkout, so there is no commit to derive a seed from");
        return ulong.Parse(commit.AsSpan(0, 12), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }
}
