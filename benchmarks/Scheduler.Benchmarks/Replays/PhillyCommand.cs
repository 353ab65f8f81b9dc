using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;
using Scheduler.Simulation.Traces;

namespace Scheduler.Benchmarks.Replays;

/// <summary>
/// <c>philly</c>: the sharing test of HiveD (Zhao et al., OSDI 2020). The four largest virtual clusters of the Philly trace share one
/// cluster; each is to wait no longer than on a private cluster of its guarantee.
/// </summary>
internal static class PhillyCommand
{
    private const string All = "all";
    private const int Tenants = 4;

    private static readonly string[] Policies = ["weir", "static-partition", "drf", "fifo"];

    private static readonly TimeSpan RestartTime = TimeSpan.FromMinutes(1);

    private sealed record Partition(string Name, int Nodes, ImmutableArray<PhillyJob> Jobs, double LoadPercent);

    private sealed record TenantRow(
        string Policy, string Tenant, int Jobs, int GuaranteedGpus, double LoadPercent, double SharedWaitSeconds, double PrivateWaitSeconds,
        double AnomalySeconds, double SharedCompletionSeconds, double PrivateCompletionSeconds, int Preemptions);

    private sealed record Row(string Policy, double MeanWaitSeconds, double MeanJctSeconds, double MakespanHours, int Preemptions, double Seconds);

