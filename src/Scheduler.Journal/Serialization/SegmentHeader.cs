using Scheduler.Core.Planning;

namespace Scheduler.Journal.Serialization;

/// <summary>The first record of a segment: what holds for every cycle in it.</summary>
public sealed record SegmentHeader
{
    /// <summary>The layout of records that this program writes, and the only one that it reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The layout of the records.</summary>
    public required int Format { get; init; }

    /// <summary>The version of the program that planned. Another may plan otherwise.</summary>
    public required string Version { get; init; }

    /// <summary>The replica.</summary>
    public required string Replica { get; init; }

    /// <summary>The policy that was planned with.</summary>
    public required SchedulingPolicy Policy { get; init; }
}
