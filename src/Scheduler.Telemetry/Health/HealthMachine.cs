namespace Scheduler.Telemetry.Health;

/// <summary>
/// The states of a device or node. A function of the last state, the time and what happened:
/// <code>
///            symptom                 fault, or symptoms too long
/// Healthy ───────────► Suspect ───────────────────────────► Quarantined ◄─┐
///    ▲  ▲                 │  (a fault leads from Healthy to Quarantined)  │ fault, or
///    │  └─── clean ───────┘                                       │ clean │ symptoms too long
///    └────────────────────────── clean ───────────── Probation ◄──┘───────┘
/// </code>
/// Clean means known to be without trouble for the period of the state. Silence is neither clean nor trouble; after a very
/// long one the state goes on by itself.
/// </summary>
public static class HealthMachine
{
    /// <summary>A new device or node.</summary>
    public static SubjectHealth New(DateTimeOffset now) => new() { Since = now, Heard = now };

    /// <summary>Something happened that condemns it. A lasting condition is told again as long as it lasts.</summary>
    public static SubjectHealth Fault(SubjectHealth health, DateTimeOffset now, string cause, string reason, bool isLasting, HealthPolicy policy)
    {
        if (isLasting && health.Accepted == cause)
        {
            return Clean(health, now, policy) with { Accepted = cause };
        }

        var heard = health with { CleanFor = TimeSpan.Zero, Heard = Later(health.Heard, now) };
        if (health.State == HealthState.Quarantined)
        {
            return health.IsByOperator ? heard : heard with { Cause = cause, Reason = reason };
        }

        return heard with
        {
            State = HealthState.Quarantined,
            Cause = cause,
            Reason = reason,
            Since = now,
            Offences = health.Offences + 1,
            TroubledSince = null,
        };
    }

    /// <summary>Something is not as it should be.</summary>
    public static SubjectHealth Symptom(SubjectHealth health, DateTimeOffset now, string cause, string reason, HealthPolicy policy)
    {
        var since = now - health.Heard < policy.StaleAfter ? health.TroubledSince ?? now : now;
        var heard = health with { CleanFor = TimeSpan.Zero, Heard = Later(health.Heard, now), TroubledSince = since, Accepted = "" };
        if (health.State == HealthState.Quarantined)
        {
            return heard;
        }

        if (now - since >= policy.SymptomLimit)
        {
            return Fault(heard, now, cause, $"{reason}, for {Text(now - since)} without a break", isLasting: false, policy);
        }

        return health.State == HealthState.Healthy
            ? heard with { State = HealthState.Suspect, Cause = cause, Reason = reason, Since = now }
            : heard with { Cause = cause, Reason = reason };
    }

    /// <summary>It was heard, and there is no trouble. What was before the last word counts up to a bound: in a longer gap nothing is known.</summary>
    public static SubjectHealth Clean(SubjectHealth health, DateTimeOffset now, HealthPolicy policy, bool gapsCount = false)
    {
        var gap = now > health.Heard ? now - health.Heard : TimeSpan.Zero;
        var cleanFor = health.CleanFor + (gapsCount || gap < policy.StaleAfter ? gap : policy.StaleAfter);
        var heard = health with { CleanFor = cleanFor, Heard = Later(health.Heard, now), TroubledSince = null, Accepted = "" };
        return health.State switch
        {
            HealthState.Suspect when cleanFor >= policy.SuspectPeriod => Healthy(heard, now),
            HealthState.Quarantined when !health.IsByOperator && cleanFor >= policy.CleanPeriodAfter(health.Offences) =>
                OnProbation(heard, now, $"no trouble for {Text(cleanFor)}; it was: {health.Reason}"),
            HealthState.Probation when cleanFor >= policy.ProbationPeriod => Healthy(heard, now),
            HealthState.Healthy when health.Offences > 0 && now - health.Since >= policy.ForgetAfter => heard with { Offences = 0 },
            _ => heard,
        };
    }

    /// <summary>Nothing was heard.</summary>
    public static SubjectHealth Silent(SubjectHealth health, DateTimeOffset now, HealthPolicy policy)
    {
        if (health.State == HealthState.Healthy || health.IsByOperator || now - Later(health.Heard, health.Since) < policy.SilenceLimit)
        {
            return health;
        }

        return health.State == HealthState.Quarantined
            ? OnProbation(health, now, $"nothing was heard of it for {Text(policy.SilenceLimit)}; it was: {health.Reason}")
            : Healthy(health, now);
    }

    /// <summary>An operator takes it out of use.</summary>
    public static SubjectHealth Quarantine(SubjectHealth health, DateTimeOffset now, string reason) => health with
    {
        State = HealthState.Quarantined,
        Cause = "Operator",
        Reason = reason,
        Since = health.State == HealthState.Quarantined ? health.Since : now,
        CleanFor = TimeSpan.Zero,
        IsByOperator = true,
        Accepted = "",
    };

    /// <summary>An operator lets it be used again; a condition that lasts is accepted.</summary>
    public static SubjectHealth Release(SubjectHealth health, DateTimeOffset now, string reason) => health.State == HealthState.Quarantined
        ? OnProbation(health, now, $"released: {reason}") with { Accepted = health.IsByOperator ? "" : health.Cause }
        : health;

    private static SubjectHealth Healthy(SubjectHealth health, DateTimeOffset now) => health with
    {
        State = HealthState.Healthy,
        Cause = "",
        Reason = "",
        Since = now,
        CleanFor = TimeSpan.Zero,
        TroubledSince = null,
    };

    private static SubjectHealth OnProbation(SubjectHealth health, DateTimeOffset now, string reason) => health with
    {
        State = HealthState.Probation,
        Reason = reason,
        Since = now,
        CleanFor = TimeSpan.Zero,
        IsByOperator = false,
        TroubledSince = null,
    };

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static string Text(TimeSpan time) => time.ToString("c", System.Globalization.CultureInfo.InvariantCulture);
}
