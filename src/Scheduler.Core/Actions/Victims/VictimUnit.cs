using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions.Victims;

/// <summary>The smallest thing that can be preempted: one surplus pod of an elastic gang, or a whole workload.</summary>
internal sealed class VictimUnit
{
    public VictimUnit(RunningWorkload running, Occupant[] pods, bool isWhole, long lostMilliGpuSeconds, long rank)
    {
        Running = running;
        Pods = pods;
        IsWhole = isWhole;
        LostMilliGpuSeconds = lostMilliGpuSeconds;
        Rank = rank;
        MilliGpu = pods.Sum(pod => pod.Pod.Shape.Gpu.MilliGpu);
        Nodes = [.. pods.Select(pod => pod.Node).Distinct()];
    }

    /// <summary>The workload.</summary>
    public RunningWorkload Running { get; }

    /// <summary>The pods that go: one, or all that are not going already.</summary>
    public Occupant[] Pods { get; }

    /// <summary>Nodes with one of the pods.</summary>
    public NodeState[] Nodes { get; }

    /// <summary>Whether the workload stops.</summary>
    public bool IsWhole { get; }

    /// <summary>The workload, if it was this cycle that bound it: it does not run yet, and loses nothing.</summary>
    public Applicant? JustBound { get; init; }

    /// <summary>1 if a workload stops, else 0.</summary>
    public int Disturbed => IsWhole && JustBound is null ? 1 : 0;

    /// <summary>Work thrown away.</summary>
    public long LostMilliGpuSeconds { get; }

    /// <summary>Position in the order in which victims of equal cost are taken.</summary>
    public long Rank { get; }

    /// <summary>What it holds.</summary>
    public long MilliGpu { get; }

    /// <summary>What the units of a tenant, and of those below it, hold together. A surplus pod beside the whole of its workload counts once.</summary>
    public static long MilliGpuOf(IReadOnlyCollection<VictimUnit> units, TenantNode tenant) => MilliGpuOf(units, tenant, unit => unit.MilliGpu);

    /// <summary>The same of one flavor.</summary>
    public static long MilliGpuOf(IReadOnlyCollection<VictimUnit> units, TenantNode tenant, int flavor) =>
        MilliGpuOf(units, tenant, unit => unit.Pods.Sum(pod => pod.Node.Flavor == flavor ? pod.Pod.Shape.Gpu.MilliGpu : 0));

    private static long MilliGpuOf(IReadOnlyCollection<VictimUnit> units, TenantNode tenant, Func<VictimUnit, long> holding)
    {
        var milliGpu = 0L;
        foreach (var unit in units)
        {
            if (unit.Running.Tenant!.IsAtOrBelow(tenant) && (unit.IsWhole || !HasWholeOf(units, unit.Running)))
            {
                milliGpu += holding(unit);
            }
        }

        return milliGpu;
    }

    private static bool HasWholeOf(IReadOnlyCollection<VictimUnit> units, RunningWorkload running)
    {
        foreach (var unit in units)
        {
            if (unit.IsWhole && unit.Running == running)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Priority of the workload.</summary>
    public int Priority => Running.Workload.Priority;
}
