namespace Scheduler.Daemon.Kubernetes;

/// <summary>
/// One uninterrupted time of leading. Every write asks <see cref="IsHeld"/> just before it is sent; work that outlives the term
/// is cancelled by <see cref="Lost"/>. A term that is over never comes back: a new one is another object.
/// </summary>
public sealed class LeadershipTerm : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _lost;
    private long _validUntil;

    internal LeadershipTerm(TimeProvider time, TimeSpan validFor, long since)
    {
        _time = time;
        _lost = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        Lost = _lost.Token;
        Extend(validFor, since);
    }

    /// <summary>A term without an end, for a host that is alone by construction.</summary>
    internal static LeadershipTerm Unlimited(TimeProvider time) => new(time, Timeout.InfiniteTimeSpan, 0);

    /// <summary>Cancelled when the term is over.</summary>
    public CancellationToken Lost { get; }

    /// <summary>Whether the lease is held at this moment, judged by the local monotonic clock and not by a timer that may be late.</summary>
    public bool IsHeld => !_lost.IsCancellationRequested && _time.GetTimestamp() < Volatile.Read(ref _validUntil);

    /// <inheritdoc/>
    public void Dispose() => _lost.Dispose();

    /// <summary>Valid from the time at which the renewal was sent, not from when its answer came.</summary>
    internal void Extend(TimeSpan validFor, long since)
    {
        if (validFor == Timeout.InfiniteTimeSpan)
        {
            Volatile.Write(ref _validUntil, long.MaxValue);
            return;
        }

        var until = since + (long)(validFor.TotalSeconds * _time.TimestampFrequency);
        Volatile.Write(ref _validUntil, until);
        var left = _time.GetElapsedTime(_time.GetTimestamp(), until);
        _lost.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    internal void End()
    {
        Volatile.Write(ref _validUntil, 0);
        _lost.Cancel();
    }
}

/// <summary>Who may write.</summary>
public interface ILeadership
{
    /// <summary>The present term; null while another replica leads.</summary>
    LeadershipTerm? Term { get; }

    /// <summary>Who leads as far as is known, for people; null if nobody is known to.</summary>
    string? Holder { get; }

    /// <summary>Raised when a term begins or ends, on whatever thread noticed it. Handlers only signal.</summary>
    event Action? Changed;
}

/// <summary>Leadership of a host that needs no election: it is the only one.</summary>
internal sealed class SoleLeadership(TimeProvider time, string identity) : ILeadership, IDisposable
{
    private readonly LeadershipTerm _term = LeadershipTerm.Unlimited(time);

    public LeadershipTerm? Term => _term;

    public string? Holder => identity;

    public event Action? Changed
    {
        add { }
        remove { }
    }

    public void Dispose() => _term.Dispose();
}
