using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Simulation.Jobs;
using Scheduler.Simulation.Randomness;

namespace Scheduler.Simulation.Scenarios;

/// <summary>What jobs of one sort look like.</summary>
/// <param name="Weight">How often it is drawn, relative to the others.</param>
/// <param name="Pods">Its pods, all equal.</param>
/// <param name="MinMember">Pods without which it does not run.</param>
/// <param name="Shape">What each asks for.</param>
/// <param name="Seconds">How long it runs; null: as the generator says.</param>
public sealed record JobShape(double Weight, int Pods, int MinMember, PodShape Shape, Distribution? Seconds = null);

/// <summary>Makes the jobs of one kind of a tenant.</summary>
public sealed record JobGenerator
{
    /// <summary>Its name; jobs are called by it and a number.</summary>
    public required string Name { get; init; }

    /// <summary>Who submits them.</summary>
    public required TenantId Tenant { get; init; }

    /// <summary>In which namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>When.</summary>
    public required Arrivals Arrivals { get; init; }

    /// <summary>How long they run on the fewest nodes that can hold them, in seconds, where their shape does not say.</summary>
    public required Distribution Seconds { get; init; }

    /// <summary>What they look like; never empty.</summary>
    public required ImmutableArray<JobShape> Shapes { get; init; }

    /// <summary>Kubernetes priority.</summary>
    public int Priority { get; init; }

    /// <summary>Whether they may be preempted.</summary>
    public bool IsPreemptible { get; init; } = true;

    /// <summary>Time between notice and eviction.</summary>
    public TimeSpan PreemptionGrace { get; init; }

    /// <summary>Protected from reclaim for this long.</summary>
    public TimeSpan MinRuntime { get; init; }

    /// <summary>Where the pods of a job must, or should, be together; null leaves that to the policy.</summary>
    public TopologyRequest? Topology { get; init; }

    /// <summary>See <see cref="Job.CheckpointEvery"/>.</summary>
    public TimeSpan? CheckpointEvery { get; init; }

    /// <summary>See <see cref="Job.CheckpointOnNotice"/>.</summary>
    public TimeSpan? CheckpointOnNotice { get; init; }

    /// <summary>See <see cref="Job.RestartTime"/>.</summary>
    public TimeSpan RestartTime { get; init; }

    /// <summary>How many times as long a gang takes on more nodes than it needs; null: no difference.</summary>
    public double? SpreadSlowdown { get; init; }

    /// <summary>
    /// How well owners declare how long their jobs run: 0 exactly, else the standard deviation of the logarithm by which they are off.
    /// Null: they declare nothing.
    /// </summary>
    public double? DeclaredSigma { get; init; }

    /// <summary>How many different programs there are, of which each job repeats one; 0: nothing can be learned.</summary>
    public int Applications { get; init; }

    /// <summary>The jobs, by time.</summary>
    public IEnumerable<Job> Generate(RandomStreams streams, TimeSpan? horizon)
    {
        ArgumentNullException.ThrowIfNull(streams);
        var arrivals = streams.Open($"arrivals/{Name}");
        var shapes = streams.Open($"shapes/{Name}");
        var durations = streams.Open($"durations/{Name}");
        var owners = streams.Open($"owners/{Name}");
        var total = Shapes.Sum(shape => shape.Weight);
        var number = 0;
        foreach (var at in Arrivals.Times(arrivals, horizon))
        {
            var shape = Choose(shapes.NextUnit() * total);
            var duration = (shape.Seconds ?? Seconds).SampleDuration(durations);
            yield return Make(++number, at, shape, duration, Declare(duration, owners), Applications == 0 ? null : $"{Name}-{owners.Below(Applications)}");
        }
    }

    private JobShape Choose(double drawn)
    {
        foreach (var shape in Shapes)
        {
            drawn -= shape.Weight;
            if (drawn < 0)
            {
                return shape;
            }
        }

        return Shapes[^1];
    }

    /// <summary>What an owner thinks, in whole seconds: off by a factor whose logarithm is normal.</summary>
    private TimeSpan? Declare(TimeSpan duration, RandomStream owners) => DeclaredSigma switch
    {
        null => null,
        0 => TimeSpan.FromSeconds(Math.Ceiling(duration.TotalSeconds)),
        { } sigma => TimeSpan.FromSeconds(Math.Ceiling(new Distribution.Lognormal(duration.TotalSeconds, sigma).SampleDuration(owners).TotalSeconds)),
    };

    private Job Make(int number, TimeSpan at, JobShape shape, TimeSpan duration, TimeSpan? declared, string? application)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{Name}-{number:000000}");
        var pods = ImmutableArray.CreateBuilder<Pod>(shape.Pods);
        for (var index = 0; index < shape.Pods; index++)
        {
            var suffix = shape.Pods == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{index:0000}");
            pods.Add(new Pod { Id = new PodId($"{Namespace}/{name}{suffix}"), Name = name + suffix, Shape = shape.Shape });
        }

        return new Job
        {
            Workload = new Workload
            {
                Id = new WorkloadId($"{Namespace}/{name}"),
                Tenant = Tenant,
                Namespace = Namespace,
                Name = name,
                Pods = pods.MoveToImmutable(),
                MinMember = shape.MinMember,
                IsGang = shape.Pods > 1,
                Priority = Priority,
                SubmittedAt = default,
                ExpectedDuration = declared,
                MinRuntime = MinRuntime,
                PreemptionGrace = PreemptionGrace,
                IsPreemptible = IsPreemptible,
                Topology = Topology,
            },
            SubmitAt = at,
            Duration = duration,
            SpreadDuration = SpreadSlowdown is { } slowdown && shape.Pods > 1 ? TimeSpan.FromMilliseconds(Math.Round(duration.TotalMilliseconds * slowdown)) : null,
            Application = application,
            CheckpointEvery = CheckpointEvery,
            CheckpointOnNotice = CheckpointOnNotice,
            RestartTime = RestartTime,
        };
    }
}
