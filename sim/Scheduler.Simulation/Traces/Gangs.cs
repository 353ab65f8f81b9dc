using System.Globalization;
using Scheduler.Core.Model;

namespace Scheduler.Simulation.Traces;

/// <summary>Workloads as traces describe them: so many GPUs, started together or not at all.</summary>
internal static class Gangs
{
    private static readonly DateTimeOffset NotSubmittedYet = DateTimeOffset.UnixEpoch;

    /// <summary>A gang of pods with one GPU each, which may lie anywhere.</summary>
    public static Workload OneGpuPods(string name, TenantId tenant, int gpus, TimeSpan? expectedDuration) =>
        Of(name, tenant, gpus, gpusEach: 1, expectedDuration);

    /// <summary>A gang of equal pods of whole GPUs; the simulator sets when it is submitted.</summary>
    public static Workload Of(string name, TenantId tenant, int pods, int gpusEach, TimeSpan? expectedDuration, int priority = 0)
    {
        var shape = PodShape.Create(new ResourceVector(1000L * gpusEach, (1L << 30) * gpusEach), GpuRequest.Whole(gpusEach));
        return new Workload
        {
            Id = new WorkloadId(name),
            Tenant = tenant,
            Namespace = tenant.Value,
            Name = name,
            Priority = priority,
            SubmittedAt = NotSubmittedYet,
            MinMember = pods,
            IsGang = pods > 1,
            ExpectedDuration = expectedDuration,
            Pods =
            [
                .. Enumerable.Range(0, pods).Select(index => new Pod
                {
                    Id = new PodId(string.Create(CultureInfo.InvariantCulture, $"{name}/{index:0000}")),
                    Name = string.Create(CultureInfo.InvariantCulture, $"{name}-{index}"),
                    Shape = shape,
                }),
            ],
        };
    }
}
