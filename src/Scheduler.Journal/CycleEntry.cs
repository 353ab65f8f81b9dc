using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Journal;

/// <summary>A pod that was not queued because something had to be mended first.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Reason">A machine-readable word.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
public sealed record JournaledPod(string Namespace, string Name, string Reason, string Message);

/// <summary>One cycle, as it is handed to <see cref="Storage.JournalWriter"/>.</summary>
public sealed record CycleEntry
{
    /// <summary>Its number; counts from 1 in each run of a daemon.</summary>
    public required long Number { get; init; }

    /// <summary>What it saw.</summary>
    public required ClusterSnapshot Snapshot { get; init; }

    /// <summary>What it decided.</summary>
    public required Plan Plan { get; init; }

    /// <summary>Whether the decisions were carried out; false on a replica that stood by.</summary>
    public required bool IsApplied { get; init; }

    /// <summary>Who led, as far as this replica knew.</summary>
    public string? Leader { get; init; }

    /// <summary>How long the cycle took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Decisions that no longer held when they were to be applied.</summary>
    public ImmutableArray<Decision> Refused { get; init; } = [];

    /// <summary>Pods that were not queued, by id.</summary>
    public ImmutableArray<JournaledPod> Unqueued { get; init; } = [];
}
