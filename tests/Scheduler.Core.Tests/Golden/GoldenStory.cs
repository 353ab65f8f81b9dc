using System.Globalization;
using System.Text;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Golden;

/// <summary>
/// Tells what happens on a cluster, cycle by cycle, and holds the text against <c>Golden/Plans/NAME.txt</c>.
/// <c>WEIR_GOLDEN=write</c> writes the files anew; look at the difference before you commit it.
/// </summary>
public sealed class GoldenStory
{
    private readonly string _name;
    private readonly LivingCluster _cluster;
    private readonly StringBuilder _text = new();

    public GoldenStory(string name, string prose, LivingCluster cluster)
    {
        (_name, _cluster) = (name, cluster);
        _text.AppendLine(name.Replace('_', ' ')).AppendLine().AppendLine(prose).AppendLine();
        foreach (var node in cluster.Nodes)
        {
            Line($"node {node.Name}: {node.Devices.Length} × {node.Flavor}{Labels(node)}");
        }

        foreach (var workload in cluster.Workloads)
        {
            Line($"{(workload.StartedAt is null ? "waits" : "runs")}: {Describe(workload)}");
        }
    }

    public LivingCluster Cluster => _cluster;

    /// <summary>A workload comes.</summary>
    public GoldenStory Submit(Workload workload)
    {
        _cluster.Submit(workload);
        Line($"comes: {Describe(workload)}");
        return this;
    }

    /// <summary>Something else that the reader has to know.</summary>
    public GoldenStory Note(string what)
    {
        Line($"{what}");
        return this;
    }

    /// <summary>Time passes; what has reached its expected duration ends.</summary>
    public GoldenStory Pass(TimeSpan time)
    {
        _cluster.Pass(time);
        _cluster.EndDue();
        return this;
    }

    /// <summary>Plans, and tells the plan.</summary>
    public GoldenStory Cycle()
    {
        _text.AppendLine();
        Line($"At {_cluster.Now:HH:mm:ss}");
        var plan = _cluster.Cycle();
        var none = true;
        foreach (var decision in plan.Decisions)
        {
            none = false;
            Line($"  {InWords(decision)}");
        }

        if (none)
        {
            Line($"  nothing to do");
        }

        foreach (var account in plan.Accounts)
        {
            var total = account.Total;
            Line($"  {account.Tenant}: guaranteed {Gpus(total.GuaranteedMilliGpu)}, entitled to {Gpus(total.EntitlementMilliGpu ?? 0)}; uses {Gpus(total.UsedGuaranteedMilliGpu)} inside the guarantee, {Gpus(total.UsedBurstMilliGpu)} borrowed");
        }

        _text.AppendLine();
        return this;
    }

    /// <summary>Holds the text against the file.</summary>
    public void Check()
    {
        var path = Path.Combine(Folder(), $"{_name}.txt");
        var told = _text.ToString().ReplaceLineEndings("\n").TrimEnd() + "\n";
        if (Environment.GetEnvironmentVariable("WEIR_GOLDEN") == "write")
        {
            Directory.CreateDirectory(Folder());
            File.WriteAllText(path, told);
            return;
        }

        var expected = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";
        Assert.True(told == expected, $"{path} tells it otherwise. If the new plan is right, write it with WEIR_GOLDEN=write.\n{Difference(expected, told)}");
    }

    private static string InWords(Decision decision) => decision switch
    {
        Bind bind => $"{bind.Workload} starts {(bind.Standing == Standing.Guaranteed ? "inside the guarantee" : "on burst")} on {Places(bind.Pods)}"
            + (bind.PodsLeftWaiting > 0 ? $"; {bind.PodsLeftWaiting} more of its pods wait" : ""),
        Evict evict => $"{evict.Workload} makes way for {evict.Beneficiary} ({Cause(evict.Cause)}) by {Clock(evict.Deadline)}, "
            + $"pods {string.Join(", ", evict.Pods.Select(pod => pod.Value.Split('/')[1]))}; lost: {GpuMinutes(evict.LostMilliGpuSeconds)}",
        Withdraw withdraw => $"{withdraw.Workload} may stay",
        Reserve { Kind: ReservationKind.Nomination } reserve => $"room is kept for {reserve.Workload} on {Places(reserve.Pods)}",
        Reserve reserve => $"from {Clock(reserve.From)} on, {reserve.Workload} can start on {Places(reserve.Pods)}",
        Wait wait => $"{wait.Workload} waits, {wait.Place.InTenant} of {wait.Place.TenantLength} in its tenant, {wait.Place.Overall} of {wait.Place.OverallLength} in all: {wait.Reason}, {wait.Message}",
        _ => decision.ToString(),
    };

