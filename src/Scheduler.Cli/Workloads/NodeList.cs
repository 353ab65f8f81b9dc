using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.SimulatedCluster;

namespace Scheduler.Cli.Workloads;

/// <summary>The nodes of a cluster to simulate.</summary>
internal sealed record NodeList(ImmutableArray<SimulatedNode> Nodes)
{
    public long MilliGpu => Nodes.Sum(MilliGpuOf);

    /// <summary>Installed milli-GPU by flavor.</summary>
    public IReadOnlyDictionary<FlavorId, long> InstalledMilliGpu() => Nodes
        .Where(node => MilliGpuOf(node) > 0)
        .GroupBy(node => node.GpuModel is { } model ? new FlavorId(model) : FlavorId.Unlabelled)
        .ToDictionary(group => group.Key, group => group.Sum(MilliGpuOf));

    /// <summary>GPUs of a node in thousandths, MIG instances included.</summary>
    private static long MilliGpuOf(SimulatedNode node) =>
        ((long)GpuRequest.MilliPerDevice * node.Gpus)
        + node.MigProfiles.Sum(pair => GpuRequest.TryMigMilliGpu(pair.Key, out var milli) ? (long)milli * pair.Value : 0);
}
