using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Scheduler.Benchmarks.Commands;

namespace Scheduler.Benchmarks.Openb;

/// <summary>
/// GPU allocation on the openb traces, one pod at a time without a queue: baselines as published, and Weir's own classes.
/// </summary>
internal static class OpenbCommand
{
    private static readonly Dictionary<string, Func<OpenbTrace, int, OpenbPolicy>> Policies = new(StringComparer.Ordinal)
    {
        ["Random"] = (trace, seed) => new RandomBaseline(trace, seed),
        ["DotProd"] = (trace, _) => new DotProductBaseline(trace),
        ["BestFit"] = (trace, _) => new BestFitBaseline(trace),
        ["FGD"] = (trace, _) => new GradientDescentBaseline(trace),
        ["Weir"] = (trace, _) => new WeirPolicy(trace, learnsAsPodsArrive: false),
        ["WeirLearning"] = (trace, _) => new WeirPolicy(trace, learnsAsPodsArrive: true),
    };

    public static Command Create()
    {
        var folder = new Option<string>("--traces") { Description = "The folder of the openb traces", Required = true, HelpName = "FOLDER" };
        var policies = new Option<string[]>("--policy")
        {
            Description = $"Policies, all if left out: {string.Join(", ", Policies.Keys)}",
            HelpName = "NAME,…",
            DefaultValueFactory = _ => [],
            CustomParser = result => result.Tokens[0].Value.Split(','),
        };
        policies.Validators.Add(result =>
        {
            foreach (var unknown in (result.GetValueOrDefault<string[]>() ?? []).Where(name => !Policies.ContainsKey(name)))
            {
                result.AddError($"--policy: there is no '{unknown}'; there are {string.Join(", ", Policies.Keys)}");
            }
        });
        var lists = new Option<string[]>("--list")
        {
            Description = "Pod lists, all if left out",
            HelpName = "NAME,…",
            DefaultValueFactory = _ => [],
            CustomParser = result => result.Tokens[0].Value.Split(','),
        };
        var orders = CommonOptions.Whole("--orders", "Arrival orders of each list", 10, 1, 10);
        var command = new Command("openb", "GPU allocation on the openb traces, one pod at a time without a queue") { folder, policies, lists, orders };
        command.SetAction(result => Run(result.GetValue(folder)!, result.GetValue(policies)!, result.GetValue(lists)!, result.GetValue(orders)));
        return command;
    }

    /// <summary>Runs the policies named (default: all) on the traces named (default: all) and prints means over the orders.</summary>
    private static int Run(string folder, string[] policies, string[] traces, int orders)
    {
        if (!File.Exists(Path.Combine(folder, "published_allocation.csv")))
        {
            throw new MeasurementException($"--traces: '{folder}' has no published_allocation.csv; name the folder of the openb traces");
        }

        var published = ReadPublished(folder);
        Console.WriteLine($"{"trace",-12} {"policy",-10} {"@100",6} {"@130",6} {"min",6} {"max",6} {"published",9} {"s/run",6} {"several",7}");
        foreach (var name in traces.Length == 0 ? OpenbTrace.NamesIn(folder) : traces)
        {
            var trace = OpenbTrace.Read(folder, name);
            foreach (var policy in policies.Length == 0 ? [.. Policies.Keys] : policies)
            {
                var clock = Stopwatch.StartNew();
                var results = trace.Seeds().Take(orders)
                    .Select(seed => OpenbExperiment.Run(trace, trace.Arrivals(seed), Policies[policy](trace, seed))).ToArray();
                var seconds = clock.Elapsed.TotalSeconds / results.Length;
                var last = results.Select(result => result.AllocationAt[OpenbResult.Last]).ToArray();

                // Weir has no published value: it is to be above FGD's.
                var known = published.TryGetValue((name, policy), out var value) ? value : published[(name, "FGD")];
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name,-12} {policy,-10} {results.Average(result => result.AllocationAt[100]),6:F2} {last.Average(),6:F2} {last.Min(),6:F2} {last.Max(),6:F2} {known,9:F2} {seconds,6:F2} {results.Average(result => result.PlacedOfSeveral),7:F1}"));
            }
        }

        var (fraction, whole) = WeirPolicy.MeasureScore(OpenbTrace.Read(folder, "default"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fragmentation score: {fraction:F0} ns for a fraction, {whole:F0} ns for whole GPUs"));
        return 0;
    }

    private static Dictionary<(string Trace, string Policy), double> ReadPublished(string folder)
    {
        var lines = File.ReadAllLines(Path.Combine(folder, "published_allocation.csv"));
        var column = Array.IndexOf(lines[0].Split(','), "alloc%@130");
        return lines.Skip(1).Select(line => line.Split(',')).ToDictionary(
            cells => (cells[0].Replace("openb_pod_list_", "", StringComparison.Ordinal), cells[1][3..]),
            cells => double.Parse(cells[column], CultureInfo.InvariantCulture));
    }
}
