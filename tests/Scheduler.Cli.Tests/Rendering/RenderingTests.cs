using System.Collections.Immutable;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Rendering;
using Scheduler.Cli.Views;

namespace Scheduler.Cli.Tests.Rendering;

public sealed class RenderingTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 8, 0, 0, TimeSpan.Zero);

    private static TenantView Tenant(string name, int usedGuaranteed = 0, int usedBurst = 0, int waiting = 0) => new()
    {
        Name = name,
        GuaranteedMilli = 12_000,
        LimitMilli = 24_000,
        UsedGuaranteedMilli = usedGuaranteed * 1000,
        UsedBurstMilli = usedBurst * 1000,
        PendingWorkloads = waiting,
    };

    [Theory]
    [InlineData(0, 0, "░░░░░░│░░░░░░")]
    [InlineData(6, 0, "███░░░│░░░░░░")]
    [InlineData(12, 4, "██████│▓▓░░░░")]
    [InlineData(12, 12, "██████│▓▓▓▓▓▓")]
    public void A_bar_shows_guarantee_burst_and_limit(int guaranteed, int burst, string expected) =>
        Assert.Equal(expected, TenantBar.Draw(Tenant("t", guaranteed, burst), 13).ToString());

    [Fact]
    public void A_bar_is_never_empty_for_something_in_use()
    {
        var tenant = Tenant("t") with { GuaranteedMilli = 1_000_000, LimitMilli = 2_000_000, UsedGuaranteedMilli = 1 };
        Assert.StartsWith("█", TenantBar.Draw(tenant, 20).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_bar_has_its_width_whatever_the_numbers()
    {
        TenantView[] odd =
        [
            Tenant("no limit") with { LimitMilli = null, UsedBurstMilli = 90_000 },
            Tenant("nothing") with { GuaranteedMilli = 0, LimitMilli = 0 },
            Tenant("only burst") with { GuaranteedMilli = 0, UsedBurstMilli = 3 },
            Tenant("over") with { UsedGuaranteedMilli = 99_000, UsedBurstMilli = 99_000 },
        ];
        Assert.All(odd, tenant => Assert.Equal(30, TenantBar.Draw(tenant, 30).Width));
    }

    [Fact]
    public void The_numbers_say_what_is_guaranteed_and_what_is_burst()
    {
        Assert.Equal("16 of 24 GPUs (12 guaranteed + 4 burst), 3 waiting", TenantBar.Numbers(Tenant("t", 12, 4, 3), isShort: false).ToString());
        Assert.Equal("16 of 24, 3 waiting", TenantBar.Numbers(Tenant("t", 12, 4, 3), isShort: true).ToString());
    }

    [Theory]
    [InlineData(80, 24, 3, 2)]
    [InlineData(120, 40, 3, 5)]
    [InlineData(40, 10, 12, 400)]
    [InlineData(200, 60, 40, 5000)]
    public void The_dashboard_never_exceeds_the_terminal(int columns, int rows, int tenants, int waiting)
    {
        var lines = Dashboard.Render(Model(tenants, waiting), columns, rows);

        Assert.All(lines, line => Assert.InRange(line.Width, 0, columns));
        Assert.InRange(lines.Length, 8, rows - 1);
    }

    [Fact]
    public void What_does_not_fit_is_counted()
    {
        var text = Dashboard.Render(Model(tenants: 30, waiting: 500), 100, 30).Select(line => line.ToString()).ToArray();
        Assert.Contains(text, line => line.StartsWith("… and", StringComparison.Ordinal) && line.Contains("more tenants", StringComparison.Ordinal));
        Assert.Contains(text, line => line.TrimStart().StartsWith("… and", StringComparison.Ordinal) && line.Contains("weir queue shows all", StringComparison.Ordinal));
    }

    [Fact]
    public void The_dashboard_shows_tenants_queue_and_decisions()
    {
        var text = string.Join('\n', Dashboard.Render(Model(2, 1), 120, 30).Select(line => line.ToString()));

        Assert.Equal("""
            weir  12 s  20.5 of 48 GPUs in use on 6 nodes; 7 pods running, 3 finished; 1 waiting  (Ctrl-C ends it)
            kubectl --server http://127.0.0.1:7460 get pods -A

            tenant-0  █████████████████████████░│▓▓▓▓▓▓▓▓░░░░░░░░░░░░░░░░░░░  16 of 24 GPUs (12 guaranteed + 4 burst), 1 waiting
            """.Split('\n')[..2], text.Split('\n')[..2]);
        Assert.Contains("tenant-1  ", text, StringComparison.Ordinal);
        Assert.Contains("   1  ns/job-1    3m5s  BurstPoolBusy: needs 4 GPUs", text, StringComparison.Ordinal);
        Assert.Contains("RECENT DECISIONS\nevent 0\nevent 1", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_dashboard_tells_what_preemptions_cost_once_there_are_any()
    {
        var line = Dashboard.Render(Model(1, 1) with { Evicted = 2, LostGpuHours = 0.136m }, 160, 30)[0].ToString();
        Assert.Contains("3 finished, 2 preempted (0.14 GPU-h lost); 1 waiting", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_aligns_its_columns_and_cuts_at_the_width()
    {
        var table = new TextTable(("NAME", false), ("GPUS", true), ("WHY", false));
        table.Add("a", "12", "because it waits");
        table.Add("longer", "0.5", "");

        Assert.Equal(["NAME    GPUS  WHY", "a         12  because …", "longer   0.5"], table.Lines(23));
    }

    [Fact]
    public void Where_the_words_of_the_queue_do_not_fit_they_stand_below()
    {
        ImmutableArray<QueueView> queue =
        [
            new("t", "ns/job", 1, 1, 4000, 2, Now - TimeSpan.FromSeconds(5), "Fragmented", "needs 4 GPUs; 6 GPUs are free in total, but at most 3 on one node",
                new StartView(Now.AddMinutes(30), Now.AddHours(2), null)),
        ];

        Assert.Equal(
            [
                "PLACE  TENANT  IN TENANT  WORKLOAD  PODS  GPUS  WAITS  STARTS IN          REASON",
                "    1  t               1  ns/job       2     4     5s  2h0m (30m0s to ?)  Fragmented",
                "       needs 4 GPUs; 6 GPUs are free in total, but at most 3 on one node",
            ],
            QueueCommand.Lines(queue, Now, 90));
        Assert.Equal(2, QueueCommand.Lines(queue, Now, 200).Count());
    }

    [Theory]
    [InlineData(null, null, null, "unknown")]
    [InlineData(30, null, null, "not before 30m0s")]
    [InlineData(0, 0, 0, "now")]
    [InlineData(0, 30, 120, "30m0s (now to 2h0m)")]
    [InlineData(null, 30, 120, "30m0s (? to 2h0m)")]
    public void An_expected_start_says_what_is_unknown(int? p10, int? p50, int? p90, string text)
    {
        Assert.Equal(text, new StartView(At(p10), At(p50), At(p90)).Text(Now));

        static DateTimeOffset? At(int? minutes) => minutes is { } known ? Now.AddMinutes(known) : null;
    }

    [Fact]
    public void A_styled_line_is_cut_inside_any_piece()
    {
        var line = new StyledLine().Add("abc", Tone.Bad).Add("def").Add("ghi");
        Assert.Equal("abcdefghi", line.Cut(9).ToString());
        Assert.Equal("abcd…", line.Cut(5).ToString());
        Assert.Equal("ab…", line.Cut(3).ToString());
        Assert.Equal("", line.Cut(0).ToString());
    }

    private static DashboardModel Model(int tenants, int waiting) => new()
    {
        Kubectl = "kubectl --server http://127.0.0.1:7460 get pods -A",
        Ending = "Ctrl-C ends it",
        Elapsed = TimeSpan.FromSeconds(12.3),
        Now = Now,
        CapacityMilli = 48_000,
        UsedMilli = 20_500,
        Nodes = 6,
        Running = 7,
        Finished = 3,
        Tenants = [.. Enumerable.Range(0, tenants).Select(index => Tenant($"tenant-{index}", 12, 4, 1))],
        Queue =
        [
            .. Enumerable.Range(1, waiting).Select(index => new QueueView(
                "t", $"ns/job-{index}", index, index, 4000, 1, Now - TimeSpan.FromSeconds(185), "BurstPoolBusy", "needs 4 GPUs beyond the guarantee")),
        ],
        Events = [.. Enumerable.Range(0, 50).Select(index => StyledLine.Of($"event {index}")).Take(waiting == 1 ? 2 : 50)],
    };
}
