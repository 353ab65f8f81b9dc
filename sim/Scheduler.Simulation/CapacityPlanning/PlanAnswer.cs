using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>Says in a plain sentence what a frontier answers.</summary>
internal static class PlanAnswer
{
    /// <summary>The sentence.</summary>
    public static string Of(CapacityPlan plan, Frontier frontier)
    {
        if (frontier.Answer is { } answer)
        {
            return $"{Subject(plan.Knobs, answer)} enough: {Figures(plan, answer)} over {plan.Seeds} seeds; {Cheaper(plan, frontier, answer)}.";
        }

        if (frontier.Closest(plan.Goals) is not { } closest)
        {
            return $"No setting can be had: {frontier.Settings[^1].Setting.WhyImpossible}.";
        }

        var (goal, estimate, _) = Frontier.WorstGoal(closest, plan.Goals);
        var miss = double.IsInfinity(estimate.Mean)
            ? "some jobs can never start"
            : closest.Verdict == Verdict.Unclear
                ? $"the interval goes {goal.Format(goal.Excess(estimate))} beyond the goal of {goal.Is}, so that more seeds may settle it"
                : $"the interval ends {goal.Format(goal.Excess(estimate))} beyond the goal of {goal.Is}";
        return $"No setting is enough. {Name(plan.Knobs, closest)} comes closest: {Figures(plan, closest)} over {plan.Seeds} seeds; {goal.Name}: {miss}.";
    }

    /// <summary>The knobs and their values, as on the command line.</summary>
    public static string Name(ImmutableArray<Knob> knobs, SettingResult result) =>
        string.Join(", ", knobs.Zip(result.Setting.Values).Select(pair => $"{pair.First.Name}={Knob.Format(pair.Second)}"));

    private static string Subject(ImmutableArray<Knob> knobs, SettingResult result) => knobs is [var knob]
        ? knob.Sentence(result.Setting.Values[0])
        : string.Create(CultureInfo.InvariantCulture, $"{Name(knobs, result)} ({result.Setting.Gpus} GPUs) is");

    private static string Figures(CapacityPlan plan, SettingResult result) =>
        string.Join(", ", plan.Goals.Zip(result.Estimates).Select(pair => $"{pair.First.Name} {pair.First.Format(pair.Second)}"));

    private static string Cheaper(CapacityPlan plan, Frontier frontier, SettingResult answer)
    {
        var cheaper = frontier.Settings.TakeWhile(result => result != answer).ToArray();
        if (cheaper.Length == 0)
        {
            return plan.Knobs.Length == 1 ? "nothing less was tried" : "nothing cheaper was tried";
        }

        var unclear = cheaper.Where(result => result.Verdict == Verdict.Unclear).ToArray();
        if (plan.Knobs.Length > 1)
        {
            return (cheaper.Length == 1 ? "the one cheaper setting is not" : string.Create(CultureInfo.InvariantCulture, $"none of the {cheaper.Length} cheaper settings is"))
                + (unclear.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $", though of {unclear.Length} more seeds could say otherwise") : "");
        }

        var last = cheaper[^1];
        var value = Knob.Format(last.Setting.Values[0]);
        var verb = plan.Knobs[0].Kind == KnobKind.BurstFactor || last.Setting.Values[0] == 1 ? "is" : "are";
        return last.Verdict switch
        {
            Verdict.Impossible => $"{value} cannot be had: {last.Setting.WhyImpossible}",
            Verdict.Unclear => $"of {value} it is unclear, more seeds would tell",
            _ => $"{value} {verb} not",
        };
    }
}
