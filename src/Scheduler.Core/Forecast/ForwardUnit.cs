namespace Scheduler.Core.Forecast;

/// <summary>A workload in a forward run: one that runs at the beginning, or waits.</summary>
internal sealed class ForwardUnit
{
    /// <summary>Position of its tenant in the tree, or -1.</summary>
    public required int Tenant { get; init; }

    /// <summary>The class that it waits in, or would wait in again once it made way.</summary>
    public required int Class { get; init; }

    /// <summary>For the draws.</summary>
    public required ulong Salt { get; init; }

    /// <summary>Where its duration is drawn from.</summary>
    public required DurationSource Durations { get; init; }

    /// <summary>Kubernetes priority.</summary>
    public required int Priority { get; init; }

    /// <summary>Whether it can be told to make way.</summary>
    public required bool IsPreemptible { get; init; }

    /// <summary>Seconds for which it is protected after its start.</summary>
    public required long MinRuntimeSeconds { get; init; }

    /// <summary>Seconds between notice and end.</summary>
    public required long GraceSeconds { get; init; }

    /// <summary>Seconds that it ran so far; 0 for one that waits.</summary>
    public long RanSeconds { get; init; }

    /// <summary>When it will have left, in seconds from the beginning, if it is leaving; else null.</summary>
    public long? LeavesAt { get; init; }

    /// <summary>Whether it can be told to make way, and has not been told yet.</summary>
    public bool MayMakeWay => IsPreemptible && Class >= 0 && LeavesAt is null;

    /// <summary>Whether its core is inside the guarantee at the beginning.</summary>
    public bool IsGuaranteed { get; init; }

    /// <summary>Where its pods are at the beginning.</summary>
    public (int Node, int Need)[] Places { get; init; } = [];
}

/// <summary>What one pod takes of a node.</summary>
/// <param name="Idle">Whole devices.</param>
/// <param name="Partial">Milli-GPU of one device, or of MIG instances.</param>
/// <param name="MilliCpu">CPU.</param>
/// <param name="MemoryBytes">Memory.</param>
/// <param name="MilliGpu">What it counts against quota.</param>
internal readonly record struct PodNeed(int Idle, int Partial, long MilliCpu, long MemoryBytes, long MilliGpu);

/// <summary>The pods that a workload needs to start, whosever it is: where one of a form finds no room, no other does.</summary>
internal sealed class WaitingForm
{
    /// <summary>Counts forms from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The pods of the core, as numbers of needs, the largest first.</summary>
    public required int[] Pods { get; init; }

    /// <summary>For each pod of the core, which groups of nodes it can run on.</summary>
    public required bool[][] Groups { get; init; }

    /// <summary>What the core counts against quota, in milli-GPU.</summary>
    public required long MilliGpu { get; init; }
}

/// <summary>Waiting workloads of one tenant that are alike: what the first of them cannot have, the others cannot have either.</summary>
internal sealed class WaitingClass
{
    /// <summary>Position of the tenant in the tree.</summary>
    public required int Tenant { get; init; }

    /// <summary>Kubernetes priority.</summary>
    public required int Priority { get; init; }

    /// <summary>Whether it may run beyond the guarantee.</summary>
    public required bool MayBurst { get; init; }

    /// <summary>Whether others may be sent away for it.</summary>
    public required bool MayPreempt { get; init; }

    /// <summary>What it needs to start.</summary>
    public required WaitingForm Form { get; init; }

    /// <summary>Counts searches for victims: classes with the same number have the same victims.</summary>
    public required int Search { get; init; }

    /// <summary>The units that wait, in the order of the tenant's queue.</summary>
    public List<int> Units { get; } = [];
}
