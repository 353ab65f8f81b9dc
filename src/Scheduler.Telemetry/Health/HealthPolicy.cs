using System.Collections.Immutable;

namespace Scheduler.Telemetry.Health;

/// <summary>What an XID leads to.</summary>
public enum FaultAction
{
    /// <summary>It is told, and nothing else: a fault of the program, not of the device.</summary>
    Note,

    /// <summary>The device gets no new work.</summary>
    QuarantineDevice,

    /// <summary>Neither the device nor any other of its node gets new work.</summary>
    DrainNode,
}

/// <summary>What an XID leads to, and what it means in words.</summary>
public sealed record XidRule(FaultAction Action, string Meaning);

/// <summary>What counts as a fault, and how long trouble lasts.</summary>
public sealed record HealthPolicy
{
    /// <summary>The policy that holds unless another is given.</summary>
    public static readonly HealthPolicy Default = new();

    /// <summary>What each XID leads to.</summary>
    public ImmutableSortedDictionary<int, XidRule> Xids { get; init; } = XidTable.Standard;

    /// <summary>What an XID leads to that is not in <see cref="Xids"/>.</summary>
    public XidRule UnknownXid { get; init; } = new(FaultAction.Note, "not in the table");

    /// <summary>A device at this temperature is suspect, in °C. Default 90.</summary>
    public double HotCelsius { get; init; } = 90;

    /// <summary>How long a suspect must be without trouble to be healthy again. Default 10 minutes.</summary>
    public TimeSpan SuspectPeriod { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long symptoms may go on without a break before they are a fault. Default 1 hour.</summary>
    public TimeSpan SymptomLimit { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long after a first fault there must be no trouble until the device is tried again. Default 30 minutes. Each further offence doubles it.</summary>
    public TimeSpan CleanPeriod { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The longest that doubling makes of <see cref="CleanPeriod"/>. Default 24 hours.</summary>
    public TimeSpan MaxCleanPeriod { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long a device must work without trouble to be healthy again. Default 1 hour.</summary>
    public TimeSpan ProbationPeriod { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a device must be healthy for its offences to be forgotten. Default 7 days.</summary>
    public TimeSpan ForgetAfter { get; init; } = TimeSpan.FromDays(7);

    /// <summary>An exporter that was not heard for so long is silent: nothing is known, good or bad. Default 90 seconds.</summary>
    public TimeSpan StaleAfter { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>After so long a silence a state goes on by itself: no device stays out because nobody speaks of it. Default 24 hours.</summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A device that so many whole scrapes in a row do not show, and earlier ones did, is lost. Default 3.</summary>
    public int MissingScrapes { get; init; } = 3;

    /// <summary>A node that rejects so many pods, and starts none between them, gets no more. Default 3.</summary>
    public int RejectionLimit { get; init; } = 3;

    /// <summary>Rejections that are older do not count. Default 10 minutes.</summary>
    public TimeSpan RejectionWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Devices with a number from here on are left out. Default 256.</summary>
    public int MaxDevices { get; init; } = 256;

    /// <summary>The clean period after so many offences.</summary>
    public TimeSpan CleanPeriodAfter(int offences)
    {
        var period = CleanPeriod;
        for (var offence = 1; offence < offences && period < MaxCleanPeriod; offence++)
        {
            period *= 2;
        }

        return period < MaxCleanPeriod ? period : MaxCleanPeriod;
    }

    /// <summary>What is wrong with the policy, one line for each mistake.</summary>
    public IEnumerable<string> Mistakes()
    {
        foreach (var (name, period) in new[]
        {
            (nameof(SuspectPeriod), SuspectPeriod), (nameof(SymptomLimit), SymptomLimit), (nameof(CleanPeriod), CleanPeriod),
            (nameof(MaxCleanPeriod), MaxCleanPeriod), (nameof(ProbationPeriod), ProbationPeriod), (nameof(ForgetAfter), ForgetAfter),
            (nameof(StaleAfter), StaleAfter), (nameof(SilenceLimit), SilenceLimit), (nameof(RejectionWindow), RejectionWindow),
        })
        {
            if (period <= TimeSpan.Zero || period > TimeSpan.FromDays(365))
            {
                yield return $"{name}: {period} is not between 0 and 365 days; give a longer or shorter time";
            }
        }

        foreach (var (name, number) in new[] { (nameof(MissingScrapes), MissingScrapes), (nameof(RejectionLimit), RejectionLimit), (nameof(MaxDevices), MaxDevices) })
        {
            if (number is < 1 or > 4096)
            {
                yield return $"{name}: {number} is not a number from 1 to 4096";
            }
        }

        if (!(HotCelsius is > 0 and < 200))
        {
            yield return $"{nameof(HotCelsius)}: {HotCelsius} is not between 0 and 200";
        }

        foreach (var (code, rule) in Xids)
        {
            if (code < 1 || string.IsNullOrWhiteSpace(rule.Meaning))
            {
                yield return $"{nameof(Xids)}: {code} needs a code from 1 on and a meaning";
            }
        }
    }
}
