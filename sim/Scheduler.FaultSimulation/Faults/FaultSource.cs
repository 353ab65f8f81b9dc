using System.Net;

namespace Scheduler.FaultSimulation.Faults;

/// <summary>What becomes of a request.</summary>
internal enum RequestFault
{
    None,

    /// <summary>Refused without effect.</summary>
    Refused,

    /// <summary>Does not arrive; the client learns that the connection broke.</summary>
    Unreachable,

    /// <summary>Does not arrive; the client learns nothing.</summary>
    Swallowed,

    /// <summary>Takes effect; then the connection breaks.</summary>
    AnswerLost,

    /// <summary>Takes effect; the client learns nothing.</summary>
    AnswerSwallowed,
}

/// <summary>What becomes of one line of a watch.</summary>
internal enum WatchFault
{
    None,
    Duplicated,
    Lagging,
    Cut,
    Silenced,
    Expired,
}

/// <summary>Draws what goes wrong. Everything comes from one seeded generator, so the order of the questions is part of a run.</summary>
internal sealed class FaultSource(FaultProfile profile, Random random)
{
    /// <summary>The rates in force. <see cref="FaultProfile.Calm"/> ends all faults.</summary>
    public FaultProfile Profile { get; set; } = profile;

    public RequestFault OfRequest()
    {
        var draw = random.Next(1000);
        if ((draw -= Profile.RefusedPermille) < 0)
            return RequestFault.Refused;
        if ((draw -= Profile.UnreachablePermille) < 0)
            return RequestFault.Unreachable;
        if ((draw -= Profile.SwallowedPermille) < 0)
            return RequestFault.Swallowed;
        if (draw - Profile.AnswerLostPermille < 0)
            return random.Next(2) == 0 ? RequestFault.AnswerLost : RequestFault.AnswerSwallowed;
        return RequestFault.None;
    }

    /// <summary>The status of a refusal. Only a write can meet a conflict.</summary>
    public HttpStatusCode Refusal(bool isWrite) => random.Next(isWrite ? 4 : 3) switch
    {
        0 => HttpStatusCode.TooManyRequests,
        1 => HttpStatusCode.InternalServerError,
        2 => HttpStatusCode.ServiceUnavailable,
        _ => HttpStatusCode.Conflict,
    };

    public WatchFault OfLine()
    {
        var draw = random.Next(1000);
        if ((draw -= Profile.DuplicatePermille) < 0)
            return WatchFault.Duplicated;
        if ((draw -= Profile.LaggingPermille) < 0)
            return WatchFault.Lagging;
        if ((draw -= Profile.CutPermille) < 0)
            return WatchFault.Cut;
        if ((draw -= Profile.SilencedPermille) < 0)
            return WatchFault.Silenced;
        return draw - Profile.ExpiredPermille < 0 ? WatchFault.Expired : WatchFault.None;
    }

    /// <summary>One way between two machines.</summary>
    public TimeSpan Latency() => random.Next(1000) < Profile.SlowPermille
        ? TimeSpan.FromMilliseconds(random.Next(50, 3000))
        : TimeSpan.FromMilliseconds(random.Next(1, 9));

    public TimeSpan Lag() => TimeSpan.FromMilliseconds(random.Next(500, 20_000));
}
