using Scheduler.Benchmarks.Commands;
using Scheduler.Simulation.Engine;

namespace Scheduler.Benchmarks.Replays;

/// <summary>When jobs of a simulation were submitted, first started and done.</summary>
internal sealed class CompletionTimes : ISimulationSink
{
    private readonly List<(SimulatedJob Job, TimeSpan FirstWait, TimeSpan Completion)> _jobs = [];

    /// <summary>How it ended; null until it has.</summary>
    public SimulationEnd? Ended { get; private set; }

    /// <summary>When the last job was done.</summary>
    public TimeSpan Makespan { get; private set; }

    /// <summary>Preemptions of whole jobs.</summary>
    public int Preemptions => _jobs.Sum(ended => ended.Job.Preemptions);

    /// <summary>The jobs that are done, with the time from submission to the first start and to the end.</summary>
    public IReadOnlyList<(SimulatedJob Job, TimeSpan FirstWait, TimeSpan Completion)> Jobs => _jobs;

    public double MeanSeconds => _jobs.Average(job => job.Completion.TotalSeconds);

    /// <summary>The completion time that so many in a hundred jobs do not exceed.</summary>
    public double PercentileSeconds(int percent)
    {
        var sorted = _jobs.Select(job => job.Completion.TotalSeconds).Order().ToArray();
        return sorted[Math.Max(0, ((sorted.Length * percent) + 99) / 100 - 1)];
    }

    /// <summary>Runs a simulation in which every job is to end.</summary>
    /// <exception cref="MeasurementException">Some job never ended.</exception>
    public static CompletionTimes Of(SimulationSetup setup, Simulation.Schedulers.IScheduler scheduler)
    {
        var times = new CompletionTimes();
        var end = Simulator.Run(setup, scheduler, [times]);
        return end.Outcome == SimulationOutcome.AllDone
            ? times
            : throw new MeasurementException($"{scheduler.Name}: {setup.Jobs.Length - times.Jobs.Count} jobs never end: {end.Outcome} at {end.At}");
    }

    public void Stopped(SimulatedJob job, in Stop stop)
    {
        if (stop.Cause == StopCause.Done && job.EndedAt is { } endedAt)
        {
            _jobs.Add((job, (job.FirstStart ?? endedAt) - job.Job.SubmitAt, endedAt - job.Job.SubmitAt));
            Makespan = endedAt;
        }
    }

    public void End(SimulationEnd end) => Ended = end;
}
