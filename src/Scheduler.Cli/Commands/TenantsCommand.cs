using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Rendering;
using Scheduler.Cli.Views;
using Scheduler.Core.Quota;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir tenants</c>: what each tenant is promised and what it uses.</summary>
internal static class TenantsCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var address = CommonOptions.Address(terminal);
        var output = CommonOptions.Output();
        var command = new Command("tenants", "Show guarantee, limit and use of every tenant") { address, output };
        command.SetAction(async (result, stop) =>
        {
            await using var client = DaemonClient.Open(result.GetValue(address)!, time, DaemonCredentials.Of(result));
            var tenants = await client.ListTenantsAsync(stop);
            if (result.GetValue(output) == OutputFormat.Json)
            {
                terminal.Out.WriteLine(JsonSerializer.Serialize(new TenantsResult([.. tenants.Select(TenantRow.Of)]), CliJson.Readable.TenantsResult));
            }
            else
            {
                Write(terminal, tenants);
            }

            return ExitCodes.Success;
        });
        return DaemonCredentials.AddTo(command);
    }

    private static void Write(Terminal terminal, ImmutableArray<TenantView> tenants)
    {
        if (tenants.IsEmpty)
        {
            terminal.Out.WriteLine("There are no tenants; apply a Tenant manifest.");
            return;
        }

        if (terminal.IsOutTerminal)
        {
            var columns = terminal.Size().Columns;
            TerminalWriter.Write(terminal, [.. Dashboard.TenantLines(tenants, tenants.Length, columns), TenantBar.Legend.Cut(columns)]);
            return;
        }

        var table = new TextTable(
            ("TENANT", false), ("GUARANTEED", true), ("LIMIT", true), ("USED", true), ("USED GUARANTEED", true), ("USED BURST", true), ("WAITING", true),
            ("WAITING GPUS", true));
        foreach (var tenant in tenants)
        {
            table.Add(
                new string(' ', 2 * tenant.Depth) + tenant.Name,
                GpuAmount.Format(tenant.GuaranteedMilli),
                tenant.LimitMilli is { } limit ? GpuAmount.Format(limit) : "-",
                GpuAmount.Format(tenant.UsedMilli),
                GpuAmount.Format(tenant.UsedGuaranteedMilli),
                GpuAmount.Format(tenant.UsedBurstMilli),
                $"{tenant.PendingWorkloads}",
                GpuAmount.Format(tenant.PendingMilli));
        }

        table.Write(terminal.Out, int.MaxValue);
    }
}

/// <summary>The JSON of <c>weir tenants</c>.</summary>
internal sealed record TenantsResult(IReadOnlyList<TenantRow> Tenants);

/// <summary>A tenant; GPUs.</summary>
internal sealed record TenantRow(
    string Name, string? Parent, decimal Guaranteed, decimal? Limit, decimal Used, decimal UsedGuaranteed, decimal UsedBurst, decimal Pending,
    int PendingWorkloads, bool Suspended)
{
    public static TenantRow Of(TenantView tenant) => new(
        tenant.Name, tenant.Parent, tenant.GuaranteedMilli / 1000m, tenant.LimitMilli / 1000m, tenant.UsedMilli / 1000m,
        tenant.UsedGuaranteedMilli / 1000m, tenant.UsedBurstMilli / 1000m, tenant.PendingMilli / 1000m, tenant.PendingWorkloads, tenant.IsSuspended);
}
