using Scheduler.Core.Planning;

namespace Scheduler.Journal.Storage;

/// <summary>Where a journal is written, and how much of it is kept.</summary>
public sealed record JournalSettings
{
    /// <summary>The folder. It is made if it is not there; one daemon at a time writes to it.</summary>
    public required string Folder { get; init; }

    /// <summary>The most bytes that all segments together have. The oldest are deleted before it is exceeded.</summary>
    public required long MaxBytes { get; init; }

    /// <summary>A segment ends when what follows its first cycle has this many bytes. At most a quarter of <see cref="MaxBytes"/>.</summary>
    public required long SegmentBytes { get; init; }

    /// <summary>The version of the program.</summary>
    public required string Version { get; init; }

    /// <summary>The replica.</summary>
    public required string Replica { get; init; }

    /// <summary>The policy that is planned with.</summary>
    public required SchedulingPolicy Policy { get; init; }
}
