using Scheduler.Core.Planning;
using Scheduler.Journal.Storage;

namespace Scheduler.Journal.Tests;

/// <summary>A folder that is gone after the test, and writers for it.</summary>
internal sealed class JournalFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("weir-journal-").FullName;

    public IReadOnlyList<string> Segments => [.. Directory.GetFiles(Path, "cycles-*.weirlog").Order(StringComparer.Ordinal)];

    public JournalWriter Open(SchedulingPolicy? policy = null, long maxBytes = 64 << 20, long segmentBytes = 1 << 20) => JournalWriter.Open(new JournalSettings
    {
        Folder = Path,
        MaxBytes = maxBytes,
        SegmentBytes = segmentBytes,
        Version = "1.2.3",
        Replica = "test",
        Policy = policy ?? SchedulingPolicy.Default,
    });

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
