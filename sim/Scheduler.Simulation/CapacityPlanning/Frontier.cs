using System.Collections.Immutable;
using System.Numerics;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>How settings were chosen to be run.</summary>
internal enum SearchMethod
{
    /// <summary>All of them.</summary>
    Grid,

    /// <summary>Halving the range, as goals are only easier to meet with more.</summary>
    Bisection,

    /// <summary>All of them, after bisection found that more made a goal harder to meet.</summary>
    GridAfterBisection,

    /// <summary>As bisection, which found that more made a goal harder to meet; the others were more runs than may be made.</summary>
    BisectionInDoubt,
}

/// <summary>What was found out about the settings that were run.</summary>
/// <param name="Settings">The cheapest first; also those that are impossible.</param>
/// <param name="Of">How many settings there are in all.</param>
/// <param name="Method">How they were chosen.</param>
internal sealed record Frontier(ImmutableArray<SettingResult> Settings, int Of, SearchMethod Method)
{
    /// <summary>The cheapest setting that is enough, or null.</summary>
    public SettingResult? Answer => Settings.FirstOrDefault(result => result.Verdict == Verdict.Enough);

    /// <summary>Of those that are not, the one whose worst goal is missed by the least part of its bound; null if all are impossible.</summary>
    public SettingResult? Closest(ImmutableArray<Goal> goals) =>
        Settings.Where(result => result.Verdict is Verdict.NotEnough or Verdict.Unclear).MinBy(result => WorstGoal(result, goals).PartOfBound);

    /// <summary>The goal that a setting misses by the greatest part of its bound.</summary>
    public static (Goal Goal, Estimate Estimate, double PartOfBound) WorstGoal(SettingResult result, ImmutableArray<Goal> goals) => goals
        .Zip(result.Estimates)
        .Select(pair => (pair.First, pair.Second, PartOfBound: pair.First.Excess(pair.Second) / Math.Max(1e-9, pair.First.Threshold)))
        .MaxBy(worst => worst.PartOfBound);

    /// <summary>Whether more of a knob can only help with these goals, as long as chance does not say otherwise.</summary>
    public static bool IsMonotone(ImmutableArray<Knob> knobs, ImmutableArray<Goal> goals) => knobs is [var knob] && goals.All(goal => knob.Kind switch
    {
        KnobKind.Nodes => goal.Figure is GoalFigure.Wait or GoalFigure.TimeToGuarantee,
        KnobKind.Guaranteed or KnobKind.Burst => goal is { Figure: GoalFigure.Wait, Tenant: { } tenant } && tenant.Value == knob.Target,
        _ => false,
    });

    /// <summary>The most settings that bisection runs, of so many.</summary>
    public static int MostByBisection(int count) => count < 2 ? count : 2 + BitOperations.Log2((uint)(count - 1));

    /// <summary>Whether bisection is possible and saves runs.</summary>
    public static bool UsesBisection(ImmutableArray<Knob> knobs, ImmutableArray<Goal> goals, int count) =>
        IsMonotone(knobs, goals) && MostByBisection(count) < count;

    /// <summary>Runs every setting.</summary>
    public static Frontier Grid(ImmutableArray<Setting> settings, ISweep sweep, CancellationToken stop) =>
        new(sweep.Run(settings, stop), settings.Length, SearchMethod.Grid);

    /// <summary>
    /// Finds the cheapest setting that is enough by halving the range. Where the settings that were run contradict that more can
    /// only help, beyond what chance explains, the others are run too.
    /// </summary>
    /// <param name="settings">All of them, the cheapest first.</param>
    /// <param name="goals">What is to be met.</param>
    /// <param name="sweep">Runs them.</param>
    /// <param name="mayRunAll">Whether all may be run if need be.</param>
    /// <param name="stop">Ends it.</param>
    public static Frontier Bisect(ImmutableArray<Setting> settings, ImmutableArray<Goal> goals, ISweep sweep, bool mayRunAll, CancellationToken stop)
    {
        ImmutableArray<Setting> possible = [.. settings.Where(setting => setting.WhyImpossible is null)];
        var results = new SortedDictionary<int, SettingResult>();
        if (!possible.IsEmpty && IsEnough(possible.Length - 1))
        {
            // All from high on are taken to be enough, none below low.
            var (low, high) = (0, possible.Length - 1);
            while (low < high)
            {
                var middle = (low + high) / 2;
                (low, high) = IsEnough(middle) ? (low, middle) : (middle + 1, high);
            }
        }

        // Only waits are searched this way, which more is to shorten.
        var isInDoubt = goals.Where((_, goal) => results.Values.Zip(results.Values.Skip(1)).Any(pair =>
            pair.Second.Estimates[goal].Low > pair.First.Estimates[goal].High)).Any();
        if (isInDoubt && mayRunAll)
        {
            var ran = results.Values.Select(result => result.Setting).ToHashSet();
            var rest = sweep.Run([.. possible.Where(setting => !ran.Contains(setting))], stop);
            return new Frontier(InOrder(rest.AddRange(results.Values)), settings.Length, SearchMethod.GridAfterBisection);
        }

        return new Frontier(InOrder([.. results.Values]), settings.Length, isInDoubt ? SearchMethod.BisectionInDoubt : SearchMethod.Bisection);

        bool IsEnough(int index)
        {
            results[index] = sweep.Run([possible[index]], stop)[0];
            return results[index].Verdict == Verdict.Enough;
        }

        ImmutableArray<SettingResult> InOrder(ImmutableArray<SettingResult> found)
        {
            var bySetting = found.ToDictionary(result => result.Setting);
            return
            [
                .. settings
                    .Where(setting => setting.WhyImpossible is not null || bySetting.ContainsKey(setting))
                    .Select(setting => bySetting.TryGetValue(setting, out var result) ? result : new SettingResult(setting, [], Verdict.Impossible)),
            ];
        }
    }
}
