using System.Collections.Immutable;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>What changes over time: use, use by tenant against its guarantee, jobs that wait.</summary>
internal sealed class SeriesPlots(SimulationResult result, SeriesResult series, TenantColors colors)
{
    private const int MostPoints = 512;

    private readonly int _group = (series.UsedGpus.Length + MostPoints - 1) / MostPoints;

    private decimal Step => series.StepSeconds * Math.Max(1, _group);

    /// <summary>GPUs in use, stacked by tenant, below what works and what is installed.</summary>
    public string Use(double width, double height, string cssClass)
    {
        var svg = new Svg(width, height, $"GPUs in use over time by tenant, under {result.Scheduler}", cssClass);
        var frame = new PlotFrame(svg, 0, result.EndSeconds, NiceTicks.Linear(Math.Max(result.Cluster.Gpus, series.UsedGpus.DefaultIfEmpty().Max()), 5), "GPUs");
        Stack(frame, tenant => tenant.UsedGpus, series.UsedGpus);
        frame.Line(Thin(series.HealthyGpus), Step, "l-total", "GPUs that work");
        return svg.ToString();
    }

    /// <summary>Jobs that wait, stacked by tenant.</summary>
    public string Queue(double width, double height, string cssClass)
    {
        var svg = new Svg(width, height, $"Jobs waiting over time by tenant, under {result.Scheduler}", cssClass);
        var frame = new PlotFrame(svg, 0, result.EndSeconds, NiceTicks.Linear(Thin(series.WaitingJobs).DefaultIfEmpty().Max(), 4, isWhole: true), "jobs waiting (mean)");
        Stack(frame, tenant => tenant.WaitingJobs, series.WaitingJobs);
        return svg.ToString();
    }

    /// <summary>One tenant's use against its guarantee and its limit.</summary>
    public string Tenant(TenantResult tenant, double width, double height)
    {
        var used = Thin(Of(tenant.Name, own => own.UsedGpus));
        var limit = tenant.LimitGpus is { } most && most <= result.Cluster.Gpus ? most : default(decimal?);
        var top = Math.Max(Math.Max(tenant.GuaranteedGpus, limit ?? 0), used.DefaultIfEmpty().Max());
        var svg = new Svg(width, height, $"GPUs in use by {tenant.Name} over time, under {result.Scheduler}");
        var frame = new PlotFrame(svg, 0, result.EndSeconds, NiceTicks.Linear(top, 4), "GPUs");
        frame.Area(new decimal[used.Length], used, Step, "a " + colors.Of(tenant.Name), $"{tenant.Name}: GPUs in use");
        frame.Level(tenant.GuaranteedGpus, "l-guarantee", $"guarantee: {Wording.Number(tenant.GuaranteedGpus)} GPUs");
        if (limit is { } level)
        {
            frame.Level(level, "l-limit", $"limit: {Wording.Number(level)} GPUs");
        }

        return svg.ToString();
    }

    private void Stack(PlotFrame frame, Func<TenantSeries, ImmutableArray<decimal>> pick, ImmutableArray<decimal> all)
    {
        var total = Thin(all);
        var lower = new decimal[total.Length];
        foreach (var name in colors.Colored)
        {
            var own = Thin(Of(name, pick));
            var upper = lower.Zip(own, (below, value) => below + value).ToArray();
            frame.Area(lower, upper, Step, "a " + colors.Of(name), name);
            lower = upper;
        }

        // Rounding may leave a thousandth.
        if (total.Zip(lower, (whole, below) => whole - below).Any(rest => rest > 0.01m))
        {
            frame.Area(lower, [.. total.Zip(lower, Math.Max)], Step, "a " + TenantColors.Others, "others");
        }
    }

    private ImmutableArray<decimal> Of(string name, Func<TenantSeries, ImmutableArray<decimal>> pick) => pick(series.Tenants.First(tenant => tenant.Name == name));

    /// <summary>Not more points than can be seen: means of neighbours.</summary>
    private decimal[] Thin(ImmutableArray<decimal> values) => _group <= 1 ? [.. values] : [.. values.Chunk(_group).Select(chunk => chunk.Average())];
}
