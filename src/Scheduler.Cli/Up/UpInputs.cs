using System.Collections.Immutable;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Input;
using Scheduler.Cli.Workloads;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Input;

namespace Scheduler.Cli.Up;

/// <summary>What <c>weir up</c> starts with, read and checked before anything starts.</summary>
internal sealed record UpInputs(NodeList Nodes, ImmutableArray<Tenant> Tenants, SchedulingPolicy Policy, WorkloadSchedule Schedule)
{
    private const string DemoStory = "Watch: search idles at first, so others borrow its GPUs; at 12 s it needs them.";

    private const string DemoNodes = "demo/nodes.yaml";
    private const string DemoTenants = "demo/tenants.yaml";
    private const string DemoWorkload = "demo/workload.yaml";

    /// <summary>What there is to see, in a line that fits 80 columns; empty if only the user can know.</summary>
    public string Story { get; private init; } = "";

    /// <summary>Faults to inject, by time; those that are typed come besides.</summary>
    public ImmutableArray<FaultCommand> Faults { get; private init; } = [];

    /// <summary>Whether faults are read from stdin, too.</summary>
    public bool ReadsFaults { get; private init; }

    /// <summary>
    /// Reads the files; every mistake of all of them at once. What is not given comes from the demo, as far as it fits
    /// together: own nodes get four equal tenants, own nodes or tenants get no workload.
    /// </summary>
    /// <exception cref="Commands.UserErrorException">There are mistakes.</exception>
    public static UpInputs Read(UpOptions options)
    {
        var errors = new FileErrors();
        var nodes = options.NodeFile is { } nodeFile
            ? NodeFile.Read(nodeFile, errors)
            : NodeFile.OfText(DemoNodes, EmbeddedCluster.Resource(DemoNodes), errors);
        var configuration = ReadConfiguration(options, nodes, errors);
        errors.ThrowIfAny();

        var isDemo = options is { NodeFile: null, TenantFile: null };
        var tenants = options.TenantFile is null && !isDemo ? TenantSets.Equal(nodes!) : configuration!.Tenants;
        if (options.TenantFile is null && options.WorkloadFile is { } list && NodeFile.IsCsv(list))
        {
            tenants = TenantSets.Equal(nodes!);
        }

        var schedule = ReadSchedule(options, tenants, isDemo, errors);
        var faults = options.Injections.Where(text => text != FaultCommand.FromStandardInput).Select(text => FaultCommand.Parse(text, isTimed: true)).ToList();
        foreach (var mistake in faults.Select(fault => fault.Mistake ?? fault.Command!.MistakeOn(nodes!)).OfType<string>())
        {
            errors.Add("--inject", 0, "", mistake);
        }

        errors.ThrowIfAny();
        return new UpInputs(nodes!, tenants, configuration?.Policy ?? SchedulingPolicy.Default, schedule!)
        {
            Faults = [.. faults.Select(fault => fault.Command!).OrderBy(fault => fault.At)],
            ReadsFaults = options.Injections.Contains(FaultCommand.FromStandardInput),
            Story = isDemo && options.WorkloadFile is null ? DemoStory : "",
        };
    }

    private static Configuration? ReadConfiguration(UpOptions options, NodeList? nodes, FileErrors errors)
    {
        if (options.TenantFile is null && options.PolicyFile is null)
        {
            return ConfigurationReader.OfText(DemoTenants, EmbeddedCluster.Resource(DemoTenants), errors);
        }

        string?[] files = [options.TenantFile, options.PolicyFile];
        var configuration = ConfigurationReader.Read(
            files.OfType<string>(), errors, options.TenantFile is null ? null : nodes?.InstalledMilliGpu());
        if (configuration is { Tenants.IsEmpty: true } && options.TenantFile is { } tenantFile)
        {
            errors.Add(tenantFile, 0, "", "has no Tenant; without one every pod waits");
        }

        return options.TenantFile is null && configuration is not null
            ? ConfigurationReader.OfText(DemoTenants, EmbeddedCluster.Resource(DemoTenants), errors)! with { Policy = configuration.Policy }
            : configuration;
    }

    private static WorkloadSchedule? ReadSchedule(UpOptions options, ImmutableArray<Tenant> tenants, bool isDemo, FileErrors errors)
    {
        if (options.WorkloadFile is not { } path)
        {
            return isDemo
                ? WorkloadFile.OfText(DemoWorkload, EmbeddedCluster.Resource(DemoWorkload), tenants, options.Speed, errors)! with { About = "the demo" }
                : WorkloadSchedule.Nothing;
        }

        if (!NodeFile.IsCsv(path))
        {
            return WorkloadFile.Read(path, tenants, options.Speed, errors);
        }

        ImmutableArray<string> namespaces = [.. tenants.SelectMany(tenant => tenant.Namespaces.Take(1))];
        if (namespaces.IsEmpty)
        {
            errors.Add(options.TenantFile ?? path, 0, "", "no tenant owns a namespace, so the pods of the list have nowhere to go");
            return null;
        }

        return OpenbPods.Read(path, namespaces, options.Limit, options.Speed, errors);
    }
}
