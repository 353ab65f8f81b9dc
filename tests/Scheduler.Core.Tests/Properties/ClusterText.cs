using System.Globalization;
using System.Text.RegularExpressions;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Core.Tests.Properties;

/// <summary>
/// Reads a cluster in the form in which a failing property prints it, so that what was found once can be kept as a file.
/// </summary>
internal static class ClusterText
{
    public static ClusterCase Read(string text)
    {
        var nodes = new List<Node>();
        var tenants = new List<Tenant>();
        var workloads = new List<Workload>();
        foreach (var line in text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0))
        {
            switch (line.Split(' ')[0])
            {
                case "node":
                    nodes.Add(ParseNode(line));
                    break;
                case "tenant":
                    tenants.Add(ParseTenant(line));
                    break;
                case "workload":
                    workloads.Add(ParseWorkload(line));
                    break;
                default:
                    throw new FormatException($"neither a node nor a tenant nor a workload: {line}");
            }
        }

        return new ClusterCase([.. nodes], [.. tenants], [.. workloads]);
    }

    private static string ValueOf(string line, string key) => Regex.Match(line, $@"(?<= |\[){key}=(\S*)").Groups[1].Value;

    private static Node ParseNode(string line)
    {
        var p = line.Split(' ');
        var sick = Regex.Match(line, @"sick=\[([\d,]*)\]").Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToArray();
        return Make.Node(p[1], int.Parse(ValueOf(line, "gpus")), p[2], long.Parse(ValueOf(line, "cpu")), memoryGiB: 64, maxPods: 12, quarantined: sick,
            isCordoned: line.Contains("schedulable=False"), mig: line.Contains("1g.5gb") ? [("1g.5gb", 5), ("3g.20gb", 1)] : null);
    }

    private static Tenant ParseTenant(string line)
    {
        var p = line.Split(' ');
        var quotas = Regex.Matches(line, @"([\w*]+):(\d+)\+(\d*) lend=(\d*)").Select(m => new FlavorQuota
        {
            Flavor = new FlavorId(m.Groups[1].Value),
            GuaranteedMilliGpu = long.Parse(m.Groups[2].Value),
            BurstMilliGpu = m.Groups[3].Value == "" ? null : long.Parse(m.Groups[3].Value),
            LendingLimitMilliGpu = m.Groups[4].Value == "" ? null : long.Parse(m.Groups[4].Value),
        }).ToArray();
        return new Tenant
        {
            Id = new TenantId(p[1]),
            Parent = ValueOf(line, "parent") == "" ? null : new TenantId(ValueOf(line, "parent")),
            Namespaces = p[1].StartsWith("top") ? [] : [p[1]],
            Quotas = [.. quotas],
            Weight = ValueOf(line, "weight") == "" ? null : int.Parse(ValueOf(line, "weight")),
            IsSuspended = line.Contains(" suspended "),
            SharesDevices = line.Contains("shares=True"),
        };
    }

    private static Workload ParseWorkload(string line)
    {
        var p = line.Split(' ');
        DateTimeOffset? Time(string key) => ValueOf(line, key) is { Length: > 0 } t
            ? Make.Now.Date + TimeSpan.Parse(t, CultureInfo.InvariantCulture) is var d ? new DateTimeOffset(d, TimeSpan.Zero) : null : null;
        TimeSpan? Span(string key) => ValueOf(line, key) is { Length: > 0 } t ? TimeSpan.Parse(t, CultureInfo.InvariantCulture) : null;
        var pods = new List<Pod>();
        var groups = line.Split(" | ").Skip(1);
        foreach (var g in groups)
        {
            var m = Regex.Match(g, @"^(.*?) cpu=(\d+):(.*)$");
            var what = m.Groups[1].Value;
            var cpu = long.Parse(m.Groups[2].Value);
            var shape = what == "no GPU" ? Make.Shape(milliCpu: cpu)
                : what.Contains("MIG") ? Make.Shape(mig: (what.Split("MIG ")[1], int.Parse(what.Split(' ')[0])), milliCpu: cpu)
                : what.Contains("milli-GPU") ? Make.Shape(fraction: int.Parse(what.Split(' ')[0]), milliCpu: cpu)
                : Make.Shape(int.Parse(what.Split(' ')[0]), milliCpu: cpu);
            foreach (Match q in Regex.Matches(m.Groups[3].Value, @"(Pending|Placed|Leaving)(?:@(\S+)\[([\d,]*)\])?( idle)?"))
            {
                pods.Add(new Pod
                {
                    Id = new PodId($"{p[1]}/{pods.Count:000}"),
                    Name = $"{p[1]}-{pods.Count}",
                    Shape = shape,
                    State = Enum.Parse<PodState>(q.Groups[1].Value),
                    Placement = q.Groups[2].Success ? new PodPlacement(new NodeName(q.Groups[2].Value),
                        [.. q.Groups[3].Value.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)]) : null,
                    IsIdle = q.Groups[4].Success,
                });
            }
        }

        return new Workload
        {
            Id = new WorkloadId(p[1]),
            Tenant = new TenantId(ValueOf(line, "tenant")),
            Namespace = ValueOf(line, "tenant"),
            Name = p[1],
            Pods = [.. pods],
            MinMember = int.Parse(ValueOf(line, "min")),
            IsGang = pods.Count > 1,
            Priority = int.Parse(ValueOf(line, "prio")),
            SubmittedAt = Time("submitted")!.Value,
            StartedAt = Time("started"),
            ExpectedDuration = Span("lasts"),
            MinRuntime = Span("minRuntime") ?? default,
            PreemptionGrace = Span("grace") ?? default,
            CheckpointedAt = Time("checkpoint"),
            DisruptionBudget = ValueOf(line, "budget") is { Length: > 0 } b ? b : null,
            IsPreemptible = !line.Contains("not preemptible"),
        };
    }
}
