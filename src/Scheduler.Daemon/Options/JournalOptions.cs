using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Scheduler.Daemon.Options;

/// <summary>Section <c>journal</c>: what each cycle saw and decided, on disk, for <c>weir replay</c> and <c>weir explain --at</c>.</summary>
public sealed class JournalOptions
{
    /// <summary>The folder, of this replica alone; made if it is not there. Empty: no journal is kept. Default empty.</summary>
    public string Folder { get; set; } = "";

    /// <summary>The most that it takes on disk in MiB, 16 to 1048576; the oldest cycles go first. Default 1024.</summary>
    [Range(16, 1_048_576)]
    public int MaxMebibytes { get; set; } = 1024;

    /// <summary>A segment ends after this many MiB of changes, 1 to 1024, at most a quarter of maxMebibytes. Default 64. Each begins with a whole snapshot.</summary>
    [Range(1, 1024)]
    public int SegmentMebibytes { get; set; } = 64;

    /// <summary>Cycles that may wait to be written, 1 to 10000; beyond it they are left out and counted. Default 64.</summary>
    [Range(1, 10_000)]
    public int QueueCycles { get; set; } = 64;
}

/// <summary>Checks the ranges on <see cref="JournalOptions"/>.</summary>
[OptionsValidator]
public sealed partial class JournalOptionsRangeValidator : IValidateOptions<JournalOptions>;
