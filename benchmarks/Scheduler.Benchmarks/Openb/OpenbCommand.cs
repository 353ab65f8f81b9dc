using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Benchmarks.Openb;

/// <summary>
/// GPU allocation on the openb traces, one pod at a time without a queue: baselines as published, and Weir's own classes. And
/// Weir with a queue, which is another experiment on the same arrivals.
/// </summary>
internal static class OpenbCommand
{
    private const string All = "all";
    private const string Queue = "weir-queue";

    private static readonly Dictionary<string, Func<OpenbTrace, PlacementCluster, int, NodePlacement>> Policies = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Random"] = (_, cluster, seed) => new RandomPlacement(cluster, new Random(seed)),
        ["DotProd"] = (_, cluster, _) => new DotProductPlacement(cluster),
        ["GpuClustering"] = (_, cluster, _) => new GpuClusteringPlacement(cluster),
        ["GpuPacking"] = (_, cluster, _) => new GpuPackingPlacement(cluster),
        ["BestFit"] = (_, cluster, _) => new BestFitPlacement(cluster),
        ["FGD"] = (trace, cluster, _) => new GradientDescentPlacement(cluster, trace.Rows.Select(shape => (shape, 1L))),
        ["weir"] = (trace, cluster, _) => new WeirPlacement(cluster, trace.Rows),
        ["weir-learning"] = (_, cluster, _) => new WeirPlacement(cluster),
    };

    private static readonly string[] Names = [.. Policies.Keys, Queue];

    /// <summary>The arrival orders on which variants of the score were compared; the others were seen at the end only. See ADR 0011.</summary>
    private static readonly int[] TunedOnSeeds = [42, 43, 44, 45];

    /// <summary>What came of one policy on one trace; allocation in percent.</summary>
    private sealed record Row(string Trace, string Policy, double At100, double At110, double At130, double Least130, double Most130, double Seconds, double SeveralPlaced)
    {
        public double? At130OfSeedsNotTunedOn { get; init; }
    }

    public static Command Create()
    {
        var nodes = FileOption("--nodes", "The node list: sn,cpu_milli,memory_mib,gpu,model");
        var pods = FileOption("--pods", "The pod list: name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,…; plain or .gz");
        var arrivals = new Option<string?>("--arrivals") { Description = "The folder of arrival orders: seed42.csv.gz, …", HelpName = "DIR" };
        var folder = new Option<string?>("--traces")
        {
            Description = "Instead of the three: the folder of the openb traces, with nodes.csv, pods/ and arrivals/",
            HelpName = "FOLDER",
        };
        var policies = NamesOption("--policy", $"{All}, or some of: {string.Join(", ", Names)}");
        policies.Validators.Add(Check);
        var lists = NamesOption("--list", "With --traces: pod lists, all if left out");
        var orders = CommonOptions.Whole("--orders", "Arrival orders of each list", 10, 1, 1000);
        var held = CommonOptions.Whole("--held", $"For {Queue}: how much may be made to wait although it fits, in thousandths of the cluster", 30, 0, 1000);
        var output = CommonOptions.Output();
        var command = new Command("openb", "GPU allocation on the openb traces, one pod at a time without a queue")
        {
            nodes, pods, arrivals, folder, policies, lists, orders, held, output,
        };
        command.SetAction(result =>
        {
            var chosen = result.GetValue(policies) ?? [];
            Run(
                Traces(result.GetValue(nodes), result.GetValue(pods), result.GetValue(arrivals), result.GetValue(folder), result.GetValue(lists) ?? []),
                chosen.Length == 0 || chosen.Contains(All) ? Names : [.. Names.Where(name => chosen.Contains(name, StringComparer.OrdinalIgnoreCase))],
                result.GetValue(orders),
                result.GetValue(held),
                isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static Option<string?> FileOption(string name, string description) => new(name) { Description = description, HelpName = "FILE" };

    private static Option<string[]> NamesOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "NAME,…",
        DefaultValueFactory = _ => [],
        CustomParser = result => result.Tokens[0].Value.Split(','),
    };

    private static void Check(OptionResult result)
    {
        foreach (var unknown in (result.GetValueOrDefault<string[]>() ?? []).Where(name => name != All && !Names.Contains(name, StringComparer.OrdinalIgnoreCase)))
        {
            result.AddError($"--policy: there is no '{unknown}'; there are {All}, {string.Join(", ", Names)}");
        }
    }

    private static IEnumerable<OpenbTrace> Traces(string? nodes, string? pods, string? arrivals, string? folder, string[] lists)
    {
        if (folder is not null)
        {
            return !Directory.Exists(Path.Combine(folder, "arrivals"))
                ? throw new MeasurementException($"--traces: '{folder}' has no folder arrivals; name the folder of the openb traces")
                : (lists.Length == 0 ? OpenbTrace.NamesIn(folder) : lists).Select(name => OpenbTrace.Read(folder, name));
        }

        return nodes is null || pods is null || arrivals is null
            ? throw new MeasurementException("name --nodes, --pods and --arrivals, or --traces; see openb --help")
            : [OpenbTrace.Read(nodes, pods, arrivals)];
    }

    /// <summary>Runs the policies on the traces and writes means over the arrival orders.</summary>
    private static void Run(IEnumerable<OpenbTrace> traces, string[] policies, int orders, int heldPermille, bool isJson)
    {
        var rows = new List<Row>();
        OpenbTrace? last = null;
        foreach (var trace in traces)
        {
            last = trace;
            foreach (var policy in policies)
            {
                Results.Progress($"{trace.Name}, {policy}");
                rows.Add(Measure(trace, policy, [.. trace.Seeds.Take(orders)], heldPermille));
            }
        }

        if (isJson)
        {
            Results.WriteJson(new { tunedOnSeeds = TunedOnSeeds, results = rows });
            return;
        }

        Results.WriteTable(
            "GPU allocation in percent of the cluster, mean of the arrival orders",
            ["trace", "policy", "@100", "@110", "@130", "min", "max", "s/run", "several placed %"],
            rows.Select(row => new[]
            {
                row.Trace, row.Policy, Percent(row.At100), Percent(row.At110), Percent(row.At130), Percent(row.Least130), Percent(row.Most130),
                Percent(row.Seconds), Percent(row.SeveralPlaced),
            }));
        if (last is not null && policies.Any(policy => policy.StartsWith("weir", StringComparison.Ordinal)))
        {
            var (fraction, whole) = WeirPlacement.MeasureScore(last);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fragmentation score: {fraction:F0} ns for a fraction, {whole:F0} ns for whole GPUs"));
        }
    }

    private static Row Measure(OpenbTrace trace, string policy, int[] seeds, int heldPermille)
    {
        var arrivals = seeds.Select(trace.Arrivals).ToArray();
        var clock = Stopwatch.StartNew();
        var results = arrivals.Select((order, index) => RunOne(trace, policy, order, seeds[index], heldPermille)).ToArray();
        var seconds = clock.Elapsed.TotalSeconds / results.Length;
        var ends = results.Select(result => result.AllocationAt[OpenbResult.Last]).ToArray();
        var unseen = ends.Where((_, index) => !TunedOnSeeds.Contains(seeds[index])).ToArray();
        return new Row(
            trace.Name, policy, MeanAt(results, 100), MeanAt(results, 110), ends.Average(), ends.Min(), ends.Max(), Math.Round(seconds, 3),
            Math.Round(results.Average(result => result.PlacedOfSeveral), 1))
        {
            At130OfSeedsNotTunedOn = unseen.Length == 0 ? null : unseen.Average(),
        };
    }

    private static OpenbResult RunOne(OpenbTrace trace, string policy, PodShape[] arrivals, int seed, int heldPermille)
    {
        var cluster = new PlacementCluster(trace.Nodes);
        return policy == Queue
            ? OpenbQueueExperiment.Run(trace.CapacityMilliGpu, arrivals, new WeirPlacement(cluster, trace.Rows), heldPermille)
            : OpenbExperiment.Run(trace.CapacityMilliGpu, arrivals, Policies[policy](trace, cluster, seed));
    }

    /// <summary>Mean of the orders; every order passes every percent that is asked for, or the trace is too short.</summary>
    private static double MeanAt(OpenbResult[] results, int percent) => results.Average(result => result.AllocationAt[percent]);

    private static string Percent(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
}
