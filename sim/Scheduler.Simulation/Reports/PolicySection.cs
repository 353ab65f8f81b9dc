using System.Collections.Immutable;
using System.Text;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>How it went under one policy: plots over time, waits, runs, and the table of tenants.</summary>
internal sealed class PolicySection(SimulationResult result, TenantColors colors, GanttWindow window)
{
    private const double Wide = 1060;
    private const double Narrow = 330;
    private const int MostTenants = 24;

    public void Write(StringBuilder html, bool isOnly, bool isOpen)
    {
        var name = Svg.Escape(result.Scheduler);
        html.Append(isOnly ? "<h2>How it went</h2>\n" : $"<details{(isOpen ? " open=\"open\"" : "")}>\n<summary>How it went under {name}</summary>\n");
        html.Append(isOnly ? "" : $"<p>{Svg.Escape(Wording.HowItEnded(result))}</p>\n");
        if (result.Series is { } series)
        {
            WriteSeries(html, new SeriesPlots(result, series, colors));
        }

        WriteWaits(html);
        if (result.Runs is { } runs)
        {
            WriteRuns(html, runs);
        }

        html.Append("<h2>Tenants</h2>\n").Append(ReportTables.Tenants(result));
        var cluster = result.Cluster;
        html.Append("<p class=\"mute\">").Append(Svg.Escape(
            $"Of {Wording.Number(cluster.InstalledGpuHours)} GPU-hours installed, {Wording.Number(cluster.UsedGpuHours)} were used, {Wording.Number(cluster.UnhealthyGpuHours)} out of service and {Wording.Number(cluster.IdleGpuHours)} idle: "
            + $"{Wording.Number(cluster.IdleWhileWaitingGpuHours)} of those while jobs waited, {Wording.Number(cluster.FragmentedGpuHours)} in pieces of no use.")).Append("</p>\n");
        html.Append(isOnly ? "" : "</details>\n");
    }

    private void WriteSeries(StringBuilder html, SeriesPlots plots)
    {
        var tenants = HtmlReport.Legend(TenantEntries());
        HtmlReport.Figure(
            html, "GPUs in use", "By tenant, one above the other. What is between the uppermost colour and the line was idle.",
            HtmlReport.Legend([.. TenantEntries(), ("<path d=\"M0 7H18\" class=\"l-total\"/>", "GPUs that worked")]),
            plots.Use(Wide, 320, "wide"), plots.Use(Narrow, 250, "narrow"));
        html.Append("<h2>Each tenant against its guarantee</h2>\n");
        html.Append(HtmlReport.Legend([
            ("<rect x=\"0\" y=\"1\" width=\"18\" height=\"12\" class=\"a c7\"/>", "GPUs in use (in the tenant's colour)"),
            ("<path d=\"M0 7H18\" class=\"l-guarantee\"/>", "guarantee"),
            ("<path d=\"M0 7H18\" class=\"l-limit\"/>", "limit, where the cluster is large enough for it")]));
        html.Append("<div class=\"cards\">\n");
        var shown = colors.Leaves.Take(MostTenants).Select(tenant => result.Tenants.First(own => own.Name == tenant.Name)).ToArray();
        foreach (var tenant in shown)
        {
            var limit = tenant.LimitGpus is { } most ? $", limit {Wording.Number(most)}" : "";
            HtmlReport.Figure(
                html, tenant.Name, $"guarantee {Wording.Number(tenant.GuaranteedGpus)} GPUs{limit}", plots.Tenant(tenant, Narrow, 190));
        }

        html.Append("</div>\n");
        if (shown.Length < colors.Leaves.Length)
        {
            html.Append("<p class=\"mute\">").Append(Wording.Count(colors.Leaves.Length - shown.Length, "more tenant")).Append(" in the table below.</p>\n");
        }

        HtmlReport.Figure(
            html, "Jobs waiting", "By tenant, one above the other; means over the stretches drawn.", tenants, plots.Queue(Wide, 240, "wide"), plots.Queue(Narrow, 210, "narrow"));
    }

    private void WriteWaits(StringBuilder html)
    {
        IReadOnlyList<TenantResult> tenants = [.. colors.Leaves.Take(MostTenants).Select(tenant => result.Tenants.First(own => own.Name == tenant.Name))];
        HtmlReport.Figure(
            html, "Waiting times", "How long jobs waited for their first start. The numbers are p50 · p95 · p99.",
            HtmlReport.Legend([
                ($"<path d=\"{WaitPlot.Shape('o', 9, 7)}\" class=\"dot c7\"/>", "half waited no longer (p50)"),
                ($"<path d=\"{WaitPlot.Shape('d', 9, 7)}\" class=\"dot c7\"/>", "95 % (p95)"),
                ($"<path d=\"{WaitPlot.Shape('t', 9, 7)}\" class=\"dot c7\"/>", "99 % (p99)"),
                ("<rect x=\"7\" y=\"0\" width=\"4\" height=\"14\" class=\"mark\"/>", "99 % of what the guarantee had room for")]),
            WaitPlot.Draw(tenants, colors, Wide, "wide"), WaitPlot.Draw(tenants, colors, Narrow, "narrow"));
    }

    private void WriteRuns(StringBuilder html, ImmutableArray<RunSpan> runs)
    {
        var plot = new GanttPlot(result, runs, colors, window);
        if (plot.DrawnNodes == 0)
        {
            return;
        }

        var nodes = plot.DrawnNodes < plot.Nodes ? $"{plot.DrawnNodes} of the {Wording.Count(plot.Nodes)} nodes in use, those with most preemptions and runs" : "all nodes in use";
        HtmlReport.Figure(
            html, "Who ran where", $"{WhichWindow()}; {nodes}. A bar is a run of a job on the GPUs that it held; each GPU of a node is a line.",
            HtmlReport.Legend([
                .. TenantEntries(),
                ($"<path d=\"{GanttPlot.Mark(isFault: false, 9, 7)}\" class=\"cut\"/>", "preempted"),
                ($"<path d=\"{GanttPlot.Mark(isFault: true, 9, 7)}\" class=\"cut fault\"/>", "stopped by a failure")]),
            plot.Draw(Wide, "wide", hasTips: true), plot.Draw(Narrow, "narrow", hasTips: false));
    }

    private string WhichWindow() => window.FromSeconds == 0 && window.ToSeconds >= result.EndSeconds
        ? "The whole time"
        : $"From {Wording.Mark(window.FromSeconds)} to {Wording.Mark(window.ToSeconds)} after the beginning, where most happens";

    private IEnumerable<(string Drawing, string Text)> TenantEntries()
    {
        foreach (var tenant in colors.Colored)
        {
            yield return ($"<rect x=\"0\" y=\"1\" width=\"18\" height=\"12\" class=\"a {colors.Of(tenant)}\"/>", tenant);
        }

        if (colors.Leaves.Length > colors.Colored.Length)
        {
            yield return ($"<rect x=\"0\" y=\"1\" width=\"18\" height=\"12\" class=\"a {TenantColors.Others}\"/>", "other tenants");
        }
    }
}
