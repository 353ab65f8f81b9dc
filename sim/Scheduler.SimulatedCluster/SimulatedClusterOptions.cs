using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.SimulatedCluster.Access;

namespace Scheduler.SimulatedCluster;

/// <summary>What a simulated cluster starts with.</summary>
public sealed class SimulatedClusterOptions
{
    /// <summary>The port on 127.0.0.1. Default 0: any free one. Range 0 to 65535.</summary>
    public int Port { get; set; }

    /// <summary>Whether the API server listens at all. Default true; without it, requests come by <see cref="SimulatedCluster.ServeAsync"/> only.</summary>
    public bool Listens { get; set; } = true;

    /// <summary>Where uids and generated names come from; a seeded one makes them the same in each run. Default the shared generator.</summary>
    public Random Random { get; set; } = Random.Shared;

    /// <summary>The nodes that exist from the start. Default none.</summary>
    public IReadOnlyList<SimulatedNode> Nodes { get; set; } = [];

    /// <summary>Manifests (YAML or JSON text, several documents each) that are created before the cluster answers. Default none.</summary>
    public IReadOnlyList<string> Manifests { get; set; } = [];

    /// <summary>
    /// Who holds which token, for TokenReviews. If there are any, SubjectAccessReviews are answered by the stored roles; default none, and
    /// everybody may do everything. The server itself asks nobody for a token.
    /// </summary>
    public IReadOnlyDictionary<string, SimulatedUser> Tokens { get; set; } = new Dictionary<string, SimulatedUser>();

    /// <summary>The clock of everything in the cluster. Default the system's.</summary>
    public TimeProvider Clock { get; set; } = TimeProvider.System;

    /// <summary>
    /// How much faster than the clock pods run: 60 turns an hour's job into a minute. Default 1, more than 0. It divides run
    /// times and the delays of the kubelets, not grace periods or time stamps.
    /// </summary>
    public double TimeScale { get; set; } = 1;

    /// <summary>The kubelets.</summary>
    public KubeletOptions Kubelets { get; set; } = new();

    /// <summary>Whether the controllers for jobs, replica sets and deployments run. Default true.</summary>
    public bool RunsControllers { get; set; } = true;

    /// <summary>How long an Event is kept after its last change. Default 1 hour, more than 0.</summary>
    public TimeSpan EventTtl { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How many changes of each resource are remembered for watches. A watch that asks for older ones gets 410 Gone. Default
    /// 65,536, at least 1.
    /// </summary>
    public int WatchHistoryLength { get; set; } = 65_536;

    /// <summary>How often a quiet watch that asked for bookmarks gets one. Default 1 minute, more than 0.</summary>
    public TimeSpan BookmarkInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Whether each node with GPUs has a pod of dcgm-exporter, in namespace gpu-operator, that serves the node's metrics on
    /// <see cref="Port"/>. Default false.
    /// </summary>
    public bool ServesGpuMetrics { get; set; }

    /// <summary>Where log messages go. Default nowhere.</summary>
    public ILoggerFactory Loggers { get; set; } = NullLoggerFactory.Instance;

    /// <summary>All that is wrong with these options, each with the name of the property.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        void Check(bool isRight, string error)
        {
            if (!isRight)
                errors.Add(error);
        }

        Check(Port is >= 0 and <= 65535, $"Port: {Port} is not between 0 and 65535");
        Check(double.IsFinite(TimeScale) && TimeScale > 0, $"TimeScale: {TimeScale} is not more than 0");
        Check(EventTtl > TimeSpan.Zero, $"EventTtl: {EventTtl} is not more than 0");
        Check(WatchHistoryLength >= 1, $"WatchHistoryLength: {WatchHistoryLength} is less than 1");
        Check(BookmarkInterval > TimeSpan.Zero, $"BookmarkInterval: {BookmarkInterval} is not more than 0");
        Check(Kubelets.StartDelay >= TimeSpan.Zero, $"Kubelets.StartDelay: {Kubelets.StartDelay} is less than 0");
        Check(Kubelets.TerminationDelay >= TimeSpan.Zero, $"Kubelets.TerminationDelay: {Kubelets.TerminationDelay} is less than 0");
        foreach (var group in Nodes.GroupBy(n => n.Name, StringComparer.Ordinal).Where(g => g.Count() > 1))
            errors.Add($"Nodes: {group.Count()} nodes are named {group.Key}");
        return errors;
    }
}
