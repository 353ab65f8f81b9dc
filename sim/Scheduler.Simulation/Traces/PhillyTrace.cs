using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Input;
using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Traces;

/// <summary>A job of the Philly trace, as its row says.</summary>
/// <param name="SubmittedAt">When it was submitted.</param>
/// <param name="Duration">How long it ran.</param>
/// <param name="Gpus">GPUs.</param>
/// <param name="VirtualCluster">Whose it is.</param>
public sealed record PhillyJob(DateTimeOffset SubmittedAt, TimeSpan Duration, int Gpus, string VirtualCluster)
{
    /// <summary>GPU time in all, in GPU-hours.</summary>
    public double GpuHours => Duration.TotalHours * Gpus;
}

/// <summary>
/// Reads the Microsoft Philly trace (Jeon et al., USENIX ATC 2019) as the Sia artifact has it:
/// <c>timestamp,duration,num_gpus,gpu_time,cluster</c>.
/// </summary>
public static class PhillyTrace
{
    private const int MaxGpus = 4096;
    private const long MaxSeconds = 1_000_000_000;

    /// <summary>Reads a trace, plain or <c>.gz</c>, in the order of submission. Rows without GPUs or run time are left out.</summary>
    /// <exception cref="TraceException">The file is wrong.</exception>
    public static ImmutableArray<PhillyJob> Read(string path)
    {
        var mistakes = new FileErrors();
        ImmutableArray<PhillyJob> jobs = [];
        if (CsvTable.Read(path, mistakes, "timestamp", "duration", "num_gpus", "cluster") is { } table)
        {
            jobs =
            [
                .. table.Rows()
                    .Select(row => new PhillyJob(
                        row.Moment("timestamp"), row.Seconds("duration", MaxSeconds), (int)row.Number("num_gpus", MaxGpus),
                        row.RequiredText("cluster", "the virtual cluster")))
                    .Where(job => job.Gpus > 0 && job.Duration > TimeSpan.Zero)
                    .OrderBy(job => job.SubmittedAt),
            ];
            if (jobs.IsEmpty)
            {
                mistakes.Add(path, 0, "", "has no rows with GPUs and a run time");
            }
        }

        mistakes.ThrowIfAny();
        return jobs;
    }

    /// <summary>
    /// The jobs as the simulator wants them, the virtual cluster as the tenant and the first submission as the beginning. Up to 8
    /// GPUs are one pod; more are a gang, of pods of 8 or of the largest part of 8 that divides them.
    /// </summary>
    /// <param name="jobs">In the order of submission.</param>
    /// <param name="begin">The moment that becomes the beginning of the simulation.</param>
    public static ImmutableArray<Job> ToJobs(IEnumerable<PhillyJob> jobs, DateTimeOffset begin) =>
    [
        .. jobs.Select((job, index) =>
        {
            var each = job.Gpus <= GpusPerNode ? job.Gpus : Enumerable.Range(1, GpusPerNode).Last(gpus => job.Gpus % gpus == 0);
            return new Job
            {
                Workload = Gangs.Of(
                    string.Create(CultureInfo.InvariantCulture, $"philly-{index:000000}"), new TenantId(job.VirtualCluster), job.Gpus / each, each, expectedDuration: null),
                SubmitAt = job.SubmittedAt - begin,
                Duration = job.Duration,
            };
        }),
    ];

    /// <summary>GPUs of a node of that cluster.</summary>
    public const int GpusPerNode = 8;

    /// <summary>Nodes of 8 GPUs.</summary>
    public static ImmutableArray<Node> Nodes(int count) =>
    [
        .. Enumerable.Range(0, count).Select(index => new Node
        {
            Name = new NodeName(string.Create(CultureInfo.InvariantCulture, $"node-{index:0000}")),
            Allocatable = new ResourceVector(96_000, 512L << 30),
            MaxPods = 110,
            Devices = [.. Enumerable.Range(0, GpusPerNode).Select(device => new GpuDevice(device))],
        }),
    ];
}
