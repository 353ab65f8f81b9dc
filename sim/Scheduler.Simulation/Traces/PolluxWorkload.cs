using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Input;
using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Traces;

/// <summary>
/// Reads workloads of the Pollux artifact (Qiao et al., OSDI 2021), with run times from its step-time tables:
/// <c>name,submit_s,application,num_gpus,batch_size,runtime_packed_s,runtime_spread_s</c>. Each job is a gang of pods with one GPU.
/// </summary>
public static class PolluxWorkload
{
    /// <summary>Every start takes so long before the job makes progress, the first included.</summary>
    public static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);

    /// <summary>The label of a node that is its name: as a topology level, it keeps small gangs on one node.</summary>
    public const string HostLabel = "kubernetes.io/hostname";

    private const int MaxGpus = 1024;
    private const long MaxSeconds = 1_000_000_000;

    /// <summary>The cluster of the experiments: 16 nodes of 4 GPUs.</summary>
    public static ImmutableArray<Node> Nodes { get; } =
    [
        .. Enumerable.Range(0, 16).Select(index => string.Create(CultureInfo.InvariantCulture, $"node-{index:00}")).Select(name => new Node
        {
            Name = new NodeName(name),
            Allocatable = new ResourceVector(96_000, 256L << 30),
            MaxPods = 110,
            Devices = [.. Enumerable.Range(0, 4).Select(device => new GpuDevice(device))],
            Labels = Node.NoLabels.Add(HostLabel, name),
        }),
    ];

    /// <summary>Reads a workload, plain or <c>.gz</c>, in the order of submission.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tenant">Whose jobs they are.</param>
    /// <param name="isDurationDeclared">Whether the owners say how long their jobs run when packed.</param>
    /// <exception cref="TraceException">The file is wrong.</exception>
    public static ImmutableArray<Job> Read(string path, TenantId tenant, bool isDurationDeclared)
    {
        var mistakes = new FileErrors();
        ImmutableArray<Job> jobs = [];
        if (CsvTable.Read(path, mistakes, "name", "submit_s", "application", "num_gpus", "runtime_packed_s", "runtime_spread_s") is { } table)
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            jobs = [.. table.Rows().Select(row => ReadRow(row, tenant, isDurationDeclared, names)).OfType<Job>().OrderBy(job => job.SubmitAt)];
            if (jobs.IsEmpty)
            {
                mistakes.Add(path, 0, "", "has no rows");
            }
        }

        mistakes.ThrowIfAny();
        return jobs;
    }

    private static Job? ReadRow(CsvRow row, TenantId tenant, bool isDurationDeclared, HashSet<string> names)
    {
        var name = row.RequiredText("name", "the job's name");
        if (name.Length > 0 && !names.Add(name))
        {
            row.Error("name", $"another row is named '{name}' too; rename one of them");
        }

        var submit = row.Seconds("submit_s", MaxSeconds);
        var packed = row.Seconds("runtime_packed_s", MaxSeconds);
        var spread = row.Seconds("runtime_spread_s", MaxSeconds);
        var gpus = (int)row.Number("num_gpus", MaxGpus);
        if (gpus == 0 || packed == TimeSpan.Zero || spread == TimeSpan.Zero)
        {
            row.Error("", "has no GPUs or no run time; num_gpus, runtime_packed_s and runtime_spread_s must be above 0");
            return null;
        }

        // The engine counts the time to start again after an interruption only; the first start is part of the work here.
        return new Job
        {
            Workload = Gangs.OneGpuPods(name, tenant, gpus, isDurationDeclared ? packed + StartTime : null),
            SubmitAt = submit,
            Duration = packed + StartTime,
            SpreadDuration = spread + StartTime,
            Application = row.RequiredText("application", "the name of a training program"),
            CheckpointOnNotice = TimeSpan.Zero,
            RestartTime = StartTime,
        };
    }
}
