using System.Collections.Immutable;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Traces;

namespace Scheduler.Benchmarks.Replays;

/// <summary>One of the four tenants that the Philly trace is divided into.</summary>
/// <param name="Name">The virtual cluster, which becomes the tenant.</param>
/// <param name="Nodes">Nodes that it is guaranteed.</param>
/// <param name="Jobs">Its jobs, in the order of submission.</param>
/// <param name="LoadPercent">Its GPU time in per cent of what its nodes give while the trace lasts.</param>
internal sealed record PhillyPartition(string Name, int Nodes, ImmutableArray<PhillyJob> Jobs, double LoadPercent)
{
    /// <summary>Tenants.</summary>
    public const int Count = 4;

    private static readonly TimeSpan RestartTime = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The four virtual clusters with the most GPU time, the nodes divided among them by it, largest remainder, at least what the
    /// largest job of each needs.
    /// </summary>
    public static PhillyPartition[] Divide(ImmutableArray<PhillyJob> jobs, int nodes)
    {
        var largest = jobs.GroupBy(job => job.VirtualCluster)
            .Select(group => (Name: group.Key, Jobs: group.ToImmutableArray(), Hours: group.Sum(job => job.GpuHours)))
            .OrderByDescending(group => group.Hours).ThenBy(group => group.Name, StringComparer.Ordinal).Take(Count).ToArray();
        var least = largest.Select(group => (group.Jobs.Max(job => job.Gpus) + PhillyTrace.GpusPerNode - 1) / PhillyTrace.GpusPerNode).ToArray();
        if (largest.Length < Count || least.Sum() > nodes)
        {
            throw new MeasurementException($"--nodes: the largest jobs of {largest.Length} tenants need {least.Sum()} nodes; give more, and a trace of {Count} virtual clusters");
        }

        var hours = largest.Sum(group => group.Hours);
        var exact = largest.Select(group => group.Hours / hours * nodes).ToArray();
        var shares = exact.Select((share, index) => Math.Max(least[index], (int)share)).ToArray();
        while (shares.Sum() != nodes)
        {
            var step = Math.Sign(nodes - shares.Sum());
            var next = Enumerable.Range(0, Count).Where(index => step > 0 || shares[index] > least[index]).MaxBy(index => step * (exact[index] - shares[index]));
            shares[next] += step;
        }

        var span = (jobs[^1].SubmittedAt - jobs[0].SubmittedAt).TotalHours;
        return
        [
            .. largest.Select((group, index) => new PhillyPartition(
                group.Name, shares[index], group.Jobs, Math.Round(group.Hours / (span * shares[index] * PhillyTrace.GpusPerNode) * 100, 1))),
        ];
    }

    /// <summary>All of their jobs on all of their nodes, each partition a tenant with its nodes as the guarantee and all of them as the limit.</summary>
    public static SimulationSetup Setup(IReadOnlyList<PhillyPartition> partitions)
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
}
