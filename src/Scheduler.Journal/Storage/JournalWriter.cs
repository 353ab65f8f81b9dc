using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Journal.Serialization;

namespace Scheduler.Journal.Storage;

/// <summary>
/// Appends cycles to a folder. A segment begins with a header and a whole snapshot; after that each cycle is the difference to the one
/// written before, so any number of cycles may be left out between two writes. A segment that was closed is never written again: what a
/// killed writer left torn stays at the end of its file. For one thread at a time.
/// </summary>
public sealed class JournalWriter : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly JournalSettings _settings;
    private readonly FileStream _lock;
    private readonly List<SegmentFile> _closed;
    private readonly CanonicalPlan _canonical = new();
    private readonly ArrayBufferWriter<byte> _text = new();
    private long _nextNumber;
    private OpenSegment? _open;

    private JournalWriter(JournalSettings settings, FileStream folderLock)
    {
        _settings = settings;
        _lock = folderLock;
        _closed = SegmentFile.List(settings.Folder);
        _nextNumber = _closed.Count == 0 ? 1 : _closed[^1].Number + 1;
    }

    /// <summary>Bytes of all segments.</summary>
    public long Bytes => _closed.Sum(segment => segment.Bytes) + (_open?.Stream.Position ?? 0);

    /// <summary>Takes a folder.</summary>
    /// <exception cref="JournalException">It cannot be made or written, or another daemon has it.</exception>
    public static JournalWriter Open(JournalSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(settings.Folder);
            else
                Directory.CreateDirectory(settings.Folder, OwnerOnly | UnixFileMode.UserExecute);
            var folderLock = new FileStream(Path.Combine(settings.Folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new JournalWriter(settings, folderLock);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new JournalException(
                $"the journal folder {settings.Folder} cannot be used ({failure.Message.ReplaceLineEndings(" ")}); it must be writable, and each daemon needs one of its own", failure);
        }
    }

    /// <summary>Appends a cycle. It has reached the operating system when this returns.</summary>
    /// <exception cref="JournalException">The disk refused, or the cycle alone is more than the journal may hold. The next cycle begins a new segment.</exception>
    public void Append(CycleEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        try
        {
            if (_open is { } full && full.Stream.Position - full.FirstBytes >= _settings.SegmentBytes)
                Close();
            if (_open is null || !TryWrite(_open, entry))
                Begin(entry);
        }
        catch (Exception failure)
        {
            // The shapes that this cycle numbered may not be on disk.
            CloseQuietly();
            if (failure is IOException or UnauthorizedAccessException)
                throw new JournalException($"cycle {entry.Number} cannot be written to {_settings.Folder}: {failure.Message.ReplaceLineEndings(" ")}", failure);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CloseQuietly();
        _lock.Dispose();
    }

    private bool TryWrite(OpenSegment segment, CycleEntry entry)
    {
        var record = Encode(segment, entry);
        if (!MakeRoom(segment.Stream.Position + record.Length))
        {
            Close();
            return false;
        }

        Write(segment, record, entry);
        return true;
    }

    private void Begin(CycleEntry entry)
    {
        if (_open is not null)
            Close();
        var segment = new OpenSegment();
        var header = Encode(segment, new SegmentHeader
        {
            Format = SegmentHeader.CurrentFormat,
            Version = _settings.Version,
            Replica = _settings.Replica,
            Policy = _settings.Policy,
        });
        var record = Encode(segment, entry);
        var bytes = header.Length + record.Length;
        if (!MakeRoom(bytes))
        {
            throw new JournalException(
                $"a snapshot of this cluster has {bytes} bytes, more than the {_settings.MaxBytes} that the journal may have; raise journal.maxMebibytes");
        }

        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        var number = _nextNumber++;
        segment.File = new SegmentFile(
            Path.Combine(_settings.Folder, SegmentFile.NameOf(entry.Snapshot.Now, number)), entry.Snapshot.Now, number, 0);
        segment.Stream = new FileStream(segment.File.Path, options);
        _open = segment;
        segment.Stream.Write(header.Span);
        Write(segment, record, entry);
        segment.FirstBytes = segment.Stream.Position;
    }

    private static void Write(OpenSegment segment, ReadOnlyMemory<byte> record, CycleEntry entry)
    {
        segment.Stream.Write(record.Span);
        segment.Last = entry.Snapshot;
        segment.Unqueued = entry.Unqueued;
    }

    private ReadOnlyMemory<byte> Encode(OpenSegment segment, CycleEntry entry)
    {
        var record = SnapshotDifference.Fill(
            new CycleRecord
            {
                Number = entry.Number,
                Generation = entry.Snapshot.Generation,
                Now = entry.Snapshot.Now,
                IsApplied = entry.IsApplied,
                Leader = entry.Leader,
                DurationMicroseconds = (long)entry.Duration.TotalMicroseconds,
                PlanDigest = _canonical.Digest(entry.Plan),
                Waiting = entry.Plan.Decisions.Count(decision => decision is Wait),
                Effects = [.. entry.Plan.Decisions.Where(IsEffect).Select(_canonical.Line)],
                Refused = [.. entry.Refused.Select(_canonical.Line)],
                Unqueued = segment.Unqueued is { } before && before.SequenceEqual(entry.Unqueued) ? null : entry.Unqueued,
            }, segment.Last, entry.Snapshot);
        return Encode(segment, record);
    }

    /// <summary>Waits and timed reservations are not: they come again, much the same, in each cycle, and follow from the snapshot.</summary>
    internal static bool IsEffect(Decision decision) => decision is not (Wait or Reserve { Kind: ReservationKind.Timed });

    private ReadOnlyMemory<byte> Encode<T>(OpenSegment segment, T value)
    {
        _text.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_text))
            JsonSerializer.Serialize(json, value, segment.Options);
        return RecordFormat.Encode(_text.WrittenSpan);
    }

    /// <summary>Deletes the oldest closed segments until the open one may have a number of bytes.</summary>
    private bool MakeRoom(long openBytes)
    {
        var closed = _closed.Sum(segment => segment.Bytes);
        while (closed + openBytes > _settings.MaxBytes && _closed.Count > 0)
        {
            File.Delete(_closed[0].Path);
            closed -= _closed[0].Bytes;
            _closed.RemoveAt(0);
        }

        return closed + openBytes <= _settings.MaxBytes;
    }

    private void Close()
    {
        var segment = _open!;
        _open = null;
        using (segment.Stream)
        {
            _closed.Add(segment.File with { Bytes = segment.Stream.Position });
            segment.Stream.Flush(flushToDisk: true);
        }
    }

    private void CloseQuietly()
    {
        if (_open is null)
            return;
        try
        {
            Close();
        }
        catch (IOException)
        {
            // What failed to be written is reported by Append; flushing it to the disk would fail for the same reason.
        }
    }

    private sealed class OpenSegment
    {
        public SegmentFile File { get; set; } = null!;

        public FileStream Stream { get; set; } = null!;

        public JsonSerializerOptions Options { get; } = ModelJson.ForSegment();

        /// <summary>Bytes of the header and the first cycle.</summary>
        public long FirstBytes { get; set; }

        public ClusterSnapshot Last { get; set; } = SnapshotDifference.Empty;

        public ImmutableArray<JournaledPod>? Unqueued { get; set; }
    }
}
