using System.Collections.Immutable;
using System.Diagnostics;
using Scheduler.Benchmarks.Clusters;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Benchmarks.Measuring;

/// <summary>What is planned.</summary>
internal sealed record PlanScenario(int Nodes, int Pending, int Tenants, int Runs, int Changes, bool Contended);

/// <summary>What it cost. Times are medians unless they say otherwise; <c>Placed</c> and <c>Evicted</c> count pods.</summary>
internal sealed record PlanFigures
{
    public required int Nodes { get; init; }
    public required int Pending { get; init; }
    public required int Tenants { get; init; }
    public required bool Contended { get; init; }
    public required int Runs { get; init; }
    public required int Changes { get; init; }
    public required double FullCycleMs { get; init; }
    public required double SnapshotMs { get; init; }
    public required double ValidatorMs { get; init; }
    public required long Placed { get; init; }
    public required long Waiting { get; init; }
    public required long Evicted { get; init; }
    public required double ChangeP50Ms { get; init; }
    public required double ChangeP99Ms { get; init; }
    public required double ChangeSnapshotP50Ms { get; init; }
    public required long AllocatedBytes { get; init; }

    public long PlacementsPerSecond => FullCycleMs > 0 ? (long)(Placed * 1000 / FullCycleMs) : 0;

    public long AllocatedBytesPerPlacement => Placed > 0 ? AllocatedBytes / Placed : 0;
}

/// <summary>Cold cycles on fresh snapshots, then single changes to the cluster on which the first plan is in effect.</summary>
internal static class PlanMeasurement
{
    private const int WarmUps = 3;

    /// <summary>A daemon runs for weeks: what counts is what a cycle costs once the code of cycles is compiled.</summary>
    private const int WarmUpChanges = 200;

    /// <summary>The runtime compiles hot code again in the background, which takes a while whatever the size.</summary>
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromSeconds(2);

    public static PlanFigures Measure(PlanScenario scenario)
    {
        Results.Progress($"plan: {scenario.Nodes} nodes, {scenario.Pending} waiting");
        var nodes = SyntheticCluster.Nodes(scenario.Nodes);
        var tenants = SyntheticCluster.Tenants(scenario.Tenants, scenario.Nodes);
        var workloads = Workloads(scenario, nodes);
        var full = new Samples();
        var snapshots = new Samples();
        var validator = new Samples();
        var warmUp = Stopwatch.StartNew();
        for (var run = 0; run < WarmUps || warmUp.Elapsed < WarmUpTime; run++)
        {
            // Measured like the others, and forgotten.
            RunCold(nodes, tenants, workloads, new Samples(), new Samples(), new Samples());
        }

        var allocated = 0L;
        Plan? plan = null;
        for (var run = 0; run < scenario.Runs; run++)
        {
            (plan, allocated) = RunCold(nodes, tenants, workloads, full, snapshots, run == 0 ? validator : null);
        }

        var changes = MeasureChanges(scenario, new ChangingCluster(
            nodes, tenants, workloads, SyntheticCluster.Waiting(scenario.Changes + WarmUpChanges, scenario.Tenants, first: 900_000)), plan!);
        return new PlanFigures
        {
            Nodes = scenario.Nodes,
            Pending = scenario.Pending,
            Tenants = scenario.Tenants,
            Contended = scenario.Contended,
            Runs = scenario.Runs,
            Changes = scenario.Changes,
            FullCycleMs = full.Median,
            SnapshotMs = snapshots.Median,
            ValidatorMs = validator.Median,
            Placed = plan!.Decisions.OfType<Bind>().Sum(bind => bind.Pods.Length),
            Waiting = plan.Decisions.OfType<Wait>().Count(),
            Evicted = plan.Decisions.OfType<Evict>().Sum(evict => evict.Pods.Length),
            ChangeP50Ms = changes.Planning.Percentile(50),
            ChangeP99Ms = changes.Planning.Percentile(99),
            ChangeSnapshotP50Ms = changes.Snapshots.Percentile(50),
            AllocatedBytes = allocated,
        };
    }

    private static (Plan Plan, long AllocatedBytes) RunCold(
        ImmutableArray<Node> nodes, TenantTree tenants, ImmutableArray<Workload> workloads,
        Samples cycles, Samples snapshots, Samples? validator)
    {
        var snapshot = snapshots.Time(() =>
            new ClusterSnapshotBuilder { Now = SyntheticCluster.Now, Generation = 1 }.Add(nodes).Add(workloads).With(tenants).Build());
        GC.Collect();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var plan = cycles.Time(() => Planner.Compute(snapshot, SchedulingPolicy.Default));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (validator is not null)
        {
            Validate(validator, snapshot, plan);
        }

        return (plan, allocated);
    }

    /// <summary>What waits; in a contended cluster beside what half of the tenants fill it with.</summary>
    private static ImmutableArray<Workload> Workloads(PlanScenario scenario, ImmutableArray<Node> nodes)
    {
        if (!scenario.Contended)
        {
            return SyntheticCluster.Waiting(scenario.Pending, scenario.Tenants);
        }

        var early = SyntheticCluster.Waiting(scenario.Pending, scenario.Tenants / 2);
        var snapshot = new ClusterSnapshotBuilder { Now = SyntheticCluster.Now }
            .Add(nodes).Add(early).With(SyntheticCluster.Tenants(scenario.Tenants, scenario.Nodes)).Build();
        var running = SyntheticCluster.Started(early, Planner.Compute(snapshot, SchedulingPolicy.Default));
        return running.AddRange(SyntheticCluster.Waiting(scenario.Pending, scenario.Tenants, first: scenario.Pending));
    }

    private static (Samples Planning, Samples Snapshots) MeasureChanges(PlanScenario scenario, ChangingCluster cluster, Plan first)
    {
        var planner = new LivingCyclePlanner();
        var planning = new Samples();
        var snapshots = new Samples();
        cluster.Apply(first);
        for (var change = -WarmUpChanges; change < scenario.Changes; change++)
        {
            cluster.Change();
            var isCounted = change >= 0;
            var snapshot = (isCounted ? snapshots : new Samples()).Time(cluster.Snapshot);
            cluster.Apply((isCounted ? planning : new Samples()).Time(() => planner.Next(snapshot)));
        }

        return (planning, snapshots);
    }

    private static void Validate(Samples times, ClusterSnapshot snapshot, Plan plan)
    {
        var violations = times.Time(() => PlanValidator.Check(snapshot, SchedulingPolicy.Default, plan));
        if (!violations.IsEmpty)
        {
            throw new MeasurementException($"the plan breaks {violations.Length} invariants; the first: {violations[0]}");
        }
    }
}
