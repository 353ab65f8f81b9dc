using System.Diagnostics;
using System.Globalization;

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

    /// <summary>Runs the policies named (default: all) on the traces named (default: all) and prints means over the orders.</summary>
    public static int Run(string folder, string[] policies, string[] traces, int orders = 10)
    {
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
