using Scheduler.Cli.Views;
using Scheduler.Core.Quota;

namespace Scheduler.Cli.Rendering;

/// <summary>
/// A tenant's use as a bar over its limit: <c>████████│▓▓▓▓░░░░</c>. Full blocks are inside the guarantee, shaded ones are
/// burst, light ones are free; the stroke is where the guarantee ends, the end of the bar is the limit.
/// </summary>
internal static class TenantBar
{
    private const char InGuarantee = '█';
    private const char InBurst = '▓';
    private const char Free = '░';
    private const char Mark = '│';

    /// <summary>What the signs mean, for beneath the bars.</summary>
    public static StyledLine Legend => new StyledLine()
        .Add(new string(InGuarantee, 2), Tone.Guaranteed).Add(" guaranteed  ", Tone.Dim)
        .Add(new string(InBurst, 2), Tone.Burst).Add(" burst (borrowed)  ", Tone.Dim)
        .Add(new string(Free, 2)).Add(" up to the limit  ", Tone.Dim)
        .Add(Mark.ToString(), Tone.Heading).Add(" guarantee", Tone.Dim);

    /// <summary>The bar, exactly <paramref name="width"/> columns wide, at least 3.</summary>
    public static StyledLine Draw(TenantView tenant, int width)
    {
        width = Math.Max(3, width);
        // Without a limit the bar ends at whatever is more, guarantee or use.
        var full = Math.Max(1, Math.Max(tenant.LimitMilli ?? 0, Math.Max(tenant.GuaranteedMilli, tenant.UsedMilli)));
        var cells = width - 1;
        var guarantee = Cells(tenant.GuaranteedMilli, full, cells);
        var inGuarantee = Math.Min(Cells(tenant.UsedGuaranteedMilli, full, cells), guarantee);
        var inBurst = Math.Min(Cells(tenant.UsedBurstMilli, full, cells), cells - guarantee);
        return new StyledLine()
            .Add(new string(InGuarantee, inGuarantee), Tone.Guaranteed)
            .Add(new string(Free, guarantee - inGuarantee))
            .Add(Mark.ToString(), Tone.Heading)
            .Add(new string(InBurst, inBurst), Tone.Burst)
            .Add(new string(Free, cells - guarantee - inBurst));
    }

    /// <summary>The numbers behind the bar: <c>16 of 32 GPUs (12 guaranteed + 4 burst), 3 waiting</c>.</summary>
    public static StyledLine Numbers(TenantView tenant, bool isShort)
    {
        var line = new StyledLine().Add(GpuAmount.Format(tenant.UsedMilli));
        line.Add(tenant.LimitMilli is { } limit ? $" of {GpuAmount.Format(limit)}" : "").Add(isShort ? "" : " GPUs", Tone.Dim);
        if (!isShort && tenant.UsedBurstMilli > 0)
        {
            line.Add(" (", Tone.Dim).Add(GpuAmount.Format(tenant.UsedGuaranteedMilli), Tone.Guaranteed).Add(" guaranteed + ", Tone.Dim)
                .Add(GpuAmount.Format(tenant.UsedBurstMilli), Tone.Burst).Add(" burst)", Tone.Dim);
        }

        if (tenant.PendingWorkloads > 0)
        {
            line.Add($", {tenant.PendingWorkloads} waiting", Tone.Waiting);
        }

        return tenant.IsSuspended ? line.Add(", suspended", Tone.Bad) : line;
    }

    /// <summary>In proportion, but never nothing for something.</summary>
    private static int Cells(long amount, long full, int cells) =>
        amount <= 0 ? 0 : (int)Math.Clamp((((amount * cells) + (full / 2)) / full), 1, cells);
}
