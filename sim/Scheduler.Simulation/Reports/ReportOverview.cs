using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>The beginning of the report: what was simulated, what came of it, and how the policies compare.</summary>
internal static class ReportOverview
{
    /// <summary>What the words mean, for the end of the page.</summary>
    public const string Words = """
        <h2>What the words mean</h2>
        <div class="card"><dl>
        <dt>tenant</dt><dd>a team, or whoever else shares the cluster</dd>
        <dt>guarantee</dt><dd>GPUs that a tenant can always have, if need be by taking them back from others</dd>
        <dt>limit, burst</dt><dd>the most that a tenant may use; burst is what it uses beyond its guarantee</dd>
        <dt>wait</dt><dd>from submission to the first start; jobs that never started are counted apart, as waiting</dd>
        <dt>guarantee wait</dt><dd>how long jobs waited that the guarantee had room for, from the moment from which on it had</dd>
        <dt>p50, p95, p99</dt><dd>half, 95 % and 99 % of the jobs waited no longer</dd>
        <dt>preempted</dt><dd>told to leave, because somebody else had a better claim to the GPUs; the job goes on later</dd>
        <dt>lost</dt><dd>GPU-hours whose work was thrown away by preemptions and failures, or that went by starting again and saving</dd>
        <dt>slowdown</dt><dd>time from submission to completion, over the time that the work takes undisturbed</dd>
        </dl></div>

        """;

    private const double CardWidth = 330;

    public static void Write(StringBuilder html, SimulationReport report, TenantColors colors)
    {
        WriteSubject(html, report, colors);
        WriteVerdict(html, report, colors);
        if (report.Results.Length > 1)
        {
            WriteComparison(html, report.Results, colors);
        }
    }

    private static void WriteSubject(StringBuilder html, SimulationReport report, TenantColors colors)
    {
        var first = report.Results[0];
        var period = report.Results.Max(result => result.EndSeconds);
        html.Append("<div class=\"card\"><dl>");
        Say("cluster", $"{Wording.Count(first.Cluster.Nodes, "node")}, {Wording.Number(first.Cluster.Gpus)} GPUs");
        Say(
            Wording.Count(colors.Leaves.Length, "tenant"),
            string.Join(", ", colors.Leaves.Select(tenant => $"{tenant.Name} ({Wording.Number(tenant.GuaranteedGpus)} GPUs guaranteed)")));
        Say("jobs", Wording.Count(first.Jobs.Submitted));
        Say("period", $"{Wording.Time(period)} of simulated time");
        Say("seed", report.Seed.ToString(NumberFormatInfo.InvariantInfo) + " (the same seed gives the same jobs and faults)");
        Say(report.Results.Length == 1 ? "policy" : "policies", string.Join(", ", report.Results.Select(result => result.Scheduler)));
        html.Append("</dl></div>\n");

        void Say(string what, string text) => html.Append("<dt>").Append(Svg.Escape(what)).Append("</dt><dd>").Append(Svg.Escape(text)).Append("</dd>\n");
    }

    private static void WriteVerdict(StringBuilder html, SimulationReport report, TenantColors colors)
    {
        var first = report.Results[0];
        html.Append("<h2>In short").Append(report.Results.Length > 1 ? $", under {Svg.Escape(first.Scheduler)}" : "").Append("</h2>\n<div class=\"tiles\">");
        Tile(Wording.Percent(first.Cluster.UtilisationPercent), "of the GPUs that worked were in use");
        Tile(Wording.Time(first.Jobs.TimeToGuarantee.P99), "guarantee wait, 99 % of jobs");
        Tile(Wording.Time(first.Jobs.Wait.P95), "wait, 95 % of jobs");
        Tile(Wording.Count(first.Jobs.Preemptions), "preemptions");
        Tile(Wording.Number(Wording.Lost(first.Jobs)), "GPU-hours lost");
        html.Append("</div>\n<div class=\"card verdict\"><ul>\n");
        var sentences = Verdict.Of(first, colors.Leaves).Concat(report.Violations switch
        {
            null => [],
            { IsEmpty: true } => ["Every invariant of the scheduler was checked after every event; none was broken."],
            { } broken => [$"Invariants were broken {Wording.Count(broken.Length, "time")}; the first: {broken[0].Scheduler} breaks {broken[0].Invariant} at {Wording.Time(broken[0].AtSeconds)}: {broken[0].Message}"],
        });
        foreach (var sentence in sentences)
        {
            html.Append("<li>").Append(Svg.Escape(sentence)).Append("</li>\n");
        }

        html.Append("</ul></div>\n");

        void Tile(string figure, string text) => html.Append("<div class=\"tile\"><b>").Append(Svg.Escape(figure)).Append("</b><span>").Append(Svg.Escape(text)).Append("</span></div>\n");
    }

