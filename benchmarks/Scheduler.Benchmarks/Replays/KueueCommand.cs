using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Jobs;
using Scheduler.Simulation.Schedulers;

namespace Scheduler.Benchmarks.Replays;

/// <summary>
/// <c>kueue</c>: the shapes of Kueue's scalability tests in virtual time. A cohort is an inner tenant, a queue a tenant in it, a unit
/// of quota a GPU; nodes are so large that only quotas bind, as there.
/// </summary>
internal static class KueueCommand
{
    private const int GuaranteedUnits = 20;
    private const int BorrowedUnits = 100;

    private static readonly Dictionary<string, Shape> Shapes = new(StringComparer.Ordinal)
    {
        ["baseline"] = new(
            Cohorts: 5, Queues: 6, IdealSeconds: 66.1,
            [new("small", 350, 1, 200, 50, 100), new("medium", 100, 5, 500, 100, 500), new("large", 50, 20, 1000, 200, 1200)]),
        ["large-scale"] = new(
            Cohorts: 10, Queues: 100, IdealSeconds: 4.1,
            [new("small", 35, 1, 150, 50, 60), new("medium", 11, 5, 350, 100, 300), new("large", 4, 20, 700, 200, 700)]),
    };

    /// <summary>What one queue gets of one class of workloads; times in milliseconds.</summary>
    private sealed record Class(string Name, int Count, int Units, int RunMs, int Priority, int EveryMs);

    private sealed record Shape(int Cohorts, int Queues, double IdealSeconds, ImmutableArray<Class> Classes)
    {
        /// <summary>A node holds a whole number of cohorts, or a cohort a whole number of nodes: 600 or 1,000 units.</summary>
        public (int Nodes, int Gpus) Cluster
        {
            get
            {
                var units = Cohorts * Queues * GuaranteedUnits;
                return units <= 1000 ? (1, units) : (units / 1000, 1000);
            }
        }
    }

