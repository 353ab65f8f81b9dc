using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Scheduler.FaultSimulation.Faults;
using Scheduler.FaultSimulation.Time;

namespace Scheduler.FaultSimulation.Network;

/// <summary>
/// The way of a watch from the server to the client. Lines keep their order, as they do on any connection; they can be late, come
/// twice, stop in the middle of a line, or stop for good without a word.
/// </summary>
internal sealed class WatchDelivery(VirtualTime time, Actor client, FaultSource faults, RunLog log, string name)
{
    private static readonly byte[] Expiry = Encoding.UTF8.GetBytes(
        """{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}""" + "\n");

    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    private readonly ArrayBufferWriter<byte> _partial = new();
    private long _last;
    private bool _hasEnded;

    /// <summary>What the client reads.</summary>
    public Stream Stream => _pipe.Reader.AsStream();

    /// <summary>Takes over bytes of the server; whole lines go on their way.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            _partial.Write(bytes[..(end + 1)]);
            bytes = bytes[(end + 1)..];
            SendLine(_partial.WrittenSpan.ToArray());
            _partial.ResetWrittenCount();
        }

        _partial.Write(bytes);
    }

    /// <summary>The server ends the watch.</summary>
    public void End() => End(null);

    /// <summary>The connection breaks.</summary>
    public void Break() => End(new IOException("the connection was reset"));

    /// <summary>Nothing arrives any more, and nobody says so.</summary>
    public void Silence() => _hasEnded = true;

    private void SendLine(byte[] line)
    {
        if (_hasEnded)
            return;
        var fault = faults.OfLine();
        if (fault != WatchFault.None)
            log.Write("network", $"{name}: {fault}");
        switch (fault)
        {
            case WatchFault.Lagging:
                _last = Math.Max(_last, time.Now + faults.Lag().Ticks);
                Arrive(() => Write(line));
                break;
            case WatchFault.Duplicated:
                Arrive(() => Write(line));
                Arrive(() => Write(line));
                break;
            case WatchFault.Cut:
                Arrive(() => Write(line.AsSpan(0, line.Length / 2)));
                Break();
                break;
            case WatchFault.Silenced:
                _hasEnded = true;
                break;
            case WatchFault.Expired:
                Arrive(() => Write(Expiry));
                End();
                break;
            default:
                Arrive(() => Write(line));
                break;
        }
    }

    private void End(Exception? failure)
    {
        if (_hasEnded)
            return;
        _hasEnded = true;
        Arrive(() => _pipe.Writer.Complete(failure));
    }

    private void Arrive(Action action)
    {
        _last = Math.Max(_last, time.Now + faults.Latency().Ticks);
        time.After(TimeSpan.FromTicks(_last - time.Now), client, action);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _pipe.Writer.Write(bytes);
        var flushed = _pipe.Writer.FlushAsync();
        if (!flushed.IsCompleted)
            throw new InvalidOperationException("a pipe without a limit had to wait");
        flushed.GetAwaiter().GetResult();
    }
}