    private static string Cause(EvictionCause cause) => cause switch
    {
        EvictionCause.Guarantee => "a guarantee is claimed",
        EvictionCause.Priority => "higher priority in the tenant",
        _ => "fair share",
    };

    private static string Places(IEnumerable<PodBinding> pods) =>
        string.Join(", ", pods.Select(pod => $"{pod.Node} [{string.Join(' ', pod.Devices)}]"));

    private static string Describe(Workload workload)
    {
        var parts = new List<string>
        {
            workload.Pods.Length == 1 ? workload.Pods[0].Shape.Gpu.ToString() : $"{workload.Pods.Length} pods of {workload.Pods[^1].Shape.Gpu}",
        };
        Add(workload.MinMember < workload.Pods.Length, $"at least {workload.MinMember}");
        Add(workload.Priority != 0, $"priority {workload.Priority}");
        Add(!workload.IsPreemptible, "not preemptible");
        Add(workload.PreemptionGrace > TimeSpan.Zero, $"grace {workload.PreemptionGrace:c}");
        Add(workload.MinRuntime > TimeSpan.Zero, $"minimum runtime {workload.MinRuntime:c}");
        Add(workload.ExpectedDuration is not null, $"lasts {workload.ExpectedDuration:c}");
        Add(workload.StartedAt is not null, $"since {Clock(workload.StartedAt ?? default)}");
        Add(workload.CheckpointedAt is not null, $"saved at {Clock(workload.CheckpointedAt ?? default)}");
        return $"{workload.Id} of {workload.Tenant}: {string.Join(", ", parts)}";

        void Add(bool isThere, string part)
        {
            if (isThere)
            {
                parts.Add(part);
            }
        }
    }

    private static string Labels(Node node)
    {
        var sick = node.Devices.Count(device => device.Health != DeviceHealth.Healthy);
        return string.Concat(node.Labels.Select(label => $", {label.Key}={label.Value}")) + (sick > 0 ? $", {sick} of them sick" : "");
    }

    private static string Clock(DateTimeOffset time) => time.ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Gpus(long milliGpu) => (milliGpu / 1000m).ToString("0.###", CultureInfo.InvariantCulture);

    private static string GpuMinutes(long milliGpuSeconds) =>
        (milliGpuSeconds / 60_000m).ToString("0.#", CultureInfo.InvariantCulture) + " GPU-minutes";

    private static string Difference(string expected, string told)
    {
        var (before, after) = (expected.Split('\n'), told.Split('\n'));
        var text = new StringBuilder();
        for (var line = 0; line < Math.Max(before.Length, after.Length); line++)
        {
            var (old, now) = (line < before.Length ? before[line] : null, line < after.Length ? after[line] : null);
            if (old != now)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"line {line + 1}");
                text.AppendLine(CultureInfo.InvariantCulture, $"- {old}");
                text.AppendLine(CultureInfo.InvariantCulture, $"+ {now}");
            }
        }

        return text.ToString();
    }

    private static string Folder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Scheduler.sln")))
            {
                return Path.Combine(folder.FullName, "tests", "Scheduler.Core.Tests", "Golden", "Plans");
            }
        }

        throw new DirectoryNotFoundException("no folder above the tests has Scheduler.sln");
    }

    private void Line(FormattableString line) => _text.AppendLine(line.ToString(CultureInfo.InvariantCulture).TrimEnd());
}
