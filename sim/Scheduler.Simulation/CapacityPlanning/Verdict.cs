namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>What the interval of a figure says about a goal.</summary>
internal enum Verdict
{
    /// <summary>All of the interval meets the goal.</summary>
    Enough,

    /// <summary>The goal lies inside the interval: more seeds would tell.</summary>
    Unclear,

    /// <summary>All of the interval misses the goal.</summary>
    NotEnough,

    /// <summary>The setting cannot be had, such as guarantees beyond the cluster; it was not run.</summary>
    Impossible,
}

/// <summary>Words for verdicts.</summary>
internal static class Verdicts
{
    /// <summary>As in tables and plots.</summary>
    public static string Word(this Verdict verdict) => verdict switch
    {
        Verdict.Enough => "enough",
        Verdict.NotEnough => "not enough",
        Verdict.Impossible => "impossible",
        _ => "unclear: more seeds",
    };
}
