using System.CommandLine;
using System.Text.Json;
using Scheduler.Cli.Input;
using Scheduler.Cli.Rendering;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Input;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir validate</c>: every mistake of tenants and policy at once, before a cluster sees them.</summary>
internal static class ValidateCommand
{
    public static Command Create(Terminal terminal)
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "Files with Tenant and SchedulingPolicy documents; they are checked together",
            Arity = ArgumentArity.OneOrMore,
        };
        var nodes = CommonOptions.Nodes("Check too that the guarantees fit into these nodes (own YAML, or an openb list .csv)");
        var output = CommonOptions.Output();
        var command = new Command("validate", "Check tenants and policy: every mistake at once, each with its line and field") { files, nodes, output };
        command.SetAction(result => Run(terminal, result.GetRequiredValue(files), result.GetValue(nodes), result.GetValue(output)));
        return command;
    }

    private static int Run(Terminal terminal, string[] files, string? nodeFile, OutputFormat format)
    {
        var errors = new FileErrors();
        var capacity = nodeFile is null ? null : NodeFile.Read(nodeFile, errors)?.InstalledMilliGpu();
        var configuration = ConfigurationReader.Read(files, errors, capacity);
        if (format == OutputFormat.Json)
        {
            terminal.Out.WriteLine(JsonSerializer.Serialize(
                new ValidationResult(
                    configuration is not null,
                    [.. configuration?.Tree.Nodes.Select(ValidTenant.Of) ?? []],
                    [.. errors.Sorted.Select(error => new ValidationError(error.File, error.Line, error.Path, error.Message))]),
                CliJson.Readable.ValidationResult));
        }

        errors.ThrowIfAny();
        if (format == OutputFormat.Table)
        {
            WriteSummary(terminal, configuration!, capacity);
        }

        return ExitCodes.Success;
    }

    private static void WriteSummary(Terminal terminal, Configuration configuration, IReadOnlyDictionary<FlavorId, long>? capacity)
    {
        var tree = configuration.Tree;
        if (!tree.Nodes.IsEmpty)
        {
            var table = new TextTable(("TENANT", false), ("FLAVOR", false), ("GUARANTEED", true), ("LIMIT", true), ("NAMESPACES", false));
            foreach (var tenant in tree.Nodes)
            {
                AddRows(table, tenant);
            }

            table.Write(terminal.Out, terminal.Size().Columns);
        }

        var guaranteed = tree.Nodes.Where(node => node.Parent is null).Sum(node => node.TotalGuaranteedMilliGpu);
        var of = capacity is null ? "" : $" of the {GpuAmount.Format(capacity.Values.Sum())} in the cluster";
        var tenants = tree.Nodes.Length == 1 ? "1 tenant" : $"{tree.Nodes.Length} tenants";
        terminal.Out.WriteLine($"{tenants}, {GpuAmount.Format(guaranteed)} GPUs guaranteed{of}. No mistakes.");
        if (configuration.Policy is { } policy)
        {
            var share = policy.MaxShareOfClusterPermille is { } permille
                ? $"one tenant at the top may use {permille / 10m:0.#} % of the cluster"
                : "no cap on one tenant's share";
            terminal.Out.WriteLine(
                $"Policy: {share}; scores: fragmentation {policy.Scores.Fragmentation}, packing {policy.Scores.Packing}, preference {policy.Scores.Preference}.");
        }
    }

    private static void AddRows(TextTable table, TenantNode tenant)
    {
        var depth = 0;
        for (var above = tenant.Parent; above is not null; above = above.Parent)
        {
            depth++;
        }

        var name = new string(' ', 2 * depth) + tenant.Id;
        var namespaces = string.Join(",", tenant.Tenant.Namespaces);
        if (tenant.Tenant.Quotas.IsEmpty)
        {
            table.Add(name, "", GpuAmount.Format(tenant.TotalGuaranteedMilliGpu), "", namespaces);
        }

        foreach (var quota in tenant.Tenant.Quotas)
        {
            var isFirst = quota == tenant.Tenant.Quotas[0];
            table.Add(
                isFirst ? name : "", quota.Flavor.Value, GpuAmount.Format(quota.GuaranteedMilliGpu), GpuAmount.Format(quota.LimitMilliGpu),
                isFirst ? namespaces : "");
        }
    }
}

/// <summary>The JSON of <c>weir validate</c>.</summary>
internal sealed record ValidationResult(bool Valid, IReadOnlyList<ValidTenant> Tenants, IReadOnlyList<ValidationError> Errors);

/// <summary>A tenant that was found right; GPUs.</summary>
internal sealed record ValidTenant(string Name, string? Parent, decimal Guaranteed, IReadOnlyList<string> Namespaces)
{
    public static ValidTenant Of(TenantNode node) =>
        new(node.Id.Value, node.Parent?.Id.Value, node.TotalGuaranteedMilliGpu / 1000m, node.Tenant.Namespaces);
}

/// <summary>A mistake; line 0 where no line is to blame.</summary>
internal sealed record ValidationError(string File, int Line, string Path, string Message);
