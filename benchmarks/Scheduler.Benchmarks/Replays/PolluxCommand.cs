using System.CommandLine;
using System.Diagnostics;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;
using Scheduler.Simulation.Schedulers.Baselines;
using Scheduler.Simulation.Traces;

namespace Scheduler.Benchmarks.Replays;

/// <summary><c>pollux</c>: job completion times of the Pollux artifact's workloads on 16 nodes of 4 GPUs.</summary>
internal static class PolluxCommand
{
    private const string All = "all";

    private static readonly TenantId Tenant = new("pollux");

    /// <summary>A gang stays on one node where one has room; every start costs what it does in the experiment.</summary>
    private static readonly SchedulingPolicy Policy = SchedulingPolicy.Default with
    {
        TopologyLevels = [PolluxWorkload.HostLabel],
        RestartCost = PolluxWorkload.StartTime,
    };

    private static readonly Dictionary<string, Func<string, CompletionTimes>> Policies = new(StringComparer.Ordinal)
    {
        ["tiresias"] = path => CompletionTimes.Of(Setup(path, DurationKnowledge.Unknown) with { CycleInterval = TimeSpan.Zero }, new Tiresias()),
        ["weir-no-preemption"] = path => CompletionTimes.Of(Setup(path, DurationKnowledge.Learned), new WeirScheduler(Policy)),
        ["weir"] = path => CompletionTimes.Of(Setup(path, DurationKnowledge.Learned), Weir()),
        ["weir-declared"] = path => CompletionTimes.Of(Setup(path, DurationKnowledge.Declared), Weir()),
    };

    private static ShortestFirst Weir() => new(new WeirScheduler(Policy));

    private sealed record Row(
        string Trace, string Policy, double MeanJctSeconds, double P99JctSeconds, double MaxJctSeconds, double MakespanHours, int Preemptions, double Seconds);

    public static Command Create()
    {
        var workloads = new Option<string[]>("--workload")
        {
            Description = "Workloads: name,submit_s,application,num_gpus,batch_size,runtime_packed_s,runtime_spread_s; plain or .gz",
            HelpName = "FILE",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        var policy = new Option<string>("--policy") { Description = "Who decides", DefaultValueFactory = _ => All };
        policy.AcceptOnlyFromAmong([.. Policies.Keys, All]);
        var output = CommonOptions.Output();
        var command = new Command("pollux", "Job completion times on the Pollux artifact's workloads, against Tiresias") { workloads, policy, output };
        command.SetAction(result =>
        {
            var chosen = result.GetValue(policy)!;
            Write(
                [.. result.GetValue(workloads)!.SelectMany(path => (chosen == All ? [.. Policies.Keys] : new[] { chosen }).Select(name => Measure(path, name)))],
                isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static Row Measure(string path, string policy)
    {
        Results.Progress($"{Path.GetFileName(path)}, {policy}");
        var clock = Stopwatch.StartNew();
        var times = Policies[policy](path);
        return new Row(
            Path.GetFileName(path).Split('.')[0], policy, times.MeanSeconds, times.PercentileSeconds(99), times.PercentileSeconds(100),
            times.Makespan.TotalHours, times.Preemptions, Math.Round(clock.Elapsed.TotalSeconds, 3));
    }

    private static SimulationSetup Setup(string path, DurationKnowledge durations)
    {
        var tenant = new Tenant
        {
            Id = Tenant,
            Namespaces = [Tenant.Value],
            Order = QueueOrder.ShortestExpected,
            Quotas =
            [
                new FlavorQuota { Flavor = FlavorId.Any, GuaranteedMilliGpu = PolluxWorkload.Nodes.Sum(node => node.InstalledMilliGpu) },
            ],
        };
        return new SimulationSetup
        {
            Nodes = PolluxWorkload.Nodes,
            Tenants = TenantTree.TryCreate([tenant], out var tree, out var errors) ? tree : throw new InvalidOperationException(string.Join("; ", errors)),
            Jobs = PolluxWorkload.Read(path, Tenant, isDurationDeclared: durations == DurationKnowledge.Declared),
            Durations = durations,
        };
    }

    private static void Write(Row[] rows, bool isJson)
    {
        if (isJson)
        {
            Results.WriteJson(new { results = rows });
            return;
        }

        Results.WriteTable(
            "Job completion times in seconds, 64 GPUs",
            ["trace", "policy", "mean", "p99", "longest", "makespan h", "preemptions", "ran s"],
            rows.Select(row => new[]
            {
                row.Trace, row.Policy, row.MeanJctSeconds.ToString("F2", System.Globalization.CultureInfo.InvariantCulture), Results.Text(row.P99JctSeconds), Results.Text(row.MaxJctSeconds),
                Results.Text(row.MakespanHours), Results.Text((long)row.Preemptions), Results.Text(row.Seconds),
            }));
    }
}
