using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Input;
using Scheduler.Simulation.Scenarios;

namespace Scheduler.Simulation.Clusters;

/// <summary>
/// Writes an exported cluster as YAML that people can read and edit: the policy and the tenants as <c>weir validate</c> reads them,
/// and a document with nodes, workloads and history, each on one line. The same cluster gives the same bytes.
/// </summary>
internal sealed class ClusterStateWriter
{
    private readonly TextWriter _to;
    private readonly Dictionary<PodShape, string> _shapes = [];

    private ClusterStateWriter(TextWriter to) => _to = to;

    public static void Write(ClusterState state, TextWriter to) => new ClusterStateWriter(to).Write(state);

    private void Write(ClusterState state)
    {
        Line("# A cluster and its history, as weir export wrote them; weir simulate --from-cluster goes on from here (docs/simulation.md).");
        WritePolicy(state.Policy);
        foreach (var tenant in state.Tenants.Nodes)
        {
            WriteTenant(tenant.Tenant);
        }

        Line("---");
        Line($"apiVersion: weir.scheduler/v1\nkind: {ClusterStateReader.Kind}\nmetadata: {{name: {YamlText.Scalar(state.Name)}}}\nspec:");
        Line($"  takenAt: \"{YamlText.Time(state.TakenAt)}\"");
        if (state.HistorySince is { } since)
        {
            Line("  # What ended since this moment is in the history; a daemon keeps no history over its own restarts.");
            Line($"  historySince: \"{YamlText.Time(since)}\"");
        }

        WriteList("nodes", state.Nodes.Select(NodeLine));
        var workloads = state.Workloads.Select(workload => WorkloadLine(workload, state.Durations.TryGetValue(workload.Id, out var time) ? time : null)).ToList();
        var history = state.History.Select(HistoryLine).ToList();
        WriteList("shapes", _shapes.Select(pair => ShapeLine(pair.Value, pair.Key)));
        WriteList("workloads", workloads);
        WriteList("history", history);
    }

    private void Line(string text) => _to.Write(text + "\n");

    private void WriteList(string name, IEnumerable<string> lines)
    {
        var any = false;
        foreach (var line in lines)
        {
            if (!any)
            {
                Line($"  {name}:");
            }

            any = true;
            Line($"  - {line}");
        }

        if (!any)
        {
            Line($"  {name}: []");
        }
    }

    private void WritePolicy(SchedulingPolicy policy)
    {
        Line("apiVersion: weir.scheduler/v1\nkind: SchedulingPolicy");
        if (policy.MaxShareOfClusterPermille is { } share)
        {
            Line($"maxShareOfCluster: {YamlText.Milli(share)}");
        }

        Line($"restartCost: {DurationText.Seconds(policy.RestartCost)}");
        Line($"fairShareReclaim: {(policy.HasFairShareReclaim ? "true" : "false")}");
        Line(string.Create(CultureInfo.InvariantCulture, $"reservationsPerTenant: {policy.ReservationsPerTenant}"));
        Line($"topologyLevels: [{string.Join(", ", policy.TopologyLevels.Select(YamlText.Scalar))}]");
        Line($"burstNodes: {new YamlFlow(policy.BurstNodes)}");
        var scores = policy.Scores;
        Line(string.Create(
            CultureInfo.InvariantCulture, $"scores: {{fragmentation: {scores.Fragmentation}, packing: {scores.Packing}, preference: {scores.Preference}}}"));
    }

