using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;
using Scheduler.Simulation.Schedulers.Baselines;
using Scheduler.Simulation.Traces;
using Scheduler.TestKit;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Simulation.Tests.Traces;

/// <summary>
/// Needs the public traces, which are not part of the project. The published mean is from the artifact's own tables of step
/// times, with a placement for each way to spread a job and every epoch rounded to a second; the trace folder has two run times
/// for each job. So the baseline is met to 1 %, not to the digit.
/// </summary>
public sealed class PolluxReproductionTests
{
    private const double PublishedSeconds = 3469.69;

    [Fact]
    public void Tiresias_comes_within_one_percent_of_the_published_mean_and_Weir_is_below_it()
    {
        var traces = Repository.TracesOrNull();
        Assert.SkipWhen(traces is null, "no traces on this machine: set WEIR_TRACES to the folder that holds pollux64");
        var path = Path.Combine(traces, "pollux64", "tuned-workload-6.csv");
        var policy = SchedulingPolicy.Default with { TopologyLevels = [PolluxWorkload.HostLabel], RestartCost = PolluxWorkload.StartTime };

        var tiresias = MeanSeconds(path, new Tiresias(), setup => setup with { CycleInterval = TimeSpan.Zero });
        var weir = MeanSeconds(path, new ShortestFirst(new WeirScheduler(policy)), setup => setup with { Durations = DurationKnowledge.Learned });

        Assert.InRange(tiresias, PublishedSeconds * 0.99, PublishedSeconds * 1.01);
        Assert.True(weir < tiresias * 0.9, $"Weir {weir}, Tiresias {tiresias}");
    }

    private static double MeanSeconds(string path, IScheduler scheduler, Func<SimulationSetup, SimulationSetup> change)
    {
        var times = new Times();
        Simulator.Run(
            change(new SimulationSetup
            {
                Nodes = PolluxWorkload.Nodes,
                Tenants = Make.Tree(Make.Tenant("t", 64) with { Order = QueueOrder.ShortestExpected }),
                Jobs = PolluxWorkload.Read(path, new TenantId("t"), isDurationDeclared: false),
                Durations = DurationKnowledge.Unknown,
            }),
            scheduler, [times]);
        Assert.Equal(160, times.Seconds.Count);
        return times.Seconds.Average();
    }

    private sealed class Times : ISimulationSink
    {
        public List<double> Seconds { get; } = [];

        public void Stopped(SimulatedJob job, in Stop stop)
        {
            if (job.EndedAt is { } endedAt)
            {
                Seconds.Add((endedAt - job.Job.SubmitAt).TotalSeconds);
            }
        }
    }
}
