using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Forecast;

/// <summary>
/// How long workloads ran: per tenant, owner and shape, and coarser where that is too little to go by. Where the duration was
/// declared, how it compared with what was declared. Not for use by several threads at once.
/// </summary>
/// <remarks>
/// Correcting declarations by their own past follows Tsafrir, Etsion and Feitelson, "Backfilling Using System-Generated Predictions
/// Rather than User Runtime Estimates" (IEEE TPDS 2007). Of each kind the last 256 observations count.
/// </remarks>
public sealed class DurationHistory
{
    /// <summary>With fewer observations a coarser kind that has more is believed.</summary>
    internal const int LeastObservations = 8;

    /// <summary>Kinds that are kept; further ones are counted for their tenant only.</summary>
    internal const int MaxKinds = 100_000;

    private readonly Dictionary<DurationKind, DurationWindow> _exact = [];
    private readonly Dictionary<DurationKind, DurationWindow> _shapes = [];
    private readonly Dictionary<TenantId, DurationWindow> _tenants = [];
    private readonly Dictionary<(TenantId? Tenant, string Owner), DurationWindow> _ratios = [];

    /// <summary>Runs that were learned from.</summary>
    public long Observations { get; private set; }

    /// <summary>A workload ran to its end.</summary>
    /// <param name="kind">What it was like.</param>
    /// <param name="ran">How long it ran, over all its runs, less what was lost; counted in whole seconds, at least one.</param>
    /// <param name="declared">What its owner had declared, or null.</param>
    public void Learn(in DurationKind kind, TimeSpan ran, TimeSpan? declared)
    {
        var seconds = Math.Max(1, ran.Ticks / TimeSpan.TicksPerSecond);
        Observations++;
        if (declared is { Ticks: >= TimeSpan.TicksPerSecond } expected)
        {
            Window(_ratios, (kind.Tenant, kind.Owner))?.Add(seconds * DurationSource.Permille / (expected.Ticks / TimeSpan.TicksPerSecond));
        }

        Window(_exact, kind)?.Add(seconds);
        Window(_shapes, kind with { Owner = "" })?.Add(seconds);
        if (kind.Tenant is { } tenant)
        {
            Window(_tenants, tenant)?.Add(seconds);
        }
    }

    /// <summary>What there is to go by for a workload.</summary>
    /// <param name="kind">What it is like.</param>
    /// <param name="declared">What its owner declared, or null.</param>
    /// <param name="running">Seconds for which others of the kind have run so far, in ascending order.</param>
    /// <param name="index">Number of the answer, for those who draw from it.</param>
    internal DurationSource SourceOf(in DurationKind kind, TimeSpan? declared, long[] running, int index = 0)
    {
        if (declared is { Ticks: >= TimeSpan.TicksPerSecond } expected)
        {
            var ratios = _ratios.GetValueOrDefault((kind.Tenant, kind.Owner));
            return new DurationSource(index, ratios is { Count: >= LeastObservations } ? [ratios.Sorted] : [], expected.Ticks / TimeSpan.TicksPerSecond, []);
        }

        var tenant = kind.Tenant is { } id ? _tenants.GetValueOrDefault(id) : null;
        DurationWindow?[] levels = [_exact.GetValueOrDefault(kind), _shapes.GetValueOrDefault(kind with { Owner = "" }), tenant];
        return new DurationSource(
            index,
            [
                .. levels.Where(level => level is { Count: >= LeastObservations }).Select(level => level!.Sorted),
                .. levels.Where(level => level is { Count: > 0 and < LeastObservations }).Select(level => level!.Sorted).Take(1),
            ],
            declaredSeconds: null,
            running);
    }

    private static DurationWindow? Window<TKey>(Dictionary<TKey, DurationWindow> windows, TKey key)
        where TKey : notnull
    {
        if (!windows.TryGetValue(key, out var window) && windows.Count < MaxKinds)
        {
            windows.Add(key, window = new DurationWindow());
        }

        return window;
    }
}