    private void WriteTenant(Tenant tenant)
    {
        Line("---");
        Line($"apiVersion: weir.scheduler/v1\nkind: Tenant\nmetadata: {{name: {YamlText.Scalar(tenant.Id.Value)}}}\nspec:");
        if (tenant.Parent is { } parent)
        {
            Line($"  parent: {YamlText.Scalar(parent.Value)}");
        }

        Line($"  namespaces: [{string.Join(", ", tenant.Namespaces.Select(YamlText.Scalar))}]");
        if (tenant.Weight is { } weight)
        {
            Line(string.Create(CultureInfo.InvariantCulture, $"  weight: {weight}"));
        }

        Line($"  order: {tenant.Order}");
        Line($"  suspended: {(tenant.IsSuspended ? "true" : "false")}");
        Line($"  sharesDevices: {(tenant.SharesDevices ? "true" : "false")}");
        Line($"  nodePool: {new YamlFlow(tenant.NodePool)}");
        Line(tenant.Quotas.IsEmpty ? "  quotas: []" : "  quotas:");
        foreach (var quota in tenant.Quotas)
        {
            var line = new YamlText().Text("flavor", quota.Flavor.Value).Raw("guaranteed", YamlText.Milli(quota.GuaranteedMilliGpu));
            if (quota.BurstMilliGpu is { } burst)
            {
                line.Raw("burst", YamlText.Milli(burst));
            }

            if (quota.LendingLimitMilliGpu is { } lending)
            {
                line.Raw("lendingLimit", YamlText.Milli(lending));
            }

            Line($"  - {line}");
        }
    }

    private static string NodeLine(Node node)
    {
        var line = new YamlText().Text("name", node.Name.Value);
        line.Number("gpus", node.Devices.Length > 0 ? node.Devices.Length : null);
        line.Text("gpuModel", node.Flavor == FlavorId.Unlabelled ? null : node.Flavor.Value);
        line.Map("mig", node.MigCapacities.Select(mig => KeyValuePair.Create(mig.Profile, mig.Count.ToString(CultureInfo.InvariantCulture))));
        line.Raw("cpu", YamlText.Milli(node.Allocatable.MilliCpu)).Raw("memory", YamlText.Bytes(node.Allocatable.MemoryBytes));
        Storage(line, node.Allocatable);
        line.Number("maxPods", node.MaxPods).Map("resources", Resources(node.Scalars));
        line.Flag("ready", node.IsReady, assumed: true).Flag("cordoned", node.IsCordoned, assumed: false);
        line.List("quarantined", node.Devices.Where(device => device.Health != DeviceHealth.Healthy).Select(device => device.Index.ToString(CultureInfo.InvariantCulture)));
        if (node.PodsOfOthers > 0 || node.UsedByOthers != default || !node.ScalarsUsedByOthers.IsEmpty)
        {
            var others = new YamlText().Number("pods", node.PodsOfOthers)
                .Raw("cpu", YamlText.Milli(node.UsedByOthers.MilliCpu)).Raw("memory", YamlText.Bytes(node.UsedByOthers.MemoryBytes));
            Storage(others, node.UsedByOthers);
            line.Raw("usedByOthers", others.Map("resources", Resources(node.ScalarsUsedByOthers)).ToString());
        }

        line.List("taints", node.Taints.Select(taint => YamlText.Scalar(ConstraintText.Write(taint))));
        line.Map("labels", node.Labels.Select(pair => KeyValuePair.Create(pair.Key, YamlText.Scalar(pair.Value))));
        return line.ToString();
    }

    private static string ShapeLine(string name, PodShape shape)
    {
        var line = new YamlText().Text("name", name);
        switch (shape.Gpu.Kind)
        {
            case GpuRequestKind.Whole:
                line.Number("gpus", shape.Gpu.Count);
                break;
            case GpuRequestKind.Fraction:
                line.Raw("fraction", YamlText.Milli(shape.Gpu.MilliEach));
                break;
            case GpuRequestKind.Mig:
                line.Map("mig", [KeyValuePair.Create(shape.Gpu.MigProfile!, shape.Gpu.Count.ToString(CultureInfo.InvariantCulture))]);
                break;
            default:
                break;
        }

        line.Raw("cpu", YamlText.Milli(shape.Requests.MilliCpu));
        if (shape.Requests.MemoryBytes > 0)
        {
            line.Raw("memory", YamlText.Bytes(shape.Requests.MemoryBytes));
        }

        Storage(line, shape.Requests);
        line.Map("resources", Resources(shape.Scalars));
        line.Map("nodeSelector", shape.NodeSelector.Select(pair => KeyValuePair.Create(pair.Key, YamlText.Scalar(pair.Value))));
        line.List("affinity", shape.RequiredTerms.Select(term => Term(new YamlText(), term)));
        line.List("preferred", shape.PreferredTerms.Select(preferred => Term(new YamlText().Number("weight", preferred.Weight), preferred.Term)));
        line.List("tolerations", shape.Tolerations.Select(toleration => YamlText.Scalar(ConstraintText.Write(toleration))));
        return line.ToString();
    }

