using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Cli.Views;
using Scheduler.Core.Quota;
using Scheduler.Input;

namespace Scheduler.Cli.Rendering;

/// <summary>Everything that the live view shows at one moment.</summary>
internal sealed record DashboardModel
{
    public required string Kubectl { get; init; }

    public required TimeSpan Elapsed { get; init; }

    public DateTimeOffset Now { get; init; }

    public long CapacityMilli { get; init; }

    public long UsedMilli { get; init; }

    public int Nodes { get; init; }

    public int Running { get; init; }

    public int Finished { get; init; }

    /// <summary>Pods that were told to go, to make room.</summary>
    public int Evicted { get; init; }

    /// <summary>Work that went with them.</summary>
    public decimal LostGpuHours { get; init; }

    public ImmutableArray<TenantView> Tenants { get; init; } = [];

    public ImmutableArray<QueueView> Queue { get; init; } = [];

    /// <summary>Newest last.</summary>
    public ImmutableArray<StyledLine> Events { get; init; } = [];

    /// <summary>What there is to see, in a line; may be empty.</summary>
    public string Story { get; init; } = "";

    /// <summary>What to press, or how long it goes on.</summary>
    public string Ending { get; init; } = "";
}

/// <summary>
/// Lays the live view out: never wider than the terminal, never higher. Tenants come first, then as much of the queue and of
/// the recent decisions as there is room for; what is left out is counted. Pure.
/// </summary>
internal static class Dashboard
{
    private const int NarrowColumns = 100;
    private const int MaxNameColumns = 20;

    public static ImmutableArray<StyledLine> Render(DashboardModel model, int columns, int rows)
    {
        var lines = new List<StyledLine> { columns < NarrowColumns ? ShortTitle(model) : Title(model), StyledLine.Of(model.Kubectl, Tone.Dim) };
        if (model.Story.Length > 0)
        {
            lines.Add(StyledLine.Of(model.Story, Tone.Dim));
        }

        lines.Add(new());
        var room = Math.Max(8, rows - 1) - lines.Count;

        // Headings and the blank lines between the parts take 4, the legend 1.
        var tenantRows = Math.Min(model.Tenants.Length, Math.Max(1, room - 9));
        AddTenants(lines, model, tenantRows, columns);
        var left = room - tenantRows - 5;
        var eventRows = Math.Min(Math.Max(3, left / 2), model.Events.Length);
        var queueRows = Math.Max(1, left - eventRows);
        AddQueue(lines, model, queueRows, columns);
        AddEvents(lines, model, Math.Max(0, Math.Max(8, rows - 1) - lines.Count - 2));
        return [.. lines.Select(line => line.Cut(columns)).Take(Math.Max(8, rows - 1))];
    }

    private static StyledLine Title(DashboardModel model) => new StyledLine()
        .Add("weir", Tone.Heading)
        .Add(string.Create(NumberFormatInfo.InvariantInfo, $"  {(int)model.Elapsed.TotalSeconds} s  "), Tone.Dim)
        .Add($"{GpuAmount.Format(model.UsedMilli)} of {GpuAmount.Format(model.CapacityMilli)} GPUs in use on {model.Nodes} nodes; ")
        .Add($"{model.Running} pods running, {model.Finished} finished")
        .Add(model.Evicted == 0 ? "" : string.Create(NumberFormatInfo.InvariantInfo, $", {model.Evicted} preempted ({model.LostGpuHours:0.00} GPU-h lost)"), Tone.Bad)
        .Add("; ")
        .Add($"{model.Queue.Length} waiting", model.Queue.IsEmpty ? Tone.Plain : Tone.Waiting)
        .Add(model.Ending.Length > 0 ? $"  ({model.Ending})" : "", Tone.Dim);

    private static StyledLine ShortTitle(DashboardModel model) => new StyledLine()
        .Add("weir", Tone.Heading)
        .Add(string.Create(NumberFormatInfo.InvariantInfo, $"  {(int)model.Elapsed.TotalSeconds} s  "), Tone.Dim)
        .Add($"{GpuAmount.Format(model.UsedMilli)} of {GpuAmount.Format(model.CapacityMilli)} GPUs, ")
        .Add($"{model.Running} running, ")
        .Add($"{model.Queue.Length} waiting", model.Queue.IsEmpty ? Tone.Plain : Tone.Waiting)
        .Add(model.Ending.Length > 0 ? $"  ({model.Ending})" : "", Tone.Dim);

