using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>What an administrator chooses about planning. Immutable; the default is meant for most clusters.</summary>
public sealed record SchedulingPolicy
{
    /// <summary>The default policy.</summary>
    public static readonly SchedulingPolicy Default = new();

    /// <summary>
    /// The most of the cluster's GPUs that one tenant at the top of the tree may use, in thousandths (1…1000). Null: no
    /// such cap.
    /// </summary>
    public int? MaxShareOfClusterPermille { get; init; }

    /// <summary>What a preemption costs besides the work since the last checkpoint: the time to start again. 0 s to 1 day.</summary>
    public TimeSpan RestartCost { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Whether a tenant below its entitlement may take from one above it when neither has a guarantee at stake.
    /// </summary>
    public bool HasFairShareReclaim { get; init; } = true;

    /// <summary>
    /// Labels of nodes that name topology domains, the widest first, such as zone, rack, NVLink island. A gang that does not
    /// say otherwise is kept inside the smallest domain that has room. At most 8.
    /// </summary>
    public ImmutableArray<string> TopologyLevels { get; init; } = [];

    /// <summary>Labels of nodes that every tenant may use, whatever its node pool; empty: there are none.</summary>
    public ImmutableSortedDictionary<string, string> BurstNodes { get; init; } = Node.NoLabels;

    /// <summary>How many blocked workloads of each tenant get a reservation, the first in order first. 0 to 100.</summary>
    public int ReservationsPerTenant { get; init; } = 1;

    /// <summary>How much each score counts.</summary>
    public ScoreWeights Scores { get; init; } = new();

    /// <summary>Checks the values; every mistake at once.</summary>
    public ImmutableArray<ConfigurationError> Validate()
    {
        var errors = ImmutableArray.CreateBuilder<ConfigurationError>();
        if (MaxShareOfClusterPermille is < 1 or > 1000)
        {
            errors.Add(new("policy.maxShareOfCluster", $"is {MaxShareOfClusterPermille} thousandths; it must be from 0.001 to 1"));
        }

        if (RestartCost < TimeSpan.Zero || RestartCost > TimeSpan.FromDays(1))
        {
            errors.Add(new("policy.restartCost", $"is {RestartCost}; it must be from 0s to 1d"));
        }

        if (ReservationsPerTenant is < 0 or > 100)
        {
            errors.Add(new("policy.reservationsPerTenant", $"is {ReservationsPerTenant}; it must be from 0 to 100"));
        }

        if (TopologyLevels.Length > 8)
        {
            errors.Add(new("policy.topologyLevels", $"names {TopologyLevels.Length} levels; there can be at most 8"));
        }

        Scores.Validate(errors);
        return errors.ToImmutable();
    }
}

/// <summary>Weights of the node scores, 0 (ignored) to 100.</summary>
public sealed record ScoreWeights
{
    /// <summary>Leave as few unusable GPU pieces as possible.</summary>
    public int Fragmentation { get; init; } = 100;

    /// <summary>Fill nodes that are in use already. Low, as a tie-break: full CPU beside idle GPUs is what fragmentation is about.</summary>
    public int Packing { get; init; } = 1;

    /// <summary>The pod's preferred node affinity, and taints that it had better avoid.</summary>
    public int Preference { get; init; } = 50;

    internal void Validate(ImmutableArray<ConfigurationError>.Builder errors)
    {
        Check("fragmentation", Fragmentation);
        Check("packing", Packing);
        Check("preference", Preference);

        void Check(string name, int value)
        {
            if (value is < 0 or > 100)
            {
                errors.Add(new($"policy.scores.{name}", $"is {value}; it must be from 0 to 100"));
            }
        }
    }
}
