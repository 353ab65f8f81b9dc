using System.Collections.Immutable;
using System.Text;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>
/// A report as one HTML page that needs nothing else: no network, no script. The same report gives the same bytes. It is written for
/// somebody who has not seen Weir before. Its markup is well-formed XML.
/// </summary>
/// <remarks>Plots over time need the results' series, the plot of runs their runs; without them, those plots are left out.</remarks>
public static class HtmlReport
{
    /// <summary>The page.</summary>
    public static string Write(SimulationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var html = new StringBuilder();
        var title = $"Simulation: {report.Scenario}";
        html.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
        html.Append("<title>").Append(Svg.Escape(title)).Append("</title>\n<style>\n").Append(ReportStyle.Css.ReplaceLineEndings("\n")).Append("\n</style>\n</head>\n<body>\n<main>\n");
        html.Append("<p class=\"mute\">Weir, a GPU scheduler for clusters that several teams share</p>\n<h1>").Append(Svg.Escape(title)).Append("</h1>\n");
        var colors = new TenantColors(report.Results[0].Tenants);
        ReportOverview.Write(html, report, colors);
        var window = report.Results[0].Runs is { } runs ? GanttWindow.Busiest(runs, report.Results[0].EndSeconds, report.Results[0].Cluster.Nodes) : default;
        for (var index = 0; index < report.Results.Length; index++)
        {
            new PolicySection(report.Results[index], colors, window).Write(html, isOnly: report.Results.Length == 1, isOpen: index == 0);
        }

        html.Append(ReportOverview.Words).Append("</main>\n</body>\n</html>\n");
        return html.ToString();
    }

    /// <summary>A list of colours or shapes and what they mean.</summary>
    internal static string Legend(IEnumerable<(string Drawing, string Text)> entries)
    {
        var html = new StringBuilder("<ul class=\"legend\">");
        foreach (var (drawing, text) in entries)
        {
            html.Append("<li><svg viewBox=\"0 0 18 14\" aria-hidden=\"true\">").Append(drawing).Append("</svg><span>").Append(Svg.Escape(text)).Append("</span></li>");
        }

        return html.Append("</ul>\n").ToString();
    }

    /// <summary>A plot with what it is and how to read it.</summary>
    internal static StringBuilder Figure(StringBuilder html, string title, string caption, params ImmutableArray<string> parts)
    {
        html.Append("<figure>\n<h3>").Append(Svg.Escape(title)).Append("</h3>\n");
        if (caption.Length > 0)
        {
            html.Append("<figcaption>").Append(Svg.Escape(caption)).Append("</figcaption>\n");
        }

        foreach (var part in parts)
        {
            html.Append(part).Append('\n');
        }

        return html.Append("</figure>\n");
    }
}
