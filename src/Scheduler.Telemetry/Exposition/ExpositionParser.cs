using System.Buffers;

namespace Scheduler.Telemetry.Exposition;

/// <summary>
/// Reads the Prometheus text format as it arrives, in pieces of any size. It holds at most one line. A line that it cannot
/// read is skipped and counted: one bad line never costs the others. Timestamps and exemplars are passed over.
/// </summary>
/// <typeparam name="TSink">Who takes the samples.</typeparam>
public sealed class ExpositionParser<TSink>
    where TSink : ISampleSink
{
    private readonly TSink _sink;
    private readonly ExpositionLimits _limits;
    private byte[] _carried = [];
    private int _carriedLength;
    private bool _skipsLine;
    private long _bytes;
    private long _line = 1;
    private long _samples;
    private long _malformed;
    private long _long;
    private bool _isCutOff;
    private string? _firstProblem;

    /// <summary>A parser for one body.</summary>
    public ExpositionParser(TSink sink, ExpositionLimits limits)
    {
        _sink = sink;
        _limits = limits.Checked();
    }

    /// <summary>Whether more of the body can change anything. False after the largest body.</summary>
    public bool WantsMore => !_isCutOff;

    /// <summary>Bytes held between two pieces: never more than the longest line.</summary>
    public int HeldBytes => _carried.Length;

    /// <summary>Takes the next piece of the body.</summary>
    public void Read(ReadOnlySpan<byte> piece)
    {
        if (_isCutOff)
        {
            return;
        }

        if (_bytes + piece.Length > _limits.MaxBodyBytes)
        {
            _isCutOff = true;
            piece = piece[..(int)(_limits.MaxBodyBytes - _bytes)];
        }

        _bytes += piece.Length;
        while (!piece.IsEmpty)
        {
            var end = piece.IndexOf((byte)'\n');
            if (end < 0)
            {
                Carry(piece);
                return;
            }

            if (_skipsLine)
            {
                _skipsLine = false;
            }
            else if (_carriedLength > 0)
            {
                Carry(piece[..end]);
                if (!_skipsLine)
                {
                    Line(_carried.AsSpan(0, _carriedLength));
                }

                _skipsLine = false;
                _carriedLength = 0;
            }
            else if (end > _limits.MaxLineBytes)
            {
                TooLong();
            }
            else
            {
                Line(piece[..end]);
            }

            _line++;
            piece = piece[(end + 1)..];
        }
    }

    /// <summary>
    /// Ends the body. A last line without an end of line is read, unless the body was cut off: then it may be half a line.
    /// </summary>
    public ExpositionOutcome Finish()
    {
        if (_carriedLength > 0 && !_isCutOff)
        {
            Line(_carried.AsSpan(0, _carriedLength));
        }

        _carriedLength = 0;
        return new ExpositionOutcome
        {
            Bytes = _bytes,
            Samples = _samples,
            MalformedLines = _malformed,
            LongLines = _long,
            IsCutOff = _isCutOff,
            FirstProblem = _firstProblem ?? (_isCutOff ? $"the body is larger than {_limits.MaxBodyBytes} bytes; the rest was not read" : null),
        };
    }

    private void Carry(ReadOnlySpan<byte> part)
    {
        if (_skipsLine)
        {
            return;
        }

        var length = (long)_carriedLength + part.Length;
        if (length > _limits.MaxLineBytes)
        {
            TooLong();
            _skipsLine = true;
            _carriedLength = 0;
            return;
        }

        if (length > _carried.Length)
        {
            Array.Resize(ref _carried, (int)Math.Max(length, Math.Min(_limits.MaxLineBytes, 2L * _carried.Length)));
        }

        part.CopyTo(_carried.AsSpan(_carriedLength));
        _carriedLength = (int)length;
    }

    private void TooLong()
    {
        _long++;
        _firstProblem ??= $"line {_line}: longer than {_limits.MaxLineBytes} bytes";
    }

    private void Line(ReadOnlySpan<byte> line)
    {
        line = LabelText.SkipBlanks(line);
        if (line.IsEmpty || line[0] == '#')
        {
            return;
        }

        if (Sample(line) is { } problem)
        {
            _malformed++;
            _firstProblem ??= $"line {_line}: {problem}";
        }
    }

    /// <summary>Reads a line and hands it on, or says what is wrong with it.</summary>
    private string? Sample(ReadOnlySpan<byte> line)
    {
        var nameLength = LabelText.NameLength(line);
        if (nameLength == 0 || LabelText.IsDigit(line[0]))
        {
            return "does not begin with the name of a metric";
        }

        var name = line[..nameLength];
        var rest = LabelText.SkipBlanks(line[nameLength..]);
        var labels = ReadOnlySpan<byte>.Empty;
        if (!rest.IsEmpty && rest[0] == '{')
        {
            labels = rest[1..];
            rest = labels;
            var count = 0;
            LabelRead read;
            while ((read = LabelText.TryNext(ref rest, out _, out _)) == LabelRead.Label)
            {
                if (++count > _limits.MaxLabels)
                {
                    return $"more than {_limits.MaxLabels} labels";
                }
            }

            if (read == LabelRead.Malformed || rest.IsEmpty)
            {
                return $"its labels cannot be read after number {count}";
            }

            labels = labels[..^rest.Length];
            rest = rest[1..];
        }
        else if (rest.Length == line.Length - nameLength)
        {
            return "no blank between name and value";
        }

        rest = LabelText.SkipBlanks(rest);
        var valueLength = rest.IndexOfAny((byte)' ', (byte)'\t', (byte)'\r');
        var text = valueLength < 0 ? rest : rest[..valueLength];
        if (!NumberText.TryParse(text, out var value))
        {
            return "its value is not a number";
        }

        if (valueLength >= 0 && !IsTimestampOrExemplar(LabelText.SkipBlanks(rest[valueLength..])))
        {
            return "what follows its value is no timestamp";
        }

        _samples++;
        _sink.Take(new ExpositionSample { Name = name, Labels = new ExpositionLabels(labels), Value = value });
        return null;
    }

    private static bool IsTimestampOrExemplar(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] == '#')
        {
            return true;
        }

        var length = text.IndexOfAny((byte)' ', (byte)'\t', (byte)'\r');
        var rest = length < 0 ? [] : LabelText.SkipBlanks(text[length..]);
        return NumberText.TryParse(length < 0 ? text : text[..length], out _) && (rest.IsEmpty || rest[0] == '#');
    }
}

/// <summary>Reads whole bodies.</summary>
public static class ExpositionParser
{
    private const int PieceBytes = 64 * 1024;

    /// <summary>Reads a stream to its end, or to the largest body.</summary>
    public static async Task<ExpositionOutcome> ReadAsync<TSink>(Stream stream, TSink sink, ExpositionLimits limits, CancellationToken cancellation)
        where TSink : ISampleSink
    {
        var parser = new ExpositionParser<TSink>(sink, limits);
        var piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            int read;
            while (parser.WantsMore && (read = await stream.ReadAsync(piece.AsMemory(0, PieceBytes), cancellation).ConfigureAwait(false)) > 0)
            {
                parser.Read(piece.AsSpan(0, read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }

        return parser.Finish();
    }
}