    public static Command Create()
    {
        var jobs = new Option<string>("--jobs") { Description = "The trace: timestamp,duration,num_gpus,gpu_time,cluster; plain or .gz", HelpName = "FILE", Required = true };
        var nodes = CommonOptions.Whole("--nodes", "Nodes of 8 GPUs", 48, Tenants, 1000);
        var policy = new Option<string>("--policy") { Description = "Who decides", DefaultValueFactory = _ => All };
        policy.AcceptOnlyFromAmong([.. Policies, All]);
        var output = CommonOptions.Output();
        var command = new Command("philly", "Four tenants of the Philly trace on one cluster, against private clusters") { jobs, nodes, policy, output };
        command.SetAction(result =>
        {
            Run(
                result.GetValue(jobs)!, result.GetValue(nodes), result.GetValue(policy) is All ? Policies : [result.GetValue(policy)!],
                isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static void Run(string path, int nodes, string[] policies, bool isJson)
    {
        var partitions = Divide(PhillyTrace.Read(path), nodes);
        var tenants = new List<TenantRow>();
        var results = new List<Row>();
        foreach (var policy in policies)
        {
            Results.Progress($"{policy}, shared");
            var clock = Stopwatch.StartNew();
            var shared = CompletionTimes.Of(Setup(partitions), Make(policy));
            results.Add(new Row(
                policy, Mean(shared, Wait), Mean(shared, Completion), shared.Makespan.TotalHours, shared.Preemptions, Math.Round(clock.Elapsed.TotalSeconds, 2)));
            foreach (var partition in partitions)
            {
                Results.Progress($"{policy}, {partition.Name} alone on {partition.Nodes} nodes");
                var alone = CompletionTimes.Of(Setup([partition]), Make(policy));
                var (ours, theirs) = (Mean(shared, Wait, partition.Name), Mean(alone, Wait));
                tenants.Add(new TenantRow(
                    policy, partition.Name, partition.Jobs.Length, partition.Nodes * PhillyTrace.GpusPerNode, partition.LoadPercent, ours, theirs, ours - theirs,
                    Mean(shared, Completion, partition.Name), Mean(alone, Completion), shared.Jobs.Where(job => Owner(job.Job) == partition.Name).Sum(job => job.Job.Preemptions)));
            }
        }

        if (isJson)
        {
            Results.WriteJson(new { nodes, results, tenants });
            return;
        }

        Results.WriteTable(
            $"Four tenants of Philly on {nodes} nodes of 8 GPUs: waiting in seconds",
            ["policy", "tenant", "jobs", "guaranteed", "load %", "shared", "private", "anomaly", "JCT shared", "JCT private", "preempted"],
            tenants.Select(row => new[]
            {
                row.Policy, row.Tenant, Results.Text((long)row.Jobs), Results.Text((long)row.GuaranteedGpus), Results.Text(row.LoadPercent),
                Results.Text(row.SharedWaitSeconds), Results.Text(row.PrivateWaitSeconds), Results.Text(row.AnomalySeconds),
                Results.Text(row.SharedCompletionSeconds), Results.Text(row.PrivateCompletionSeconds), Results.Text((long)row.Preemptions),
            }));
        Results.WriteTable(
            "All four together",
            ["policy", "wait s", "JCT s", "makespan h", "preempted", "ran s"],
            results.Select(row => new[]
            {
                row.Policy, Results.Text(row.MeanWaitSeconds), Results.Text(row.MeanJctSeconds), Results.Text(row.MakespanHours),
                Results.Text((long)row.Preemptions), Results.Text(row.Seconds),
            }));
    }

    /// <summary>
    /// The four virtual clusters with the most GPU time, the nodes divided among them by it, largest remainder, at least what the
    /// largest job of each needs.
    /// </summary>
    private static Partition[] Divide(ImmutableArray<PhillyJob> jobs, int nodes)
    {
        var largest = jobs.GroupBy(job => job.VirtualCluster)
            .Select(group => (Name: group.Key, Jobs: group.ToImmutableArray(), Hours: group.Sum(job => job.GpuHours)))
            .OrderByDescending(group => group.Hours).ThenBy(group => group.Name, StringComparer.Ordinal).Take(Tenants).ToArray();
        var least = largest.Select(group => (group.Jobs.Max(job => job.Gpus) + PhillyTrace.GpusPerNode - 1) / PhillyTrace.GpusPerNode).ToArray();
        if (largest.Length < Tenants || least.Sum() > nodes)
        {
            throw new MeasurementException($"--nodes: the largest jobs of {largest.Length} tenants need {least.Sum()} nodes; give more, and a trace of {Tenants} virtual clusters");
        }

        var hours = largest.Sum(group => group.Hours);
        var exact = largest.Select(group => group.Hours / hours * nodes).ToArray();
        var shares = exact.Select((share, index) => Math.Max(least[index], (int)share)).ToArray();
        while (shares.Sum() != nodes)
        {
            var step = Math.Sign(nodes - shares.Sum());
            var next = Enumerable.Range(0, Tenants).Where(index => step > 0 || shares[index] > least[index]).MaxBy(index => step * (exact[index] - shares[index]));
            shares[next] += step;
        }

        var span = (jobs[^1].SubmittedAt - jobs[0].SubmittedAt).TotalHours;
        return
        [
            .. largest.Select((group, index) => new Partition(
                group.Name, shares[index], group.Jobs, Math.Round(group.Hours / (span * shares[index] * PhillyTrace.GpusPerNode) * 100, 1))),
        ];
    }

    private static IScheduler Make(string policy) => SchedulerCatalogue.TryMake(policy, SchedulingPolicy.Default, out var scheduler)
        ? scheduler
        : throw new MeasurementException($"--policy: there is no '{policy}'");

    private static SimulationSetup Setup(IReadOnlyList<Partition> partitions)
    {
        var tenants = partitions.Select(partition => new Tenant
        {
            Id = new TenantId(partition.Name),
            Namespaces = [partition.Name],
            Quotas =
            [
                new FlavorQuota
                {
                    Flavor = FlavorId.Any,
                    GuaranteedMilliGpu = partition.Nodes * PhillyTrace.GpusPerNode * (long)GpuRequest.MilliPerDevice,
                    BurstMilliGpu = partitions.Sum(other => other.Nodes) * PhillyTrace.GpusPerNode * (long)GpuRequest.MilliPerDevice,
                },
            ],
        });
        var jobs = partitions.SelectMany(partition => partition.Jobs).OrderBy(job => job.SubmittedAt).ToArray();
        return new SimulationSetup
        {
            Nodes = PhillyTrace.Nodes(partitions.Sum(partition => partition.Nodes)),
            Tenants = TenantTree.TryCreate(tenants, out var tree, out var errors) ? tree : throw new InvalidOperationException(string.Join("; ", errors)),
            Jobs =
            [
                .. PhillyTrace.ToJobs(jobs, jobs[0].SubmittedAt)
                    .Select(job => job with { CheckpointOnNotice = TimeSpan.Zero, RestartTime = RestartTime }),
            ],
            Durations = DurationKnowledge.Unknown,
        };
    }

    private static string? Owner(SimulatedJob job) => job.Job.Workload.Tenant?.Value;

    private static double Wait((SimulatedJob Job, TimeSpan FirstWait, TimeSpan Completion) job) =>
        job.Completion.TotalSeconds - (job.Job.RanMilliseconds / 1000.0);

    private static double Completion((SimulatedJob Job, TimeSpan FirstWait, TimeSpan Completion) job) => job.Completion.TotalSeconds;

    private static double Mean(CompletionTimes times, Func<(SimulatedJob Job, TimeSpan FirstWait, TimeSpan Completion), double> figure, string? owner = null) =>
        times.Jobs.Where(job => owner is null || Owner(job.Job) == owner).Average(figure);
}
