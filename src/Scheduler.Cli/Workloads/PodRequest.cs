using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Cli.Workloads;

/// <summary>What each pod of a workload asks for, and what it says about itself.</summary>
internal sealed record PodRequest
{
    /// <summary>The least that an expected duration can be: zero is none, and the annotation has no finer digits.</summary>
    public static readonly TimeSpan ShortestDuration = TimeSpan.FromMilliseconds(1);

    public GpuRequest Gpu { get; init; } = GpuRequest.None;

    /// <summary>GPU products that it takes; empty: any.</summary>
    public ImmutableArray<string> GpuModels { get; init; } = [];

    public long CpuMilli { get; init; }

    public long MemoryBytes { get; init; }

    /// <summary>How long it runs; null: until it is deleted.</summary>
    public TimeSpan? Duration { get; init; }

    public string? PriorityClass { get; init; }

    /// <summary>Whether it opts into preemption though nothing would recreate it.</summary>
    public bool IsPreemptible { get; init; }

    /// <summary>Further annotations and labels.</summary>
    public ImmutableSortedDictionary<string, string> Annotations { get; init; } = Node.NoLabels;

    public ImmutableSortedDictionary<string, string> Labels { get; init; } = Node.NoLabels;
}

/// <summary>A gang: these pods start together or not at all.</summary>
internal sealed record Gang(string Name, int MinMember);
