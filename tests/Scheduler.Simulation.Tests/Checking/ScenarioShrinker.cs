using System.Collections.Immutable;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Checking;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;
using Xunit;

namespace Scheduler.Simulation.Tests.Checking;

/// <summary>
/// Makes a scenario that breaks an invariant small: leaves out jobs, nodes, tenants and faults as long as the same invariant still
/// breaks, until nothing more can be left out.
/// </summary>
/// <param name="makeScheduler">Who decides; a new one for each run.</param>
internal sealed class ScenarioShrinker(Func<IScheduler> makeScheduler)
{
    /// <summary>What breaks in a scenario.</summary>
    public ImmutableArray<SimulationViolation> Run(SimulationSetup setup)
    {
        var scheduler = makeScheduler();
        var checker = new InvariantChecker(scheduler);
        Simulator.Run(setup, scheduler, [checker], TestContext.Current.CancellationToken);
        return checker.Violations;
    }

    /// <summary>The smallest scenario that is found in which this invariant breaks, as it does in the one given.</summary>
    public SimulationSetup Shrink(SimulationSetup setup, string invariant)
    {
        for (var size = -1; size != SizeOf(setup);)
        {
            size = SizeOf(setup);
            setup = Without(setup, setup.Jobs, (old, jobs) => old with { Jobs = jobs }, invariant);
            setup = Without(setup, setup.Nodes, (old, nodes) => old with { Nodes = nodes }, invariant);
            setup = Without(setup, TenantsOf(setup), WithTenants, invariant);
            foreach (var fewer in FewerFaults(setup.Faults))
            {
                var candidate = setup with { Faults = fewer };
                setup = SizeOf(candidate) < SizeOf(setup) && Breaks(candidate, invariant) ? candidate : setup;
            }
        }

        return setup;
    }

    private static int SizeOf(SimulationSetup setup) => setup.Jobs.Length + setup.Nodes.Length + setup.Tenants.Nodes.Length
        + (setup.Faults.NodeSecondsToFailure is null ? 0 : 1) + (setup.Faults.DeviceSecondsToFailure is null ? 0 : 1) + setup.Faults.Planned.Length;

    private static IEnumerable<FaultModel> FewerFaults(FaultModel faults) =>
    [
        FaultModel.None,
        faults with { NodeSecondsToFailure = null },
        faults with { DeviceSecondsToFailure = null },
        faults with { Planned = [] },
    ];

    private static ImmutableArray<Tenant> TenantsOf(SimulationSetup setup) => [.. setup.Tenants.Nodes.Select(node => node.Tenant)];

    private static SimulationSetup? WithTenants(SimulationSetup setup, ImmutableArray<Tenant> tenants) =>
        setup.Jobs.All(job => tenants.Any(tenant => tenant.Id == job.Workload.Tenant)) && TenantTree.TryCreate(tenants, out var tree, out _)
            ? setup with { Tenants = tree }
            : null;

    /// <summary>Leaves out pieces of a list, first halves and at last single elements.</summary>
    private SimulationSetup Without<T>(
        SimulationSetup setup, ImmutableArray<T> all, Func<SimulationSetup, ImmutableArray<T>, SimulationSetup?> with, string invariant)
    {
        for (var piece = Math.Max(1, all.Length / 2); piece > 0; piece /= 2)
        {
            for (var start = 0; start < all.Length;)
            {
                var rest = all.RemoveRange(start, Math.Min(piece, all.Length - start));
                if (with(setup, rest) is { } candidate && IsSound(candidate) && Breaks(candidate, invariant))
                {
                    (setup, all) = (candidate, rest);
                }
                else
                {
                    start += piece;
                }
            }
        }

        return setup;
    }

    /// <summary>Guarantees beyond the hardware would be another fault than the one that is looked for.</summary>
    private static bool IsSound(SimulationSetup setup) =>
        setup.Tenants.Nodes.Where(node => node.Parent is null).SelectMany(node => node.Tenant.Quotas).Sum(quota => quota.GuaranteedMilliGpu)
        <= setup.Nodes.Sum(node => node.InstalledMilliGpu);

    private bool Breaks(SimulationSetup setup, string invariant) => Run(setup).Any(violation => violation.Invariant == invariant);
}
