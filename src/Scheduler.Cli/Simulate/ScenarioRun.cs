using System.Collections.Immutable;
using Scheduler.Cli.Commands;
using Scheduler.Simulation.Checking;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;
using Scheduler.Simulation.Scenarios;
using Scheduler.Simulation.Schedulers;

namespace Scheduler.Cli.Simulate;

/// <summary>Runs a scenario under several schedulers, as many at a time as there are processors.</summary>
internal sealed class ScenarioRun(Scenario scenario, ulong seed, ImmutableArray<string> schedulers, SimulateOptions options)
{
    private const int SeriesPoints = 512;

    /// <summary>Runs all of them; each meets the same jobs and the same faults.</summary>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public SimulationReport Run(ProgressLine progress, CancellationToken stop)
    {
        progress.Begin("making the jobs");
        var setup = scenario.Make(seed);
        var followers = progress.Simulate(schedulers.Length);
        var results = new SimulationResult[schedulers.Length];
        var violations = new ImmutableArray<ViolationReport>[schedulers.Length];
        Parallel.For(0, schedulers.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, index =>
            (results[index], violations[index]) = RunOne(setup, schedulers[index], followers[index], stop));
        stop.ThrowIfCancellationRequested();
        return new SimulationReport(
            scenario.Name, seed, [.. results], options.ChecksInvariants ? [.. violations.SelectMany(found => found)] : null);
    }

    private (SimulationResult Result, ImmutableArray<ViolationReport> Violations) RunOne(
        SimulationSetup setup, string name, ISimulationSink progress, CancellationToken stop)
    {
        if (!SchedulerCatalogue.TryMake(name, scenario.Policy, out var scheduler))
        {
            throw new InvalidOperationException($"there is no scheduler '{name}', although its name was checked");
        }

        var collector = new ResultCollector(name, SeriesPoints, options.KeepsRuns || options.ReportFile is not null);
        var checker = options.ChecksInvariants ? new InvariantChecker(scheduler) : null;
        Simulator.Run(setup, scheduler, checker is null ? [collector, progress] : [collector, progress, checker], stop);
        return (collector.Result, [.. checker?.Violations.Select(violation => ViolationReport.Of(name, violation)) ?? []]);
    }
}
