using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Jobs;
using Scheduler.Simulation.Randomness;
using Scheduler.Simulation.Scenarios;

namespace Scheduler.Simulation.Clusters;

/// <summary>
/// Jobs like those of a history: each namespace submits at the rate at which it did, without memory, and each job is a copy of one that
/// ended, drawn at random, so that sizes, durations and wishes stay together.
/// </summary>
internal sealed class HistoryArrivals
{
    private readonly ImmutableArray<(string Namespace, double PerHour, ImmutableArray<EndedWorkload> Samples)> _sources;
    private readonly TenantTree _tenants;

    public HistoryArrivals(ClusterState state)
    {
        _tenants = state.Tenants;
        Observed = state.HistorySince is { } since && since < state.TakenAt ? state.TakenAt - since : TimeSpan.Zero;
        if (Observed == TimeSpan.Zero)
        {
            _sources = [];
            return;
        }

        var submitted = state.History.Where(ended => ended.SubmittedAt >= state.HistorySince && !ended.WasPreempted).Select(ended => ended.Namespace)
            .Concat(state.Workloads.Where(workload => workload.IsManaged && workload.SubmittedAt >= state.HistorySince).Select(workload => workload.Namespace))
            .CountBy(name => name).ToDictionary(StringComparer.Ordinal);
        _sources = [.. state.History
            .Where(ended => ended is { StartedAt: { } started, WasPreempted: false } && ended.EndedAt > started && submitted.ContainsKey(ended.Namespace))
            .GroupBy(ended => ended.Namespace, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => (group.Key, submitted[group.Key] / Observed.TotalHours, group.ToImmutableArray()))];
    }

    /// <summary>How long was watched.</summary>
    public TimeSpan Observed { get; }

    /// <summary>Whether nothing comes, because nothing has ended while it was watched.</summary>
    public bool IsEmpty => _sources.IsEmpty;

    /// <summary>Jobs an hour, of all namespaces.</summary>
    public double PerHour => _sources.Sum(source => source.PerHour);

    /// <summary>The jobs, namespace by namespace, each by time.</summary>
    public IEnumerable<Job> Generate(RandomStreams streams, TimeSpan? horizon)
    {
        foreach (var (name, perHour, samples) in _sources)
        {
            var drawn = streams.Open($"history/{name}");
            var number = 0;
            foreach (var at in new Arrivals.Poisson(perHour, [], []).Times(streams.Open($"arrivals/history/{name}"), horizon))
            {
                yield return Make(samples[drawn.Below(samples.Length)], ++number, at);
            }
        }
    }

    private Job Make(EndedWorkload sample, int number, TimeSpan at)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"like-{sample.Name}-{number:000000}");
        var pods = ImmutableArray.CreateBuilder<Pod>();
        foreach (var (shape, count) in sample.Pods)
        {
            for (var index = 0; index < count; index++)
            {
                var podName = string.Create(CultureInfo.InvariantCulture, $"{name}-{pods.Count:00000}");
                pods.Add(new Pod { Id = new PodId($"{sample.Namespace}/{podName}"), Name = podName, Shape = shape });
            }
        }

        return new Job
        {
            Workload = new Workload
            {
                Id = new WorkloadId($"{sample.Namespace}/{name}"),
                Tenant = _tenants.OwnerOf(sample.Namespace),
                Namespace = sample.Namespace,
                Name = name,
                Pods = pods.ToImmutable(),
                MinMember = Math.Min(sample.MinMember, pods.Count),
                IsGang = sample.IsGang,
                Priority = sample.Priority,
                SubmittedAt = default,
                ExpectedDuration = sample.ExpectedDuration,
                MinRuntime = sample.MinRuntime,
                PreemptionGrace = sample.PreemptionGrace,
                IsPreemptible = sample.IsPreemptible,
                Topology = sample.Topology,
            },
            SubmitAt = at,
            Duration = sample.EndedAt - sample.StartedAt!.Value,
        };
    }
}