    public static Command Create()
    {
        var shape = new Option<string>("--shape") { Description = "Which of the two shapes", DefaultValueFactory = _ => "baseline" };
        shape.AcceptOnlyFromAmong([.. Shapes.Keys]);
        var cycle = CommonOptions.Whole("--cycle", "Milliseconds between two cycles at least", 10, 1, 1000);
        var preempts = new Option<bool>("--preempt") { Description = "Large work may preempt small in its queue, which starts anew" };
        var output = CommonOptions.Output();
        var command = new Command("kueue", "Kueue's scalability shapes in virtual time: how far from ideal") { shape, cycle, preempts, output };
        command.SetAction(result =>
        {
            Run(
                result.GetValue(shape)!, TimeSpan.FromMilliseconds(result.GetValue(cycle)), result.GetValue(preempts),
                isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static void Run(string name, TimeSpan cycle, bool preempts, bool isJson)
    {
        var shape = Shapes[name];
        var planning = new TimedScheduler(new WeirScheduler(SchedulingPolicy.Default));
        var setup = Setup(shape, cycle, preempts);
        var clock = Stopwatch.StartNew();
        var times = CompletionTimes.Of(setup, planning);
        var result = new
        {
            shape = name,
            workloads = setup.Jobs.Length,
            makespanSeconds = Math.Round(times.Makespan.TotalSeconds, 3),
            shape.IdealSeconds,
            timesIdeal = Math.Round(times.Makespan.TotalSeconds / shape.IdealSeconds, 3),
            planningSeconds = Math.Round(planning.Spent.TotalSeconds, 3),
            makespanWithPlanningSeconds = Math.Round((times.Makespan + planning.Spent).TotalSeconds, 3),
            timesIdealWithPlanning = Math.Round((times.Makespan + planning.Spent).TotalSeconds / shape.IdealSeconds, 3),
            cycles = times.Ended!.Cycles,
            preemptions = times.Preemptions,
            waitSeconds = shape.Classes.ToDictionary(
                of => of.Name,
                of => Math.Round(times.Jobs.Where(job => job.Job.Job.Application == of.Name).Average(job => job.FirstWait.TotalSeconds), 3)),
            seconds = Math.Round(clock.Elapsed.TotalSeconds, 2),
        };
        if (isJson)
        {
            Results.WriteJson(result);
            return;
        }

        Results.WriteTable(
            $"Kueue's {name}: {Results.Text((long)result.workloads)} workloads",
            ["makespan s", "ideal s", "times", "with planning s", "times", "cycles", .. result.waitSeconds.Keys.Select(of => $"wait {of} s"), "preempted", "ran s"],
            [
                [
                    Results.Text(result.makespanSeconds), Results.Text(result.IdealSeconds), Results.Text(result.timesIdeal),
                    Results.Text(result.makespanWithPlanningSeconds), Results.Text(result.timesIdealWithPlanning), Results.Text(result.cycles),
                    .. result.waitSeconds.Values.Select(Results.Text), Results.Text((long)result.preemptions), Results.Text(result.seconds),
                ],
            ]);
    }

    private static SimulationSetup Setup(Shape shape, TimeSpan cycle, bool preempts)
    {
        var tenants = new List<Tenant>();
        var jobs = new List<Job>();
        for (var cohort = 0; cohort < shape.Cohorts; cohort++)
        {
            var parent = new TenantId(string.Create(CultureInfo.InvariantCulture, $"cohort-{cohort:00}"));
            tenants.Add(new Tenant { Id = parent, Quotas = [Quota(GuaranteedUnits * shape.Queues, 0)] });
            for (var queue = 0; queue < shape.Queues; queue++)
            {
                var id = new TenantId(string.Create(CultureInfo.InvariantCulture, $"{parent}-queue-{queue:000}"));
                tenants.Add(new Tenant { Id = id, Parent = parent, Namespaces = [id.Value], Quotas = [Quota(GuaranteedUnits, BorrowedUnits)] });
                jobs.AddRange(shape.Classes.SelectMany(of => Enumerable.Range(0, of.Count).Select(number => JobOf(id, of, number, preempts))));
            }
        }

        var (nodes, gpus) = shape.Cluster;
        return new SimulationSetup
        {
            Nodes =
            [
                .. Enumerable.Range(0, nodes).Select(index => new Node
                {
                    Name = new NodeName(string.Create(CultureInfo.InvariantCulture, $"node-{index:00}")),
                    Allocatable = new ResourceVector(1000L * gpus, 1L << 50),
                    MaxPods = gpus,
                    Devices = [.. Enumerable.Range(0, gpus).Select(device => new GpuDevice(device))],
                }),
            ],
            Tenants = TenantTree.TryCreate(tenants, out var tree, out var errors) ? tree : throw new InvalidOperationException(string.Join("; ", errors)),
            Jobs = [.. jobs.OrderBy(job => job.SubmitAt).ThenBy(job => job.Workload.Id)],
            CycleInterval = cycle,
            Durations = DurationKnowledge.Unknown,
        };
    }

    private static FlavorQuota Quota(int guaranteedUnits, int borrowedUnits) => new()
    {
        Flavor = FlavorId.Any,
        GuaranteedMilliGpu = guaranteedUnits * (long)GpuRequest.MilliPerDevice,
        BurstMilliGpu = borrowedUnits * (long)GpuRequest.MilliPerDevice,
    };

    private static Job JobOf(TenantId queue, Class of, int number, bool preempts)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{queue}-{of.Name}-{number:000}");
        return new Job
        {
            Workload = new Workload
            {
                Id = new WorkloadId(name),
                Tenant = queue,
                Namespace = queue.Value,
                Name = name,
                Priority = of.Priority,
                SubmittedAt = DateTimeOffset.UnixEpoch,

                // Protected for as long as it runs, except against a guarantee.
                MinRuntime = preempts ? TimeSpan.Zero : TimeSpan.FromMilliseconds(of.RunMs),
                Pods =
                [
                    new Pod { Id = new PodId(name), Name = name, Shape = PodShape.Create(new ResourceVector(0, 0), GpuRequest.Whole(of.Units)) },
                ],
            },
            SubmitAt = TimeSpan.FromMilliseconds(of.EveryMs) * number,
            Duration = TimeSpan.FromMilliseconds(of.RunMs),
            Application = of.Name,
        };
    }

    /// <summary>Counts how long a scheduler thinks, by the clock of this machine.</summary>
    private sealed class TimedScheduler(IScheduler inner) : IScheduler
    {
        public string Name => inner.Name;

        public TimeSpan Spent { get; private set; }

        public Plan Decide(ClusterSnapshot snapshot)
        {
            var clock = Stopwatch.StartNew();
            var plan = inner.Decide(snapshot);
            Spent += clock.Elapsed;
            return plan;
        }
    }
}
