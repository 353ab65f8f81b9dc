using System.Threading.Channels;

namespace Scheduler.Daemon.Loop;

/// <summary>A one-slot signal: any number of calls while the sleeper is busy wake it once more.</summary>
internal sealed class WakeSignal
{
    private readonly Channel<bool> _slot = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public void Set() => _slot.Writer.TryWrite(true);

    /// <summary>Waits for the signal, at most so long. True if it came.</summary>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellation)
    {
        if (_slot.Reader.TryRead(out _))
            return true;
        using var timer = new CancellationTokenSource(atMost, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        try
        {
            await _slot.Reader.ReadAsync(both.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }
}
