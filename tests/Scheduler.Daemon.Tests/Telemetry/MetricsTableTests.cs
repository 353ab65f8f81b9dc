using System.Reflection;
using System.Text;
using Prometheus;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Tests.Telemetry;

/// <summary>
/// docs/metrics.md is made from the metrics themselves. WEIR_GOLDEN=write makes it anew; then look at the difference.
/// </summary>
public class MetricsTableTests
{
    private static readonly string Document = TestKit.Repository.PathOf("docs", "metrics.md");

    [Fact]
    public void The_table_in_the_documents_is_that_of_the_program()
    {
        var table = Table(new SchedulerMetrics(Metrics.NewCustomRegistry()));
        if (Environment.GetEnvironmentVariable("WEIR_GOLDEN") == "write")
            File.WriteAllText(Document, table);
        Assert.True(File.Exists(Document), $"{Document} is missing; make it with WEIR_GOLDEN=write");
        Assert.Equal(table, File.ReadAllText(Document));
    }

    [Fact]
    public async Task Every_metric_of_the_registry_is_in_the_table()
    {
        var metrics = new SchedulerMetrics(Metrics.NewCustomRegistry());
        using var page = new MemoryStream();
        await metrics.Registry.CollectAndExportAsTextAsync(page, TestContext.Current.CancellationToken);
        var published = Encoding.UTF8.GetString(page.ToArray()).Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[2]).Order(StringComparer.Ordinal);
        Assert.Equal(published, Collectors(metrics).Select(collector => collector.Name));
    }

    [Fact]
    public void Rules_and_dashboard_name_no_metric_that_is_not_there()
    {
        var known = Collectors(new SchedulerMetrics(Metrics.NewCustomRegistry())).Select(collector => collector.Name).ToHashSet();
        foreach (var file in new[] { "rules.yaml", "dashboard.json" })
        {
            var text = File.ReadAllText(TestKit.Repository.PathOf("deploy", "monitoring", file));
            var named = System.Text.RegularExpressions.Regex.Matches(text, "weir_[a-z_]+").Select(match => match.Value)
                .Select(name => name.EndsWith("_bucket", StringComparison.Ordinal) ? name[..^"_bucket".Length] : name).Distinct().ToList();
            Assert.NotEmpty(named);
            Assert.All(named, name => Assert.Contains(name, known));
        }
    }

    private static string Table(SchedulerMetrics metrics)
    {
        var text = new StringBuilder()
            .Append("# Metrics\n\n")
            .Append("What the daemon publishes at `/metrics`, made from the program by `MetricsTableTests` (`WEIR_GOLDEN=write` makes it anew). GPUs are whole\n")
            .Append("GPUs, times are seconds. No label ever holds the name of a pod or a node. Rules and a dashboard: `deploy/monitoring`.\n\n")
            .Append("| metric | type | labels | meaning |\n|---|---|---|---|\n");
        foreach (var collector in Collectors(metrics))
        {
            var type = collector switch { Counter => "counter", Gauge => "gauge", Histogram => "histogram", _ => throw new InvalidOperationException(collector.Name) };
            text.Append(System.Globalization.CultureInfo.InvariantCulture,
                $"| `{collector.Name}` | {type} | {string.Join(", ", collector.LabelNames.Select(label => $"`{label}`"))} | {collector.Help} |\n");
        }

        return text.ToString();
    }

    private static IReadOnlyList<Collector> Collectors(SchedulerMetrics metrics) =>
    [
        .. typeof(SchedulerMetrics).GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Select(field => field.GetValue(metrics)).OfType<Collector>()
            .OrderBy(collector => collector.Name, StringComparer.Ordinal),
    ];
}