    private static string Term(YamlText line, NodeSelectorTerm term) => line
        .List("labels", term.Labels.Select(requirement => YamlText.Scalar(ConstraintText.Write(requirement))))
        .List("fields", term.Fields.Select(requirement => YamlText.Scalar(ConstraintText.Write(requirement)))).ToString();

    private string WorkloadLine(Workload workload, TimeSpan? duration)
    {
        var line = new YamlText().Text("name", workload.Name).Text("namespace", workload.Namespace).Flag("gang", workload.IsGang, assumed: false);
        line.Time("submitted", workload.SubmittedAt).Time("started", workload.StartedAt).Time("checkpointed", workload.CheckpointedAt);
        Habits(line, workload.Priority, workload.MinMember, workload.IsPreemptible, workload.ExpectedDuration, workload.MinRuntime, workload.PreemptionGrace, workload.Topology);
        line.Flag("managed", workload.IsManaged, assumed: true);
        Duration(line, "duration", duration ?? TimeSpan.Zero);
        return line.List("pods", workload.Pods.Select(pod => PodText(pod))).ToString();
    }

    private string PodText(Pod pod) => new YamlText().Text("name", pod.Name).Text("shape", NameOf(pod.Shape)).Text("node", pod.Placement?.Node.Value)
        .List("gpus", (pod.Placement?.Devices ?? []).Select(device => device.ToString(CultureInfo.InvariantCulture)))
        .Flag("leaving", pod.State == PodState.Leaving, assumed: false).ToString();

    private string HistoryLine(EndedWorkload ended)
    {
        var line = new YamlText().Text("name", ended.Name).Text("namespace", ended.Namespace).Flag("gang", ended.IsGang, assumed: false);
        line.Time("submitted", ended.SubmittedAt).Time("started", ended.StartedAt).Time("ended", ended.EndedAt).Flag("preempted", ended.WasPreempted, assumed: false);
        Habits(line, ended.Priority, ended.MinMember, ended.IsPreemptible, ended.ExpectedDuration, ended.MinRuntime, ended.PreemptionGrace, ended.Topology);
        return line.List("pods", ended.Pods.Select(pods => new YamlText().Text("shape", NameOf(pods.Shape)).Number("count", pods.Count).ToString())).ToString();
    }

    private static void Habits(
        YamlText line, int priority, int minMember, bool isPreemptible, TimeSpan? declared, TimeSpan minRuntime, TimeSpan grace, TopologyRequest? topology)
    {
        line.Number("priority", priority == 0 ? null : priority).Number("minMember", minMember == 1 ? null : minMember);
        line.Flag("preemptible", isPreemptible, assumed: true);
        Duration(line, "declared", declared ?? TimeSpan.Zero);
        Duration(line, "minRuntime", minRuntime);
        Duration(line, "grace", grace);
        line.Text("topology", topology is null ? null : ConstraintText.Write(topology));
    }

    private static void Duration(YamlText line, string name, TimeSpan duration)
    {
        if (duration > TimeSpan.Zero)
        {
            line.Raw(name, DurationText.Seconds(duration));
        }
    }

    private static void Storage(YamlText line, in ResourceVector amounts)
    {
        if (amounts.EphemeralStorageBytes > 0)
        {
            line.Raw("storage", YamlText.Bytes(amounts.EphemeralStorageBytes));
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Resources(IEnumerable<ScalarResource> resources) =>
        resources.Select(resource => KeyValuePair.Create(resource.Name, resource.Amount.ToString(CultureInfo.InvariantCulture)));

    private string NameOf(PodShape shape)
    {
        if (!_shapes.TryGetValue(shape, out var name))
        {
            _shapes.Add(shape, name = string.Create(CultureInfo.InvariantCulture, $"s{_shapes.Count + 1}"));
        }

        return name;
    }

    /// <summary>Labels in braces.</summary>
    private readonly struct YamlFlow(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        public override string ToString() => $"{{{string.Join(", ", pairs.Select(pair => $"{YamlText.Scalar(pair.Key)}: {YamlText.Scalar(pair.Value)}"))}}}";
    }
}
