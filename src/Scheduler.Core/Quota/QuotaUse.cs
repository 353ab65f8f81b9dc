namespace Scheduler.Core.Quota;

/// <summary>Amounts by tenant (and all above it), flavor and standing, in milli-GPU.</summary>
internal sealed class QuotaUse(int tenants, int flavors)
{
    private readonly long[] _guaranteed = new long[tenants * flavors];
    private readonly long[] _burst = new long[tenants * flavors];

    /// <summary>Adds an amount.</summary>
    public void Add(TenantNode tenant, int flavor, long milliGpu, bool isGuaranteed)
    {
        for (var node = tenant; node is not null; node = node.Parent)
        {
            (isGuaranteed ? _guaranteed : _burst)[(node.Index * flavors) + flavor] += milliGpu;
        }
    }

    public long Guaranteed(int tenant, int flavor) => _guaranteed[(tenant * flavors) + flavor];

    public long Burst(int tenant, int flavor) => _burst[(tenant * flavors) + flavor];

    public long GuaranteedTotal(int tenant) => _guaranteed.AsSpan(tenant * flavors, flavors).ToArray().Sum();

    public long BurstTotal(int tenant) => _burst.AsSpan(tenant * flavors, flavors).ToArray().Sum();
}
