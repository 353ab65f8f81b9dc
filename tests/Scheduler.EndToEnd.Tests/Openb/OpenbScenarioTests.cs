using System.Globalization;
using k8s;
using k8s.Models;
using Scheduler.EndToEnd.Tests.Checking;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.EndToEnd.Tests.Openb;

/// <summary>The scenario itself, without the daemon: is it accepted by a real API server, and can the checker judge it?</summary>
public sealed class OpenbScenarioTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Rows_of_the_trace_become_pods_that_say_what_they_need()
    {
        var fraction = OpenbObjects.Pod(OpenbTrace.ParsePod("openb-pod-0001,6000,12288,1,460,V100M16|V100M32,LS,Running,1,2,1"), "a");
        Assert.Equal("0.46", fraction.Metadata.Annotations[OpenbObjects.GpuFraction]);
        Assert.Equal("weir", fraction.Spec.SchedulerName);
        Assert.Equal("weir-inference", fraction.Spec.PriorityClassName);
        Assert.False(fraction.Spec.Containers[0].Resources.Limits.ContainsKey(OpenbObjects.Gpu));
        var affinity = fraction.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchExpressions[0];
        Assert.Equal(["V100M16", "V100M32"], affinity.Values);
        Assert.Equal(new PodDemand(6000, 12288L << 20, 0, 460), PodDemand.Of(fraction));

        var whole = OpenbObjects.Pod(OpenbTrace.ParsePod("openb-pod-0002,12000,24576,8,1000,,BE,Running,1,2,1"), "a");
        Assert.Equal("8", whole.Spec.Containers[0].Resources.Limits[OpenbObjects.Gpu].ToString());
        Assert.Equal("weir-training", whole.Spec.PriorityClassName);
        Assert.Null(whole.Spec.Affinity);
        Assert.Equal(new PodDemand(12000, 24576L << 20, 8, 0), PodDemand.Of(whole));
        Assert.Equal(new PodDemand(100, 1L << 20, 0, 0), PodDemand.Of(OpenbObjects.Pod(OpenbTrace.ParsePod("x,100,1,0,0,,Burstable,Running,1,2,1"), "a")));
    }

    [Fact]
    public async Task A_plain_first_fit_of_the_trace_passes_the_checker_on_a_real_API_server()
    {
        ControlPlaneFixture.Require();
        var folder = OpenbTrace.FolderOrSkip();
        var (traceNodes, tracePods) = (OpenbTrace.Nodes(folder, 100), OpenbTrace.Pods(folder, 500));
        await using var plane = await ControlPlane.StartAsync(Cancel);
        using var client = plane.CreateClient();
        using var api = new ApiClient(plane.Endpoint);
        var scenario = new OpenbScenario(client, api, traceNodes, tracePods);
        await scenario.CreateClusterAsync(Cancel);
        await scenario.CreatePodsAsync(Cancel);

        var (pods, nodes) = await scenario.ReadAsync(Cancel);
        Assert.Equal((500, 100), (pods.Count, nodes.Count));
        Assert.Equal(500, ClusterChecker.Violations(pods, nodes, scenario.Limits).Count(found => found.EndsWith("waits and does not say why", StringComparison.Ordinal)));
        Assert.NotEmpty(ClusterChecker.FitsButWaits(pods, nodes, scenario.Limits));

        var bound = await BindFirstFitAsync(client, pods, nodes, scenario.Limits);
        (pods, nodes) = await scenario.ReadAsync(Cancel);
        Assert.Equal(bound, pods.Count(pod => pod.Spec.NodeName is not null));
        Assert.InRange(bound, 1, 499);
        Assert.Empty(ClusterChecker.Violations(pods, nodes, scenario.Limits));
        Assert.Empty(ClusterChecker.FitsButWaits(pods, nodes, scenario.Limits));
    }

    /// <summary>Puts each pod on the first node with room, within its tenant's limit; says why on each that stays. Returns how many were bound.</summary>
    private static async Task<int> BindFirstFitAsync(IKubernetes client, IReadOnlyList<V1Pod> pods, IReadOnlyList<V1Node> nodes, IReadOnlyList<TenantLimit> limits)
    {
        var left = limits.ToDictionary(limit => limit.Tenant, limit => limit.LimitMilliGpu);
        var free = nodes.Select(node => new Free(node)).ToList();
        var bound = 0;
        foreach (var pod in pods)
        {
            var (demand, space, name) = (PodDemand.Of(pod), pod.Metadata.NamespaceProperty, pod.Metadata.Name);
            var isWithin = demand.MilliGpu <= left[space];
            var (place, devices) = isWithin ? free.Select(node => (node, Devices: node.Take(demand, space))).FirstOrDefault(taken => taken.Devices is not null) : default;
            if (place is null)
            {
                var (reason, message) = isWithin ? ("InsufficientGpu", "no node has room") : ("LimitReached", $"tenant {space} is at its limit");
                var status = new V1PodStatus { Conditions = [new() { Type = "PodScheduled", Status = "False", Reason = reason, Message = message }] };
                await client.CoreV1.PatchNamespacedPodStatusAsync(
                    new V1Patch(new V1Pod { Status = status }, V1Patch.PatchType.MergePatch), name, space, cancellationToken: Cancel);
                continue;
            }
            left[space] -= demand.MilliGpu;
            bound++;
            var binding = new V1Binding
            {
                Metadata = new() { Name = name, Annotations = new Dictionary<string, string> { [OpenbObjects.GpuDevices] = string.Join(',', devices!) } },
                Target = new() { ApiVersion = "v1", Kind = "Node", Name = place.Name },
            };
            await client.CoreV1.CreateNamespacedPodBindingAsync(binding, name, space, cancellationToken: Cancel);
        }
        return bound;
    }

    /// <summary>What is left of a node. Devices are shared inside a tenant only.</summary>
    private sealed class Free(V1Node node)
    {
        private readonly (int Milli, string? Tenant)[] _devices =
            [.. Enumerable.Repeat((1000, (string?)null), int.Parse(node.Status.Allocatable[OpenbObjects.Gpu].ToString(), CultureInfo.InvariantCulture))];
        private decimal _cpu = node.Status.Allocatable["cpu"].ToDecimal() * 1000;
        private decimal _memory = node.Status.Allocatable["memory"].ToDecimal();

        public string Name => node.Metadata.Name;

        public int[]? Take(PodDemand demand, string tenant)
        {
            if (demand.CpuMilli > _cpu || demand.MemoryBytes > _memory) return null;
            var (needed, milli) = demand.FractionMilli > 0 ? (1, demand.FractionMilli) : (demand.WholeGpus, 1000);
            int[] chosen = [.. Enumerable.Range(0, _devices.Length).Where(i => _devices[i].Milli >= milli && (_devices[i].Tenant ?? tenant) == tenant).Take(needed)];
            if (chosen.Length < needed) return null;
            foreach (var i in chosen) _devices[i] = (_devices[i].Milli - milli, tenant);
            _cpu -= demand.CpuMilli;
            _memory -= demand.MemoryBytes;
            return chosen;
        }
    }
}
