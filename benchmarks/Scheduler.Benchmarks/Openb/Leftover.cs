namespace Scheduler.Benchmarks.Openb;

internal static class Leftover
{
    public static void Print(OpenbCluster c)
    {
        var t = c.Trace;
        foreach (var g in Baseline.Hist.GroupBy(h => h.Key.Item1)) { Console.WriteLine(g.Key + ": " + string.Join(' ', g.OrderByDescending(h => h.Value).Take(14).Select(h => $"{h.Key.Item2}:{h.Value}"))); }
        foreach (var g in Enumerable.Range(0, t.Nodes.Length).GroupBy(n => (t.Nodes[n].Model, t.Nodes[n].Devices, t.Nodes[n].MilliCpu)).OrderByDescending(g => g.Count()))
        {
            long gpu = 0, idle = 0, idleLowCpu = 0, frag = 0, fragLow = 0, cpu = 0;
            var hist = new SortedDictionary<int, int>();
            foreach (var n in g)
            {
                cpu += c.CpuFree[n];
                foreach (var f in c.FreeOf(n))
                {
                    gpu += f;
                    if (f == 1000) { idle++; if (c.CpuFree[n] < 3152) { idleLowCpu++; } }
                    else if (f > 0) { frag += f; if (c.CpuFree[n] < 3152) { fragLow += f; } var b = f / 50 * 50; hist[b] = hist.GetValueOrDefault(b) + f; }
                }
            }
            Console.WriteLine($"{g.Key,-22} n={g.Count(),4} cpuFree={cpu / 1000,5} free={gpu / 1000.0,6:F1} idle={idle,4} (cpu<3.1: {idleLowCpu}) frag={frag / 1000.0,6:F1} (cpu<3.1: {fragLow / 1000.0:F1}) " + string.Join(' ', hist.Select(h => $"{h.Key}:{h.Value / 1000.0:F1}")));
        }
    }
}
