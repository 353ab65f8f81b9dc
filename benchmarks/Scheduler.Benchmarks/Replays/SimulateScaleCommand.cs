using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Jobs;
using Scheduler.Simulation.Schedulers;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Benchmarks.Replays;

/// <summary><c>simulate-scale</c>: what a simulation costs against its number of jobs, on one cluster that is kept four fifths busy.</summary>
internal static class SimulateScaleCommand
{
    private const int TenantCount = 8;
    private const int GpusPerNode = 8;
    private const double Busy = 0.8;
    private const int MeanRunMinutes = 60;

    private sealed record Row(int Jobs, double Seconds, double MicrosecondsPerJob, long Events, long Cycles, double SimulatedDays, double? GrowsAs);

    public static Command Create()
    {
        var sizes = new Option<int[]>("--jobs")
        {
            Description = "Numbers of jobs",
            HelpName = "N,N,…",
            DefaultValueFactory = _ => [1000, 10_000, 100_000],
            CustomParser = result => [.. result.Tokens[0].Value.Split(',').Select(text => ParseSize(result, text))],
        };
        var nodes = CommonOptions.Whole("--nodes", "Nodes of 8 GPUs", 64, 1, 10_000);
        var plot = new Option<string?>("--plot") { Description = "Writes a plot as SVG", HelpName = "FILE" };
        var output = CommonOptions.Output();
        var command = new Command("simulate-scale", "What a simulation costs against its number of jobs") { sizes, nodes, plot, output };
        command.SetAction(result =>
        {
            var rows = new List<Row>();
            foreach (var jobs in (result.GetValue(sizes) ?? []).Order())
            {
                Results.Progress($"{jobs} jobs");
                rows.Add(Measure(jobs, result.GetValue(nodes), rows.Count > 0 ? rows[^1] : null));
            }

            if (result.GetValue(plot) is { } path)
            {
                File.WriteAllText(path, Plot(rows));
            }

            Write(rows, result.GetValue(nodes), isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static int ParseSize(System.CommandLine.Parsing.ArgumentResult result, string text)
    {
        const int most = 10_000_000;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size is >= 1 and <= most)
        {
            return size;
        }

        result.AddError($"--jobs: '{text}' is not a whole number from 1 to {most}");
        return 1;
    }

    private static Row Measure(int jobs, int nodes, Row? before)
    {
        var setup = Setup(jobs, nodes);
        var clock = Stopwatch.StartNew();
        var end = Simulator.Run(setup, new WeirScheduler(SchedulingPolicy.Default));
        var seconds = clock.Elapsed.TotalSeconds;
        return new Row(
            jobs, Math.Round(seconds, 3), Math.Round(seconds / jobs * 1e6, 1), end.Events, end.Cycles, Math.Round(end.At.TotalDays, 1),
            before is null ? null : Math.Round(Math.Log(seconds / before.Seconds) / Math.Log((double)jobs / before.Jobs), 2));
    }

    /// <summary>Jobs of 1 to 8 GPUs and up to two hours, at even distances; the same for the same numbers.</summary>
    private static SimulationSetup Setup(int jobs, int nodes)
    {
        var random = new SplitMix64(20261124);
        int[] gpus = [1, 1, 1, 1, 2, 2, 4, 8];
        var each = TimeSpan.FromMinutes(MeanRunMinutes * gpus.Average() / (Busy * nodes * GpusPerNode));
        var shapes = gpus.Distinct().ToDictionary(count => count, count => PodShape.Create(new ResourceVector(1000L * count, 1L << 30), GpuRequest.Whole(count)));
        var names = Enumerable.Range(0, TenantCount).Select(index => new TenantId($"tenant-{index}")).ToArray();
        var guaranteed = nodes * GpusPerNode / TenantCount * (long)GpuRequest.MilliPerDevice;
        var tenants = names.Select(name => new Tenant
        {
            Id = name,
            Namespaces = [name.Value],
            Quotas = [new FlavorQuota { Flavor = FlavorId.Any, GuaranteedMilliGpu = guaranteed }],
        });
        return new SimulationSetup
        {
            Nodes = Simulation.Traces.PhillyTrace.Nodes(nodes),
            Tenants = TenantTree.TryCreate(tenants, out var tree, out var errors) ? tree : throw new InvalidOperationException(string.Join("; ", errors)),
            Jobs = [.. Enumerable.Range(0, jobs).Select(number => JobOf(number, names[random.Below(TenantCount)], shapes[random.Pick(gpus)], random, each * number))],
        };
    }

    private static Job JobOf(int number, TenantId tenant, PodShape shape, SplitMix64 random, TimeSpan at)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"job-{number:0000000}");
        return new Job
        {
            Workload = new Workload
            {
                Id = new WorkloadId(name),
                Tenant = tenant,
                Namespace = tenant.Value,
                Name = name,
                SubmittedAt = DateTimeOffset.UnixEpoch,
                Pods = [new Pod { Id = new PodId(name), Name = name, Shape = shape }],
            },
            SubmitAt = at,
            Duration = TimeSpan.FromSeconds(random.Between(60, (2 * MeanRunMinutes * 60) - 60)),
        };
    }

    private static void Write(IReadOnlyList<Row> rows, int nodes, bool isJson)
    {
        if (isJson)
        {
            Results.WriteJson(new { nodes, results = rows });
            return;
        }

        Results.WriteTable(
            $"Simulations on {nodes} nodes of 8 GPUs, four fifths busy",
            ["jobs", "seconds", "µs a job", "events", "cycles", "days", "grows as n^"],
            rows.Select(row => new[]
            {
                Results.Text((long)row.Jobs), Results.Text(row.Seconds), Results.Text(row.MicrosecondsPerJob), Results.Text(row.Events), Results.Text(row.Cycles),
                Results.Text(row.SimulatedDays), row.GrowsAs is { } exponent ? Results.Text(exponent) : "",
            }));
    }

    /// <summary>Seconds against jobs, both axes logarithmic, with a line for proportional growth.</summary>
    private static string Plot(IReadOnlyList<Row> rows)
    {
        const int width = 640, height = 420, left = 70, right = 20, top = 30, bottom = 50;
        double[] xs = [.. rows.Select(row => Math.Log10(row.Jobs))];
        double[] ys = [.. rows.Select(row => Math.Log10(Math.Max(row.Seconds, 0.001)))];
        var (x0, x1) = (Math.Floor(xs.Min()), Math.Ceiling(xs.Max() + 0.01));
        var (y0, y1) = (Math.Floor(ys.Min()), Math.Ceiling(ys.Max() + 0.01));
        string X(double x) => (left + ((x - x0) / (x1 - x0) * (width - left - right))).ToString("F1", CultureInfo.InvariantCulture);
        string Y(double y) => (height - bottom - ((y - y0) / (y1 - y0) * (height - top - bottom))).ToString("F1", CultureInfo.InvariantCulture);

        var svg = new StringBuilder();
        svg.AppendLine($"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">""");
        svg.AppendLine("""<rect width="100%" height="100%" fill="white"/>""");
        for (var x = x0; x <= x1; x++)
        {
            svg.AppendLine($"""<line x1="{X(x)}" y1="{top}" x2="{X(x)}" y2="{height - bottom}" stroke="#ddd"/><text x="{X(x)}" y="{height - bottom + 18}" text-anchor="middle">{Math.Pow(10, x).ToString("#,0", CultureInfo.InvariantCulture)}</text>""");
        }

        for (var y = y0; y <= y1; y++)
        {
            svg.AppendLine($"""<line x1="{left}" y1="{Y(y)}" x2="{width - right}" y2="{Y(y)}" stroke="#ddd"/><text x="{left - 8}" y="{Y(y)}" dy="4" text-anchor="end">{Math.Pow(10, y).ToString("0.###", CultureInfo.InvariantCulture)} s</text>""");
        }

        svg.AppendLine($"""<text x="{width / 2}" y="{height - 12}" text-anchor="middle">jobs</text><text x="{left}" y="18">seconds of a simulation; dashed: proportional to jobs</text>""");
        svg.AppendLine($"""<line x1="{X(xs[0])}" y1="{Y(ys[0])}" x2="{X(xs[^1])}" y2="{Y(ys[0] + xs[^1] - xs[0])}" stroke="#888" stroke-dasharray="4"/>""");
        svg.AppendLine($"""<polyline fill="none" stroke="#1f6feb" stroke-width="2" points="{string.Join(' ', xs.Zip(ys, (x, y) => $"{X(x)},{Y(y)}"))}"/>""");
        foreach (var (x, y) in xs.Zip(ys))
        {
            svg.AppendLine($"""<circle cx="{X(x)}" cy="{Y(y)}" r="4" fill="#1f6feb"/>""");
        }

        return svg.AppendLine("</svg>").ToString();
    }
}
