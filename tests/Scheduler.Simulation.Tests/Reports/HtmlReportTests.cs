using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Reports;
using Scheduler.Simulation.Results;
using Scheduler.Simulation.Tests.Engine;
using Xunit;

namespace Scheduler.Simulation.Tests.Reports;

public class HtmlReportTests
{
    private const string Hostile = "<script>alert(\"1\")</script>&'";

    private static SimulationResult Simulate(string policy, string job = "one", bool hasDetails = true)
    {
        var sketch = new Sketch();
        sketch.Add(job, "red");
        sketch.Add("two", "red", changeWorkload: workload => workload with { PreemptionGrace = TimeSpan.FromMinutes(2) });
        sketch.Add("claim", "blue", atMinute: 30);
        var collector = new ResultCollector(policy, hasDetails ? 64 : 0, hasDetails);
        sketch.Run(sinks: collector);
        return collector.Result;
    }

    private static SimulationReport Report(params SimulationResult[] results) => new("sketch", 7, [.. results], Violations: null);

    /// <summary>The page, which must be well-formed.</summary>
    private static XElement Parse(string html)
    {
        using var reader = XmlReader.Create(new StringReader(html), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader).Root!;
    }

    private static string[] Texts(XElement page, string tag) => [.. page.Descendants(tag).Select(element => element.Value)];

    [Fact]
    public void A_page_is_well_formed_and_tells_what_was_simulated()
    {
        var page = Parse(HtmlReport.Write(Report(Simulate("weir"))));

        Assert.Equal(["Simulation: sketch"], Texts(page, "h1"));
        Assert.Contains("2 nodes, 16 GPUs", Texts(page, "dd"));
        Assert.Contains("red (8 GPUs guaranteed), blue (8 GPUs guaranteed)", Texts(page, "dd").Select(InOrder));
        Assert.Contains("weir", Texts(page, "dd"));
        foreach (var title in (string[])["GPUs in use", "red", "blue", "Jobs waiting", "Waiting times", "Who ran where"])
        {
            Assert.Contains(title, Texts(page, "h3"));
        }

        static string InOrder(string tenants) => string.Join(", ", tenants.Split(", ").OrderByDescending(tenant => tenant, StringComparer.Ordinal));
    }

