using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>What a goal is about.</summary>
internal enum GoalFigure
{
    /// <summary>From submission to the first start, in seconds.</summary>
    Wait,

    /// <summary>The longest that a job waited inside its tenant's guarantee, in seconds.</summary>
    TimeToGuarantee,

    /// <summary>Used, in per cent of the healthy GPUs.</summary>
    Utilisation,

    /// <summary>Thrown away by preemptions and faults, or held without progress, in GPU-hours.</summary>
    LostGpuHours,
}

/// <summary>Which figure of many waits.</summary>
internal enum WaitStatistic
{
    /// <summary>The mean.</summary>
    Mean,

    /// <summary>Half are not longer.</summary>
    P50,

    /// <summary>95 % are not longer.</summary>
    P95,

    /// <summary>99 % are not longer.</summary>
    P99,

    /// <summary>The longest.</summary>
    Max,
}

/// <summary>What a setting has to reach to be enough.</summary>
internal sealed record Goal
{
    /// <summary>As it was given.</summary>
    public required string Text { get; init; }

    /// <summary>What it is about.</summary>
    public required GoalFigure Figure { get; init; }

    /// <summary>Of waits, which figure.</summary>
    public WaitStatistic Statistic { get; init; }

    /// <summary>Of waits, whose; null: everybody's. An inner tenant with all below it.</summary>
    public TenantId? Tenant { get; init; }

    /// <summary>Where the tenant stands in the text, counted from 1.</summary>
    public int TenantColumn { get; init; } = 1;

    /// <summary>The bound, in the unit of the figure.</summary>
    public required double Threshold { get; init; }

    /// <summary>The bound with its side and unit, for people.</summary>
    public string Is => (IsUpperBound ? "< " : "> ") + (Figure is GoalFigure.Utilisation or GoalFigure.LostGpuHours ? Format(Threshold) : BoundText);

    /// <summary>The bound as it was given.</summary>
    public required string BoundText { get; init; }

    /// <summary>Whether figures below the bound are good, rather than those above.</summary>
    public bool IsUpperBound => Figure != GoalFigure.Utilisation;

    /// <summary>The figure in words.</summary>
    public string Name => Figure switch
    {
        GoalFigure.TimeToGuarantee => "longest time to guarantee",
        GoalFigure.Utilisation => "utilisation",
        GoalFigure.LostGpuHours => "lost GPU-hours",
        _ => $"{Statistic.ToString().ToLowerInvariant()} wait" + (Tenant is { } tenant ? $" of tenant {tenant.Value}" : ""),
    };

    /// <summary>The unit in which the figure is counted.</summary>
    public string Unit => Figure switch
    {
        GoalFigure.Utilisation => "percent",
        GoalFigure.LostGpuHours => "gpuHours",
        _ => "seconds",
    };

    /// <summary>Judges a setting: enough only if all of the interval meets the goal.</summary>
    public Verdict Judge(Estimate estimate) => IsUpperBound
        ? estimate.High < Threshold ? Verdict.Enough : estimate.Low >= Threshold ? Verdict.NotEnough : Verdict.Unclear
        : estimate.Low > Threshold ? Verdict.Enough : estimate.High <= Threshold ? Verdict.NotEnough : Verdict.Unclear;

    /// <summary>How far the end of the interval that counts is beyond the goal; negative: to spare.</summary>
    public double Excess(Estimate estimate) => IsUpperBound ? estimate.High - Threshold : Threshold - estimate.Low;

    /// <summary>A value with its unit, for people.</summary>
    public string Format(double value) => double.IsInfinity(value) ? "never" : Figure switch
    {
        GoalFigure.Utilisation => value.ToString("0.0", NumberFormatInfo.InvariantInfo) + " %",
        GoalFigure.LostGpuHours => value.ToString("0.0", NumberFormatInfo.InvariantInfo) + " GPU-h",
        _ => DurationText.Short(TimeSpan.FromSeconds(Math.Min(value, TimeSpan.MaxValue.TotalSeconds / 2))),
    };

    /// <summary>Mean and half-width, for people.</summary>
    public string Format(Estimate estimate) => double.IsInfinity(estimate.Mean) ? "never" : $"{Format(estimate.Mean)} ± {Format(estimate.HalfWidth)}";
}
