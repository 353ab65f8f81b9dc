using System.Collections.Immutable;
using System.Text;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>The tables of the report: the same columns as in the terminal.</summary>
internal static class ReportTables
{
    public static string Comparison(ImmutableArray<SimulationResult> results) => Write(
        ["Policy", "Done", "Waiting", "Used", "Completion, mean", "Completion, p99", "Wait, mean", "Wait, p95", "Guarantee wait, p99", "Preempted", "Lost GPU-h", "Slowdown", "Makespan"],
        results.Select(result => (IReadOnlyList<string>)
        [
            result.Scheduler, Wording.Count(result.Jobs.Done), Wording.Count(result.Jobs.StillWaiting), Wording.Percent(result.Cluster.UtilisationPercent),
            Wording.Time(result.Jobs.Completion.Mean), Wording.Time(result.Jobs.Completion.P99), Wording.Time(result.Jobs.Wait.Mean), Wording.Time(result.Jobs.Wait.P95),
            Wording.Time(result.Jobs.TimeToGuarantee.P99), Wording.Count(result.Jobs.Preemptions), Wording.Number(Wording.Lost(result.Jobs)),
            Wording.Number(result.Jobs.MeanSlowdown), Wording.Time(result.Jobs.MakespanSeconds),
        ]));

    /// <summary>Waits by tenant, a column for each policy.</summary>
    public static string Waits(ImmutableArray<SimulationResult> results, ImmutableArray<TenantResult> tenants) => Write(
        ["Wait, mean / p95", .. results.Select(result => result.Scheduler)],
        tenants.Select(tenant => (IReadOnlyList<string>)[tenant.Name, .. results.Select(result =>
        {
            var waits = result.Tenants.First(other => other.Name == tenant.Name).Jobs.Wait;
            return waits.Count == 0 ? "none started" : $"{Wording.Time(waits.Mean)} / {Wording.Time(waits.P95)}";
        })]));

    public static string Tenants(SimulationResult result) => Write(
        ["Tenant", "GPUs", "Jobs", "Done", "Waiting", "GPU-h", "Burst GPU-h", "Lost GPU-h", "Wait, mean", "p50", "p95", "p99", "Guarantee wait, p99", "Preempted", "Slowdown"],
        result.Tenants.Select(tenant => (IReadOnlyList<string>)
        [
            (tenant.Parent is null ? "" : "\u00a0\u00a0") + tenant.Name, Wording.Number(tenant.GuaranteedGpus), Wording.Count(tenant.Jobs.Submitted),
            Wording.Count(tenant.Jobs.Done), Wording.Count(tenant.Jobs.StillWaiting), Wording.Number(tenant.GuaranteedGpuHours), Wording.Number(tenant.BurstGpuHours),
            Wording.Number(Wording.Lost(tenant.Jobs)), Wording.Time(tenant.Jobs.Wait.Mean), Wording.Time(tenant.Jobs.Wait.P50), Wording.Time(tenant.Jobs.Wait.P95),
            Wording.Time(tenant.Jobs.Wait.P99), Wording.Time(tenant.Jobs.TimeToGuarantee.P99), Wording.Count(tenant.Jobs.Preemptions), Wording.Number(tenant.Jobs.MeanSlowdown),
        ]));

    private static string Write(IEnumerable<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        // A table wider than the screen is moved by itself, not the page; it can be reached by keyboard.
        var html = new StringBuilder("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
        // Hyphens at which no line is broken.
        foreach (var name in header)
        {
            html.Append("<th scope=\"col\">").Append(Svg.Escape(name.Replace('-', '\u2011'))).Append("</th>");
        }

        html.Append("</tr></thead><tbody>");
        foreach (var row in rows)
        {
            html.Append("<tr><th scope=\"row\">").Append(Svg.Escape(row[0])).Append("</th>");
            foreach (var cell in row.Skip(1))
            {
                html.Append("<td>").Append(Svg.Escape(cell)).Append("</td>");
            }

            html.Append("</tr>");
        }

        return html.Append("</tbody></table></div>\n").ToString();
    }
}
