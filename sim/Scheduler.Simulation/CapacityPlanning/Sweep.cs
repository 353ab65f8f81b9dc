using System.Collections.Immutable;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>The figures of a setting, and what they say.</summary>
/// <param name="Setting">The setting.</param>
/// <param name="Estimates">By goal; empty if it is impossible.</param>
/// <param name="Verdict">The worst of its goals.</param>
internal sealed record SettingResult(Setting Setting, ImmutableArray<Estimate> Estimates, Verdict Verdict)
{
    /// <summary>Judges the figures of a setting.</summary>
    public static SettingResult Of(Setting setting, ImmutableArray<Goal> goals, ImmutableArray<Estimate> estimates) =>
        new(setting, estimates, setting.WhyImpossible is null ? goals.Zip(estimates).Max(pair => pair.First.Judge(pair.Second)) : Verdict.Impossible);
}

/// <summary>Runs several settings, and tells after each run.</summary>
internal interface ISweep
{
    /// <summary>Runs all seeds of these settings; the results are in their order.</summary>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    ImmutableArray<SettingResult> Run(ImmutableArray<Setting> settings, CancellationToken stop);
}

/// <summary>
/// Simulates settings, each with the same seeds: the same jobs, and the same faults of the nodes that they share (common random
/// numbers, so that settings differ by what they are and not by luck). Runs are independent and land in places of their own, so that
/// the results do not depend on how many take place at a time.
/// </summary>
/// <param name="setups">What each seed brings; nodes and tenants are those of the setting.</param>
/// <param name="makeScheduler">Makes a scheduler that has seen nothing yet.</param>
/// <param name="goals">What is to be known.</param>
/// <param name="mostAtATime">Runs at a time.</param>
/// <param name="ended">Told after each run, from any thread.</param>
internal sealed class Sweep(
    ImmutableArray<SimulationSetup> setups, Func<IScheduler> makeScheduler, ImmutableArray<Goal> goals, int mostAtATime, Action? ended = null) : ISweep
{
    /// <summary>What makes the schedulers of a name.</summary>
    public static Func<IScheduler> Schedulers(string name, SchedulingPolicy policy) => () =>
        SchedulerCatalogue.TryMake(name, policy, out var scheduler) ? scheduler : throw new InvalidOperationException($"there is no scheduler '{name}', although its name was checked");

    /// <inheritdoc/>
    public ImmutableArray<SettingResult> Run(ImmutableArray<Setting> settings, CancellationToken stop)
    {
        var possible = settings.Where(setting => setting.WhyImpossible is null).ToArray();
        var figures = new double[possible.Length * setups.Length][];
        try
        {
            Parallel.For(0, figures.Length, new ParallelOptions { MaxDegreeOfParallelism = mostAtATime, CancellationToken = stop }, index =>
            {
                figures[index] = RunOne(possible[index / setups.Length], setups[index % setups.Length], stop);
                ended?.Invoke();
            });
        }
        catch (AggregateException exception) when (stop.IsCancellationRequested && exception.InnerExceptions.All(inner => inner is OperationCanceledException))
        {
            throw new OperationCanceledException(stop);
        }

        var places = possible.Select((setting, place) => (setting, place)).ToDictionary(pair => pair.setting, pair => pair.place);
        return [.. settings.Select(setting => SettingResult.Of(setting, goals, places.TryGetValue(setting, out var place) ? Estimates(figures, place) : []))];
    }

    private ImmutableArray<Estimate> Estimates(double[][] figures, int place) =>
        [.. goals.Select((_, goal) => Estimate.Of([.. Enumerable.Range(place * setups.Length, setups.Length).Select(run => figures[run][goal])]))];

    private double[] RunOne(Setting setting, SimulationSetup setup, CancellationToken stop)
    {
        var collector = new GoalCollector();
        Simulator.Run(setup with { Nodes = setting.Nodes, Tenants = setting.Tenants }, makeScheduler(), [collector], stop);
        stop.ThrowIfCancellationRequested();
        return [.. goals.Select(collector.Figure)];
    }
}
