using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Core.Model;
using Scheduler.Journal.Serialization;

namespace Scheduler.Journal.Storage;

/// <summary>A cycle that was read.</summary>
/// <param name="Header">What holds for its segment.</param>
/// <param name="Record">The record.</param>
/// <param name="Snapshot">The snapshot that was planned.</param>
/// <param name="Unqueued">Pods that were not queued.</param>
public sealed record ReadCycle(SegmentHeader Header, CycleRecord Record, ClusterSnapshot Snapshot, ImmutableArray<JournaledPod> Unqueued);

/// <summary>A place from which on a segment cannot be read.</summary>
/// <param name="File">The file.</param>
/// <param name="Offset">Where, in bytes.</param>
/// <param name="IsTorn">The file ends inside a record, as when a daemon is killed or writes just now. Otherwise it is damaged.</param>
/// <param name="Message">What is wrong.</param>
public sealed record JournalDamage(string File, long Offset, bool IsTorn, string Message);

/// <summary>
/// Reads a folder that a <see cref="JournalWriter"/> wrote or is writing. What follows a damaged place in a segment is not readable; the
/// next segment is. A segment that is deleted meanwhile is passed over.
/// </summary>
public sealed class JournalReader
{
    private readonly List<SegmentFile> _segments;
    private readonly List<JournalDamage> _damages = [];

    /// <summary>Looks at a folder.</summary>
    /// <exception cref="JournalException">It is not there, cannot be read, or has no journal in it.</exception>
    public JournalReader(string folder)
    {
        try
        {
            _segments = SegmentFile.List(folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new JournalException($"the journal {folder} cannot be read: {failure.Message.ReplaceLineEndings(" ")}", failure);
        }

        if (_segments.Count == 0)
            throw new JournalException($"there is no journal in {folder}: it holds no file cycles-*.weirlog; name the folder of the option journal.folder");
    }

    /// <summary>Places that could not be read, of the segments that were read so far.</summary>
    public IReadOnlyList<JournalDamage> Damages => _damages;

    /// <summary>Every cycle from a moment on, in the order in which they were written.</summary>
    /// <param name="from">Cycles of earlier moments are left out; null for all.</param>
    public IEnumerable<ReadCycle> Read(DateTimeOffset? from = null)
    {
        // A segment may be left out if the next one begins before the moment: its own cycles are all older than that.
        var first = from is { } moment ? Math.Max(0, _segments.FindLastIndex(segment => segment.Begins <= moment)) : 0;
        return _segments.Skip(first).SelectMany(ReadSegment).Where(cycle => from is not { } least || cycle.Record.Now >= least);
    }

    /// <summary>The last cycle at or before a moment; null if the journal begins later.</summary>
    public ReadCycle? FindLast(DateTimeOffset at)
    {
        for (var index = _segments.FindLastIndex(segment => segment.Begins <= at); index >= 0; index--)
        {
            if (ReadSegment(_segments[index]).TakeWhile(cycle => cycle.Record.Now <= at).LastOrDefault() is { } found)
                return found;
        }

        return null;
    }

    private IEnumerable<ReadCycle> ReadSegment(SegmentFile segment)
    {
        FileStream stream;
        try
        {
            stream = new FileStream(segment.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            yield break;
        }

        using (stream)
        {
            var options = ModelJson.ForSegment();
            if (ReadRecord<SegmentHeader>(stream, segment, options) is not { } header)
                yield break;
            if (header.Format != SegmentHeader.CurrentFormat)
            {
                _damages.Add(new JournalDamage(segment.Path, 0, false,
                    $"it has format {header.Format}, written by version {header.Version}; this program reads format {SegmentHeader.CurrentFormat}"));
                yield break;
            }

            var snapshot = SnapshotDifference.Empty;
            ImmutableArray<JournaledPod> unqueued = [];
            while (true)
            {
                var offset = stream.Position;
                if (ReadRecord<CycleRecord>(stream, segment, options) is not { } record)
                    yield break;
                try
                {
                    snapshot = record.ApplyTo(snapshot);
                }
                catch (InvalidOperationException wrong)
                {
                    _damages.Add(new JournalDamage(segment.Path, offset, false, $"cycle {record.Number} does not follow the one before: {wrong.Message}"));
                    yield break;
                }

                unqueued = record.Unqueued ?? unqueued;
                yield return new ReadCycle(header, record, snapshot, unqueued);
            }
        }
    }

    private T? ReadRecord<T>(FileStream stream, SegmentFile segment, JsonSerializerOptions options)
        where T : class
    {
        var offset = stream.Position;
        try
        {
            switch (RecordFormat.Read(stream, out var text))
            {
                case RecordState.Whole:
                    return JsonSerializer.Deserialize<T>(text, options) ?? throw new JsonException("it is null");
                case RecordState.End:
                    return null;
                case RecordState.Torn:
                    _damages.Add(new JournalDamage(segment.Path, offset, true, "the file ends inside a record"));
                    return null;
                default:
                    _damages.Add(new JournalDamage(segment.Path, offset, false, "the bytes do not have the checksum that was written with them"));
                    return null;
            }
        }
        catch (JsonException wrong)
        {
            _damages.Add(new JournalDamage(segment.Path, offset, false, $"this version cannot read the record: {wrong.Message.ReplaceLineEndings(" ")}"));
            return null;
        }
        catch (IOException failure)
        {
            _damages.Add(new JournalDamage(segment.Path, offset, false, $"the file cannot be read: {failure.Message.ReplaceLineEndings(" ")}"));
            return null;
        }
    }
}
