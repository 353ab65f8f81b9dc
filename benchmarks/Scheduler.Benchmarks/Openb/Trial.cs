using System.Globalization;
namespace Scheduler.Benchmarks.Openb;

internal sealed class Trial : Baseline
{
    private readonly (int MilliCpu, int Devices, int MilliEach, int AcceptedBits, double Share)[] _typical;
    private readonly double _wExp, _cpuOnly, _pack, _single, _cover, _tie;
    private readonly double[] _w = new double[1001];
    private readonly double _wW, _lam = P("LAM", 0), _lam0 = P("LAM0", 0);
    public static double P(string name, double fallback) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } v ? double.Parse(v, CultureInfo.InvariantCulture) : fallback;

    public Trial(OpenbTrace trace)
        : base(trace)
    {
        _wExp = P("WEXP", 0); _cpuOnly = P("CPUONLY", 1); _pack = P("PACK", 0); _single = P("SINGLE", 1); _cover = P("COVER", 0.95); _tie = P("TIE", 0);
        _wW = P("WW", 0);
        var groups = trace.Rows.GroupBy(row => trace.Shapes[row] with { MemoryMib = 0 })
            .Select(group => (Shape: group.Key, AcceptedBits: Cluster.AcceptedBits[group.First()], Count: group.Count()))
            .OrderByDescending(group => group.Count).ThenBy(group => group.Shape.ToString(), StringComparer.Ordinal).ToArray();
        var wanted = trace.Rows.Length * _cover;
        var covered = 0;
        var taken = groups.TakeWhile(group => { var n = covered < wanted; covered += group.Count; return n; })
            .Select(g => (g.Shape, g.AcceptedBits, W: g.Shape.MilliGpu == 0 ? _cpuOnly * g.Count : g.Count * Math.Pow(g.Shape.MilliGpu / 1000.0, _wExp))).ToArray();
        double all = taken.Sum(group => group.W);
        _typical = [.. taken.Select(group => (group.Shape.MilliCpu, group.Shape.Devices, group.Shape.MilliEach, group.AcceptedBits, group.W / all))];

        var g = trace.Rows.Select(r => trace.Shapes[r]).Where(x => x.MilliGpu > 0).ToArray();
        if (P("RM", 0) > 0) { _r = P("RM", 0) * g.Sum(x => (double)x.MilliCpu) / g.Sum(x => (double)x.MilliGpu); }
        _ratios = [.. g.GroupBy(x => Math.Round(x.MilliCpu / (double)x.MilliGpu)).Select(x => (Math.Max(1, x.Key), x.Sum(y => (double)y.MilliGpu) / g.Sum(y => (double)y.MilliGpu)))];
        for (var k = 0; k <= 8; k++) { _g[k] = g.Where(x => x.MilliEach == 1000).Sum(x => (P("WMG", 1) > 0 ? x.Devices : 1) * 1000.0 * (k % x.Devices)) / g.Sum(x => P("WMG", 1) > 0 ? x.MilliGpu / 1000.0 : 1); }
        if (P("MM", 0) > 0) { _rm = P("MM", 0) * g.Sum(x => (double)x.MemoryMib) / g.Sum(x => (double)x.MilliGpu); }
        // Device table: expected waste of a device with f free, filled by what fits, with stop rate.
        var eps = P("EPS", 0.05);
        var frac = trace.Rows.Select(r => trace.Shapes[r]).Where(s => s.Devices >= 1).GroupBy(s => s.MilliEach).Select(g => (Milli: g.Key, P: g.Count() / (double)trace.Rows.Length)).ToArray();
        for (var f = 0; f <= 1000; f++)
        {
            double p = eps, s = eps * f;
            var opts = frac.Where(x => x.Milli <= f).Select(x => (x.P, W: _w[f - x.Milli])).OrderBy(x => x.W).ToArray();
            foreach (var (q, w) in opts)
            {
                if (P("OPT", 1) > 0 && w >= s / p) { break; }
                p += q; s += q * w;
            }
            _w[f] = s / p;
        }
    }

    public double[] Table => _w;

    protected override long ScoreOf(int node, int shapeNumber) => Evaluate(node, shapeNumber).Score;

    protected override int DeviceFor(int node, int shape) => Evaluate(node, shape).Device;

    private (long Score, int Device) Evaluate(int node, int shapeNumber)
    {
        var shape = Cluster.Trace.Shapes[shapeNumber];
        Span<int> devices = stackalloc int[OpenbCluster.MaxDevices];
        var free = Cluster.FreeOf(node);
        devices = devices[..free.Length];
        free.CopyTo(devices);
        var before = F(node, Cluster.CpuFree[node], Cluster.MemoryFree[node], devices);
        var cpu = Cluster.CpuFree[node] - shape.MilliCpu; var mem = Cluster.MemoryFree[node] - shape.MemoryMib;
        if (shape.Devices == 1 && shape.MilliEach < 1000)
        {
            var best = (Score: long.MinValue, Device: -1);
            for (var device = 0; device < devices.Length; device++)
            {
                if (devices[device] >= shape.MilliEach && (_tight == 0 || device == Cluster.Tightest(node, shape.MilliEach)))
                {
                    devices[device] -= shape.MilliEach;
                    var score = Scale(before - F(node, cpu, mem, devices), node, cpu, devices);
                    devices[device] += shape.MilliEach;
                    best = score > best.Score || score == best.Score && devices[device] < devices[best.Device] ? (score, device) : best;
                }
            }

            return best;
        }

        var left = shape.Devices;
        for (var device = 0; left > 0; device++)
        {
            if (devices[device] >= shape.MilliEach)
            {
                devices[device] -= shape.MilliEach;
                left--;
            }
        }

        return (Scale(before - F(node, cpu, mem, devices), node, cpu, devices), -1);
    }

    private readonly double _q = P("Q", 1), _tg = P("TG", 0), _tc = P("TC", 0), _ti = P("TI", 0), _tn = P("TN", 1);
    private long Scale(double gain, int node, int cpu, ReadOnlySpan<int> d)
    {
        var g = 0; var i = 0;
        foreach (var f in d) { g += f; i += f == 1000 ? 1 : 0; }
        return (long)(Math.Floor(gain / _q) * 100000 - _tg * g - _tc * cpu / 12 - _ti * i * 1000);
    }

    private readonly (double R, double W)[] _ratios; private readonly double _rd = P("RD", 0);
    private readonly double[] _g = new double[9]; private readonly double _wm = P("WM", 0), _rm, _tight = P("TIGHT", 0);
    private readonly double _rw = P("RW", 0), _rx = P("RX", 0), _r = P("R", 10), _smooth = P("SMOOTH", 0), _pk = P("PK", 0), _spec = P("SPEC", 0), _wh = P("WH", 0);
    private static double Kind(ReadOnlySpan<int> d)
    {
        var open = 0;
        foreach (var f in d) { open += f is > 200 and < 1000 ? 1 : 0; }
        return open;
    }

    private double F(int node, int cpu, int mem, ReadOnlySpan<int> devices)
    {
        var idle = 0;
        var whole = 0;
        var ww = 0.0;
        foreach (var free in devices)
        {
            idle += free;
            whole += free == 1000 ? 1 : 0;
            ww += _w[free];
        }

        var sum = 0.0;
        if (_pack > 0 || _single > 0) foreach (var typical in _typical)
        {
            if (typical.Devices == 0 || (typical.AcceptedBits & Cluster.ModelBit[node]) == 0)
            {
                sum += typical.Share * idle * (_single + _pack);
                if (typical.Devices == 0) { sum -= _lam0 * typical.Share * (cpu / typical.MilliCpu) * typical.MilliCpu / 1000.0; }
                continue;
            }

            var fitting = 0;
            var small = 0;
            var slots = 0;
            foreach (var free in devices)
            {
                fitting += free >= typical.MilliEach ? 1 : 0;
                small += free >= typical.MilliEach ? 0 : free;
                slots += free / typical.MilliEach;
            }

            if (_single > 0)
            {
                var canUse = typical.MilliCpu <= cpu && fitting >= typical.Devices;
                sum += _single * typical.Share * (canUse ? small : idle);
            }
            if (_pack > 0)
            {
                var n = typical.Devices == 1 ? slots : whole / typical.Devices;
                var nn = typical.MilliCpu > 0 && _smooth > 0 ? Math.Min(n, Math.Floor(cpu * _smooth / typical.MilliCpu) / _smooth) : typical.MilliCpu > 0 ? Math.Min(n, cpu / typical.MilliCpu) : n;
                sum += _pack * typical.Share * (idle - nn * (typical.Devices * typical.MilliEach + _lam * typical.MilliCpu / 1000.0));
            }
        }

        if (_spec > 0)
        {
            foreach (var t in _typical) { if (t.Devices > 0 && (t.AcceptedBits & Cluster.ModelBit[node]) != 0) { sum -= _spec * t.Share * idle; } }
        }
        if (_wh > 0) { sum -= _wh * whole * whole; }
        if (_wm > 0) { sum += _wm * _g[whole]; }
        if (_rd > 0) { foreach (var (r, w) in _ratios) { sum += _rd * w * Math.Max(0, idle - cpu / r); } }
        if (_rw > 0) { sum += _rw * Math.Max(0, Math.Max(idle - cpu / _r, _rm > 0 ? idle - mem / _rm : 0)); }
        if (_rx > 0) { sum += _rx * Math.Max(0, cpu / _r - idle); }
        if (_pk > 0) { sum += _pk * Kind(devices); }
        return sum + _wW * ww;
    }
}
