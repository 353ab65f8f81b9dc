using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Input;
using Scheduler.Simulation.Traces;

namespace Scheduler.Cli.Workloads;

/// <summary>
/// Turns a pod list of the openb trace (a production GPU cluster, published by Alibaba) into pods to submit: each row is a
/// pod without a controller, which opts into preemption.
/// </summary>
/// <remarks>
/// The trace spans months, and its pods keep about one GPU in a hundred of its own cluster busy at a time. Unless a speed is
/// asked for, arrivals are therefore squeezed into <see cref="ArrivalsTake"/> and run times less so, until the middle one
/// takes <see cref="MiddleRunTakes"/>: then there is something to schedule and something to see. A list without times
/// arrives evenly and its pods never end.
/// </remarks>
internal static class OpenbPods
{
    public static readonly TimeSpan ArrivalsTake = TimeSpan.FromSeconds(25);
    public static readonly TimeSpan MiddleRunTakes = TimeSpan.FromSeconds(10);

    /// <summary>The first in a hundred pods arrive over four fifths of the trace's time; the clock starts after them.</summary>
    private const int LeadPerHundred = 1;

    private sealed record Row(string Name, PodRequest Request, long? CreatedSeconds, long? RunSeconds);

    /// <summary>Reads a list, or null after errors.</summary>
    /// <param name="path">The file.</param>
    /// <param name="namespaces">Where the pods go, in turn.</param>
    /// <param name="limit">Rows to take from the beginning; null takes all.</param>
    /// <param name="speed">How much faster than the trace both arrivals and run times are; null chooses.</param>
    /// <param name="errors">Gets the mistakes.</param>
    public static WorkloadSchedule? Read(string path, ImmutableArray<string> namespaces, int? limit, double? speed, FileErrors errors)
    {
        var before = errors.Count;
        var rows = OpenbPodList.Read(path, limit, errors).Select(ToRow).ToList();
        return errors.Count == before ? Schedule(Path.GetFileName(path), rows, namespaces, speed) : null;
    }

    private static Row ToRow(OpenbPod pod) => new(
        pod.Name,
        new PodRequest
        {
            CpuMilli = pod.Requests.MilliCpu,
            MemoryBytes = pod.Requests.MemoryBytes,
            Gpu = pod.Gpu,
            GpuModels = pod.GpuModels,
            PriorityClass = PriorityOf(pod.Qos),
            IsPreemptible = true,
        },
        pod.CreatedSeconds,
        pod.RunSeconds);

    /// <summary>Latency-sensitive pods serve users; best-effort ones are batch work; the few others have somebody in front of them.</summary>
    private static string PriorityOf(string qos) => qos switch
    {
        "LS" => "weir-inference",
        "Guaranteed" or "Burstable" => "weir-interactive",
        _ => "weir-training",
    };

    private static WorkloadSchedule Schedule(string file, List<Row> rows, ImmutableArray<string> namespaces, double? speed)
    {
        var (start, arrivals, runs) = Pace(rows, speed);
        var submissions = rows.Select((row, index) =>
        {
            var inNamespace = namespaces[index % namespaces.Length];
            var at = row.CreatedSeconds is { } created
                ? TimeSpan.FromSeconds(Math.Max(0, created - start) / arrivals)
                : ArrivalsTake * index / rows.Count / (speed ?? 1);
            var request = row.Request with { Duration = row.RunSeconds is { } run ? TimeSpan.FromSeconds(Math.Max(PodRequest.ShortestDuration.TotalSeconds, run / runs)) : null };
            return new Submission(at, inNamespace, row.Name, () => Manifests.Pod(inNamespace, row.Name, request), Pods: 1);
        });
        var pace = rows.Exists(row => row.CreatedSeconds is not null)
            ? string.Create(NumberFormatInfo.InvariantInfo, $"arriving {arrivals:#,0.#} and running {runs:#,0.#} times faster than in the trace")
            : "arriving evenly; the list has no times, so they do not end";
        return new WorkloadSchedule([.. submissions.OrderBy(submission => submission.At)], $"{rows.Count} pods of {file}, {pace}");
    }

    /// <summary>Where the clock starts, and how much faster arrivals and run times are.</summary>
    private static (long Start, double Arrivals, double Runs) Pace(List<Row> rows, double? speed)
    {
        var created = rows.Where(row => row.CreatedSeconds is not null).Select(row => row.CreatedSeconds!.Value).Order().ToArray();
        if (created.Length == 0)
        {
            return (0, 1, 1);
        }

        if (speed is { } given)
        {
            return (created[0], given, given);
        }

        var start = created[created.Length * LeadPerHundred / 100];
        var runs = rows.Where(row => row.RunSeconds is not null).Select(row => row.RunSeconds!.Value).Order().ToArray();
        var middle = runs.Length == 0 ? 0 : runs[runs.Length / 2];
        return (
            start,
            Math.Max(1, (created[^1] - start) / ArrivalsTake.TotalSeconds),
            Math.Max(1, middle / MiddleRunTakes.TotalSeconds));
    }
}