    private static void WriteComparison(StringBuilder html, ImmutableArray<SimulationResult> results, TenantColors colors)
    {
        html.Append("<h2>The policies compared</h2>\n<p class=\"mute\">Each decided about the same jobs and met the same faults. The first is drawn in blue.</p>\n<div class=\"card verdict\"><ul>\n");
        foreach (var sentence in Verdict.Compare(results))
        {
            html.Append("<li>").Append(Svg.Escape(sentence)).Append("</li>\n");
        }

        html.Append("</ul></div>\n<div class=\"cards\">\n");
        Card("GPUs in use", "per cent of those that worked; more is better", result => new(result.Scheduler, result.Cluster.UtilisationPercent, Wording.Percent(result.Cluster.UtilisationPercent)));
        Card("Guarantee wait, p99", "time; less is better", result => OfTime(result, result.Jobs.TimeToGuarantee.P99));
        Card("Completion time, mean", "time from submission to completion; less is better", result => OfTime(result, result.Jobs.Completion.Mean));
        Card("Makespan", "time from the first submission to the last completion", result => OfTime(result, result.Jobs.MakespanSeconds));
        Card("Preemptions", "runs cut short", result => new(result.Scheduler, result.Jobs.Preemptions, Wording.Count(result.Jobs.Preemptions)));
        Card("GPU-hours lost", "work thrown away, starting again and saving; less is better", result => new(result.Scheduler, Wording.Lost(result.Jobs), Wording.Number(Wording.Lost(result.Jobs))));
        html.Append("</div>\n").Append(ReportTables.Comparison(results));
        html.Append("<h2>Waiting times by tenant and policy</h2>\n");
        html.Append(HtmlReport.Legend([("<rect x=\"0\" y=\"2\" width=\"18\" height=\"8\" class=\"bar\"/>", "95 % waited no longer"), ("<rect x=\"0\" y=\"5\" width=\"18\" height=\"4\" class=\"bar mean\"/>", "mean")]));
        html.Append("<div class=\"cards\">\n");
        CardOfWaits("All jobs", result => result.Jobs.Wait);
        foreach (var tenant in colors.Leaves)
        {
            CardOfWaits(tenant.Name, result => result.Tenants.First(other => other.Name == tenant.Name).Jobs.Wait);
        }

        html.Append("</div>\n").Append(ReportTables.Waits(results, colors.Leaves));

        void Card(string title, string caption, Func<SimulationResult, Bar> pick) =>
            HtmlReport.Figure(html, title, caption, BarPlot.Draw($"{title} by policy", [.. results.Select(pick)], CardWidth));

        void CardOfWaits(string title, Func<SimulationResult, DurationResult> pick) =>
            HtmlReport.Figure(html, title, "mean / p95; less is better", BarPlot.Draw($"Waits of {title} by policy", [.. results.Select(result => OfWaits(result, pick(result)))], CardWidth));

        static Bar OfTime(SimulationResult result, decimal seconds) => new(result.Scheduler, seconds, Wording.Time(seconds));

        static Bar OfWaits(SimulationResult result, DurationResult waits) => waits.Count == 0
            ? new(result.Scheduler, 0, "none started", 0)
            : new(result.Scheduler, waits.P95, $"{Wording.Time(waits.Mean)} / {Wording.Time(waits.P95)}", waits.Mean);
    }
}
