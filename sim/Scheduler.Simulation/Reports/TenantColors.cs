using System.Collections.Immutable;
using Scheduler.Simulation.Results;

namespace Scheduler.Simulation.Reports;

/// <summary>
/// Which tenant has which colour, the same all over the report. Only tenants that have jobs of their own have one: those below which there
/// are no others. Beyond seven, colours cannot be told apart, so the smaller ones share a grey.
/// </summary>
internal sealed class TenantColors
{
    /// <summary>Class of all that has no colour of its own.</summary>
    public const string Others = "c7";

    private const int Most = 7;

    private readonly Dictionary<string, string> _classes = new(StringComparer.Ordinal);

    /// <summary>Gives the colours, by the first result.</summary>
    public TenantColors(ImmutableArray<TenantResult> tenants)
    {
        var inner = tenants.Select(tenant => tenant.Parent).OfType<string>().ToHashSet(StringComparer.Ordinal);
        Leaves = [.. tenants.Where(tenant => !inner.Contains(tenant.Name))];
        var chosen = Leaves.OrderByDescending(tenant => tenant.GuaranteedGpuHours + tenant.BurstGpuHours)
            .ThenBy(tenant => tenant.Name, StringComparer.Ordinal).Take(Most).Select(tenant => tenant.Name).ToHashSet(StringComparer.Ordinal);
        Colored = [.. Leaves.Where(tenant => chosen.Contains(tenant.Name)).Select(tenant => tenant.Name)];
        for (var index = 0; index < Colored.Length; index++)
        {
            _classes.Add(Colored[index], $"c{index}");
        }
    }

    /// <summary>The tenants that have jobs of their own, in the order of the tenant tree.</summary>
    public ImmutableArray<TenantResult> Leaves { get; }

    /// <summary>Those with a colour of their own.</summary>
    public ImmutableArray<string> Colored { get; }

    /// <summary>The class of a tenant; null is whoever has no tenant.</summary>
    public string Of(string? tenant) => tenant is not null && _classes.TryGetValue(tenant, out var found) ? found : Others;
}