    private static void AddTenants(List<StyledLine> lines, DashboardModel model, int count, int columns)
    {
        lines.AddRange(TenantLines(model.Tenants, count, columns));
        lines.Add(TenantBar.Legend);
        lines.Add(new());
    }

    /// <summary>A line with bar and numbers for each tenant, and one that counts those left out.</summary>
    public static IEnumerable<StyledLine> TenantLines(ImmutableArray<TenantView> tenants, int count, int columns)
    {
        var isShort = columns < NarrowColumns;
        var nameColumns = Math.Min(MaxNameColumns, tenants.Select(NameOf).Select(name => name.Length).DefaultIfEmpty(6).Max());
        var numbers = tenants.Select(tenant => TenantBar.Numbers(tenant, isShort)).ToArray();
        var numberColumns = Math.Min(columns / 2, numbers.Select(line => line.Width).DefaultIfEmpty(0).Max());
        // A fixed place for the numbers keeps the bars from jumping while numbers grow and shrink.
        var barColumns = columns - nameColumns - Math.Max(numberColumns, isShort ? 26 : 52) - 4;
        var shown = tenants.Length > count ? Math.Max(0, count - 1) : tenants.Length;
        for (var index = 0; index < shown; index++)
        {
            yield return new StyledLine()
                .Add(TextTable.Cut(NameOf(tenants[index]), nameColumns).PadRight(nameColumns + 2), Tone.Heading)
                .Add(TenantBar.Draw(tenants[index], barColumns)).Add("  ").Add(numbers[index]);
        }

        if (shown < tenants.Length)
        {
            yield return StyledLine.Of($"… and {tenants.Length - shown} more tenants; weir tenants shows all", Tone.Dim);
        }
    }

    private static void AddQueue(List<StyledLine> lines, DashboardModel model, int count, int columns)
    {
        lines.Add(StyledLine.Of(model.Queue.IsEmpty ? "QUEUE  nothing waits" : "QUEUE", Tone.Heading));
        var shown = model.Queue.Length > count ? count - 1 : model.Queue.Length;
        var nameColumns = Math.Min(columns / 3, model.Queue.Take(shown).Select(entry => entry.Workload.Length).DefaultIfEmpty(0).Max());
        var hasRoomForWords = 2 * shown < count;
        foreach (var entry in model.Queue.Take(shown))
        {
            var waited = entry.Since is { } since ? DurationText.Short(model.Now - since) : "";
            var head = new StyledLine()
                .Add(entry.PlaceOverall.ToString(NumberFormatInfo.InvariantInfo).PadLeft(4)).Add("  ")
                .Add(TextTable.Cut(entry.Workload, nameColumns).PadRight(nameColumns)).Add("  ")
                .Add(waited.PadLeft(6), Tone.Dim).Add("  ")
                .Add(entry.Reason, Tone.Waiting);
            if (hasRoomForWords && head.Width + entry.Message.Length + 2 > columns)
            {
                lines.Add(head);
                lines.Add(new StyledLine().Add("      ").Add(entry.Message, Tone.Dim));
            }
            else
            {
                lines.Add(head.Add(": ").Add(entry.Message));
            }
        }

        if (shown < model.Queue.Length)
        {
            lines.Add(StyledLine.Of($"      … and {model.Queue.Length - shown} more; weir queue shows all", Tone.Dim));
        }

        lines.Add(new());
    }

    private static void AddEvents(List<StyledLine> lines, DashboardModel model, int count)
    {
        lines.Add(StyledLine.Of("RECENT DECISIONS", Tone.Heading));
        lines.AddRange(model.Events.TakeLast(count));
    }

    private static string NameOf(TenantView tenant) => new string(' ', 2 * tenant.Depth) + tenant.Name;
}
