using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace Scheduler.Journal.Storage;

/// <summary>What is at a place in a segment.</summary>
internal enum RecordState
{
    /// <summary>A whole record.</summary>
    Whole,

    /// <summary>The segment ends here.</summary>
    End,

    /// <summary>The segment ends inside a record: its writer was stopped in the middle of it, or is there just now.</summary>
    Torn,

    /// <summary>The bytes are not those that were written.</summary>
    Corrupt,
}

/// <summary>
/// A record: four bytes <c>WREC</c>, the length of the body (32 bits), XxHash3 of length and body (64 bits), the body. The body is
/// JSON compressed with zlib. Numbers are little-endian.
/// </summary>
internal static class RecordFormat
{
    public const int FrameBytes = 16;

    /// <summary>The largest body, compressed or not: a guard against a damaged length, far beyond any snapshot.</summary>
    public const int MaxBodyBytes = 1 << 30;

    private static ReadOnlySpan<byte> Mark => "WREC"u8;

    /// <summary>The record with this text.</summary>
    /// <exception cref="JournalException">The text is larger than a record may be.</exception>
    public static ReadOnlyMemory<byte> Encode(ReadOnlySpan<byte> text)
    {
        if (text.Length > MaxBodyBytes)
            throw new JournalException($"a cycle has {text.Length} bytes, more than the {MaxBodyBytes} that a record may have");
        var target = new MemoryStream();
        target.Write(stackalloc byte[FrameBytes]);
        using (var zlib = new ZLibStream(target, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(text);
        var record = target.GetBuffer().AsMemory(0, (int)target.Length);
        Mark.CopyTo(record.Span);
        BinaryPrimitives.WriteInt32LittleEndian(record.Span[4..], record.Length - FrameBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(record.Span[8..], Hash(record.Span[4..8], record.Span[FrameBytes..]));
        return record;
    }

    /// <summary>Reads the record at the stream's position. A torn or corrupt one leaves the position anywhere.</summary>
    public static RecordState Read(Stream stream, out byte[] text)
    {
        text = [];
        Span<byte> frame = stackalloc byte[FrameBytes];
        var read = stream.ReadAtLeast(frame, FrameBytes, throwOnEndOfStream: false);
        if (read == 0)
            return RecordState.End;
        if (!frame[..Math.Min(read, 4)].SequenceEqual(Mark[..Math.Min(read, 4)]))
            return RecordState.Corrupt;
        if (read < FrameBytes)
            return RecordState.Torn;
        var length = BinaryPrimitives.ReadInt32LittleEndian(frame[4..]);
        if (length is < 0 or > MaxBodyBytes)
            return RecordState.Corrupt;
        if (length > stream.Length - stream.Position)
            return RecordState.Torn;
        var body = new byte[length];
        if (stream.ReadAtLeast(body, length, throwOnEndOfStream: false) < length)
            return RecordState.Torn;
        if (Hash(frame[4..8], body) != BinaryPrimitives.ReadUInt64LittleEndian(frame[8..]))
            return RecordState.Corrupt;
        return TryDecompress(body, out text) ? RecordState.Whole : RecordState.Corrupt;
    }

    private static bool TryDecompress(byte[] body, out byte[] text)
    {
        text = [];
        using var source = new ZLibStream(new MemoryStream(body), CompressionMode.Decompress);
        var target = new ArrayBufferWriter<byte>(Math.Max(256, body.Length * 4));
        try
        {
            while (true)
            {
                var count = source.Read(target.GetSpan(4096));
                if (count == 0)
                    break;
                target.Advance(count);
                if (target.WrittenCount > MaxBodyBytes)
                    return false;
            }
        }
        catch (InvalidDataException)
        {
            return false;
        }

        text = target.WrittenSpan.ToArray();
        return true;
    }

    private static ulong Hash(ReadOnlySpan<byte> length, ReadOnlySpan<byte> body)
    {
        var hash = new XxHash3();
        hash.Append(length);
        hash.Append(body);
        return hash.GetCurrentHashAsUInt64();
    }
}
