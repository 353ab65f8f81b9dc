using System.CommandLine;
using System.Diagnostics;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Planning;
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

    private static readonly string[] Policies = ["weir", "static-partition", "drf", "fifo"];

    private sealed record TenantRow(
        string Policy, string Tenant, int Jobs, int GuaranteedGpus, double LoadPercent, double SharedWaitSeconds, double PrivateWaitSeconds,
        double AnomalySeconds, double SharedCompletionSeconds, double PrivateCompletionSeconds, int Preemptions);

    private sealed record Row(string Policy, double MeanWaitSeconds, double MeanJctSeconds, double MakespanHours, int Preemptions, double Seconds);

    public static Command Create()
    {
        var jobs = new Option<string>("--jobs") { Description = "The trace: timestamp,duration,num_gpus,gpu_time,cluster; plain or .gz", HelpName = "FILE", Required = true };
        var nodes = CommonOptions.Whole("--nodes", "Nodes of 8 GPUs", 48, PhillyPartition.Count, 1000);
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
        var partitions = PhillyPartition.Divide(PhillyTrace.Read(path), nodes);
        var tenants = new List<TenantRow>();
        var results = new List<Row>();
        foreach (var policy in policies)
        {
            Results.Progress($"{policy}, shared");
            var clock = Stopwatch.StartNew();
            var shared = CompletionTimes.Of(PhillyPartition.Setup(partitions), Make(policy));
            results.Add(new Row(
                policy, Mean(shared, Wait), Mean(shared, Completion), shared.Makespan.TotalHours, shared.Preemptions, Math.Round(clock.Elapsed.TotalSeconds, 2)));
            foreach (var partition in partitions)
            {
                Results.Progress($"{policy}, {partition.Name} alone on {partition.Nodes} nodes");
                var alone = CompletionTimes.Of(PhillyPartition.Setup([partition]), Make(policy));
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

    private static IScheduler Make(string policy) => SchedulerCatalogue.TryMake(policy, SchedulingPolicy.Default, out var scheduler)
        ? scheduler
        : throw new MeasurementException($"--policy: there is no '{policy}'");

    private static string? Owner(SimulatedJob job) => job.Job.Workload.Tenant?.Value;

    private static double Wait((SimulatedJob Job, TimeSpan FirstWait, TimeSpan Completion) job) =>
        job.Completion.TotalSeconds - (job.Job.RanMilliseconds / 1000.0);

    private static double Completion((SimulatedJob Job, TimeSpan FirstWait, TimeSpan Completion) job) => job.Completion.TotalSeconds;

    private static double Mean(CompletionTimes times, Func<(SimulatedJob Job, TimeSpan FirstWait, TimeSpan Completion), double> figure, string? owner = null) =>
        times.Jobs.Where(job => owner is null || Owner(job.Job) == owner).Average(figure);
}
