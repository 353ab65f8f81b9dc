using System.Globalization;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Rendering;

namespace Scheduler.Cli.Up;

/// <summary>What a run of <c>weir up</c> came to. The JSON of <c>--output json</c>.</summary>
internal sealed record UpSummary
{
    /// <summary>Pods seen.</summary>
    public required int Pods { get; init; }

    /// <summary>Pods that were bound at least once.</summary>
    public required int Bound { get; init; }

    /// <summary>Pods running at the end.</summary>
    public required int Running { get; init; }

    /// <summary>Pods without a node at the end.</summary>
    public required int Pending { get; init; }

    /// <summary>Pods that ran to their end.</summary>
    public required int Succeeded { get; init; }

    /// <summary>Pods that ended otherwise.</summary>
    public required int Failed { get; init; }

    /// <summary>Pods that Weir told to go.</summary>
    public required int Evicted { get; init; }

    /// <summary>Work that was thrown away with them, as the planner estimates it, the time to start again included.</summary>
    public required decimal LostGpuHours { get; init; }

    /// <summary>Objects that the API server did not take, and pods that cannot be queued.</summary>
    public required int Refused { get; init; }

    /// <summary>Devices that held more than one GPU's worth at any moment; 0 is right.</summary>
    public required int OvercommittedDevices { get; init; }

    /// <summary>Nodes on which CPU, memory, GPUs or MIG instances held more than there is; 0 is right.</summary>
    public required int OvercommittedNodes { get; init; }

    /// <summary>Wall time from the start of the command.</summary>
    public required double Seconds { get; init; }

    /// <summary>Wall time in which the workload arrives.</summary>
    public required double ArrivalSeconds { get; init; }

    /// <summary>GPUs of the cluster.</summary>
    public required decimal Gpus { get; init; }

    /// <summary>GPUs in use at the end.</summary>
    public required decimal Used { get; init; }

    /// <summary>Whether the workload had settled: everything placed, or waiting with a reason.</summary>
    public required bool Settled { get; init; }

    public required IReadOnlyList<TenantSummary> Tenants { get; init; }

    /// <summary>Waiting workloads by reason at the end.</summary>
    public required IReadOnlyDictionary<string, int> WaitReasons { get; init; }

    public void Write(Terminal terminal)
    {
        var table = new TextTable(
            ("TENANT", false), ("GUARANTEED", true), ("LIMIT", true), ("USED", true), ("BURST", true), ("WAITING PODS", true));
        foreach (var tenant in Tenants)
        {
            table.Add(
                new string(' ', 2 * tenant.Depth) + tenant.Name, Number(tenant.Guaranteed), tenant.Limit is { } limit ? Number(limit) : "-", Number(tenant.Used),
                Number(tenant.UsedBurst), tenant.Pending.ToString(NumberFormatInfo.InvariantInfo));
        }

        terminal.Out.WriteLine();
        table.Write(terminal.Out, terminal.Size().Columns);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(string.Create(
            NumberFormatInfo.InvariantInfo,
            $"{Seconds:0.0} s: {Bound} of {Pods} pods got a node; {Running} are running, {Succeeded} have finished, {Pending} wait{Some(Evicted, "evicted")}{Some(Failed, "failed")}{Some(Refused, "refused")}."));
        terminal.Out.WriteLine($"{Number(Used)} of {Number(Gpus)} GPUs in use; over-committed devices: {OvercommittedDevices}.");
        if (Evicted > 0)
        {
            terminal.Out.WriteLine($"Told to go, to make room or because a GPU is out of service: {Evicted} pods; about {LostGpuHours.ToString("0.00", NumberFormatInfo.InvariantInfo)} GPU-hours of work lost.");
        }

        if (WaitReasons.Count > 0)
        {
            terminal.Out.WriteLine($"Waiting workloads by reason: {string.Join(", ", WaitReasons.Select(pair => $"{pair.Key} {pair.Value}"))}.");
        }
    }

    private static string Some(int count, string what) =>
        count == 0 ? "" : string.Create(NumberFormatInfo.InvariantInfo, $", {count} {what}");

    private static string Number(decimal gpus) => gpus.ToString("0.###", NumberFormatInfo.InvariantInfo);
}

/// <summary>A tenant at the end; GPUs.</summary>
internal sealed record TenantSummary
{
    public required string Name { get; init; }

    public string? Parent { get; init; }

    public required decimal Guaranteed { get; init; }

    /// <summary>Null where it has no limit.</summary>
    public required decimal? Limit { get; init; }

    public required decimal Used { get; init; }

    public required decimal UsedGuaranteed { get; init; }

    public required decimal UsedBurst { get; init; }

    /// <summary>Pods without a node.</summary>
    public required int Pending { get; init; }

    public required int PendingWorkloads { get; init; }

    [System.Text.Json.Serialization.JsonIgnore]
    public int Depth { get; init; }
}