    [Fact]
    public void The_verdict_is_worked_out_from_the_figures()
    {
        var sentences = Texts(Parse(HtmlReport.Write(Report(Simulate("weir")))), "li");

        Assert.Contains(sentences, sentence => sentence.Contains("All jobs were done after 2h. 3 of 3 jobs were completed.", StringComparison.Ordinal));
        Assert.Contains(sentences, sentence => sentence.Contains("waited 2m at worst (blue)", StringComparison.Ordinal));
        Assert.Contains(sentences, sentence => sentence.Contains("4.3 by 1 preemption, 0 by 0 failures", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_tenant_and_each_policy_appears_and_the_policies_are_compared()
    {
        var page = Parse(HtmlReport.Write(Report(Simulate("weir"), Simulate("other"))));

        Assert.Contains("The policies compared", Texts(page, "h2"));
        Assert.Equal(["How it went under weir", "How it went under other"], Texts(page, "summary"));
        foreach (var row in (string[])["weir", "other", "red", "blue"])
        {
            Assert.Contains(row, page.Descendants("tbody").Descendants("th").Select(cell => cell.Value));
        }

        Assert.DoesNotContain("The policies compared", Texts(Parse(HtmlReport.Write(Report(Simulate("weir")))), "h2"));
    }

    [Fact]
    public void A_preemption_is_marked_where_it_happened()
    {
        var page = Parse(HtmlReport.Write(Report(Simulate("weir"))));

        var plot = page.Descendants("svg").Single(svg => svg.Attribute("aria-label")?.Value == "Runs on each node, under weir" && svg.Attribute("class")?.Value == "wide");
        Assert.Single(plot.Descendants("path"), path => path.Attribute("class")?.Value == "cut");
        Assert.Equal(4, plot.Descendants("rect").Count());
        Assert.Contains("two (red), 8 GPUs on 1 node: 0s to 32m, preempted", Texts(plot, "title"));
    }

    [Fact]
    public void The_same_results_give_the_same_bytes_in_every_culture()
    {
        var first = HtmlReport.Write(Report(Simulate("weir"), Simulate("other")));
        var before = CultureInfo.CurrentCulture;
        try
        {
            var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (comma.NumberFormat.NumberDecimalSeparator, comma.NumberFormat.NumberGroupSeparator) = (",", ".");
            CultureInfo.CurrentCulture = comma;
            Assert.Equal(first, HtmlReport.Write(Report(Simulate("weir"), Simulate("other"))));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }

        Assert.DoesNotContain('\r', first);
    }

    [Fact]
    public void Names_are_text_whatever_is_in_them()
    {
        var result = Simulate(Hostile, job: "a<b");
        result = result with
        {
            Tenants = [.. result.Tenants.Select(tenant => tenant with { Name = tenant.Name == "red" ? Hostile : tenant.Name })],
            Series = result.Series! with { Tenants = [.. result.Series.Tenants.Select(tenant => tenant with { Name = tenant.Name == "red" ? Hostile : tenant.Name })] },
        };
        var html = HtmlReport.Write(new SimulationReport(
            Hostile + "\u0001", 1, [result, Simulate("weir") with { Tenants = result.Tenants, Series = result.Series }], [new ViolationReport(Hostile, "I1", 3, 4, Hostile)]));

        Assert.Empty(Parse(html).Descendants("script"));
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(Hostile, Texts(Parse(html), "dd").Concat(Texts(Parse(html), "summary")).SelectMany(text => text.Split(", ")).Select(text => text.Replace("How it went under ", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_page_refers_to_nothing_outside_itself()
    {
        var html = HtmlReport.Write(Report(Simulate("weir"), Simulate("other")));

        foreach (var reference in (string[])["http:", "https:", "//", "src=", "href=", "url(", "@import", "<link", "<script"])
        {
            Assert.DoesNotContain(reference, html, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void Without_series_runs_or_jobs_there_is_still_a_page()
    {
        var collector = new ResultCollector("idle", 64, keepsRuns: true);
        new Sketch().Run(sinks: collector);

        var bare = Parse(HtmlReport.Write(Report(Simulate("weir", hasDetails: false))));
        var idle = Parse(HtmlReport.Write(Report(collector.Result)));

        Assert.DoesNotContain("GPUs in use", Texts(bare, "h3"));
        Assert.DoesNotContain("Who ran where", Texts(bare, "h3"));
        Assert.Contains("No job started within its tenant's guarantee, so nothing can be said about guarantees.", Texts(idle, "li"));
    }

    [Fact]
    public void A_gang_that_grew_is_drawn_on_its_later_node_from_then_on()
    {
        var sketch = new Sketch();
        sketch.Add("early", "red", minutes: 30);
        sketch.Add("elastic", "blue", minutes: 120, pods: 2, changeWorkload: workload => workload with { MinMember = 1 });
        var collector = new ResultCollector("weir", keepsRuns: true);
        sketch.Run(sinks: collector);

        var run = collector.Result.Runs!.Value.Single(run => run.Job == "elastic");

        Assert.Equal(["a", "b"], run.Nodes);
        Assert.Equal([0m, 1800m], run.Parts.Select(part => part.FromSeconds));
        Assert.All(run.Parts, part => Assert.Equal((8, 8m, run.ToSeconds), (part.Devices.Length, part.Gpus, part.ToSeconds)));
    }

    [Fact]
    public void The_window_is_the_busiest_that_is_not_too_full()
    {
        // One run each hour for 60 days, and ten times as many on the 31st.
        var hours = Enumerable.Range(0, 60 * 24).SelectMany(hour => Enumerable.Repeat(hour, hour / 24 == 30 ? 10 : 1));
        RunSpan[] runs = [.. hours.Select((hour, index) => new RunSpan($"{index:d5}", null, 1, hour * 3600m, (hour * 3600m) + 1800, StopCause.Done, ["a"], []))];

        var window = GanttWindow.Busiest([.. runs], 60 * 86_400m, nodes: 1);

        Assert.InRange(runs.Count(run => run.FromSeconds < window.ToSeconds && run.ToSeconds > window.FromSeconds), 200, GanttWindow.MostRuns);
        Assert.True(window.FromSeconds <= 30 * 86_400m && window.ToSeconds >= 31 * 86_400m, window.ToString());
    }
}
