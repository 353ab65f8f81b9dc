using Scheduler.Core.Model;
using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// Learns how long jobs run, from those that have ended only. Jobs are alike if they have the same application; without one, if
/// they are of one tenant and have equally many equal pods.
/// </summary>
internal sealed class DurationLearner
{
    private readonly Dictionary<JobKind, (Int128 SumMilliseconds, long Count)> _ended = [];

    /// <summary>What a job repeats.</summary>
    public static JobKind KindOf(Job job) => job.Application is { } application
        ? new JobKind(application, null, null, 0)
        : new JobKind(null, job.Workload.Tenant, job.Workload.Pods[0].Shape, job.Workload.Pods.Length);

    /// <summary>A job has ended.</summary>
    /// <param name="kind">What it repeats.</param>
    /// <param name="ranMilliseconds">How long its last run, and what earlier ones had saved, took.</param>
    public void Ended(in JobKind kind, long ranMilliseconds)
    {
        var (sum, count) = _ended.GetValueOrDefault(kind);
        _ended[kind] = (sum + ranMilliseconds, count + 1);
    }

    /// <summary>What to expect, in whole seconds and at least one; null as long as none has ended.</summary>
    public TimeSpan? Expect(in JobKind kind) => _ended.TryGetValue(kind, out var known)
        ? TimeSpan.FromSeconds(Math.Max(1, (long)(known.SumMilliseconds / known.Count / 1000)))
        : null;
}

/// <summary>What jobs that are alike have in common.</summary>
internal readonly record struct JobKind(string? Application, TenantId? Tenant, PodShape? Shape, int Pods);
