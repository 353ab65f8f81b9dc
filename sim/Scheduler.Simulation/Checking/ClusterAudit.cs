using Scheduler.Core.Model;
using Scheduler.Simulation.Engine;

namespace Scheduler.Simulation.Checking;

/// <summary>
/// Counts the cluster anew from the pods of its jobs, without the simulation's books: W1 (nothing is given out twice, faults
/// included), W2 (no tenant is above its limit, unless the scheduler knows no limits), W8 (a gang runs whole or not at all) and W14 (the books balance).
/// </summary>
internal sealed class ClusterAudit(SimulationState state, bool knowsLimits, Action<string, string> report)
{
    private Int128 _used;
    private Int128 _idle;
    private Int128 _unhealthy;
    private Int128 _installed;
    private long _usedMilliGpu;
    private long _idleMilliGpu;
    private long _unhealthyMilliGpu;

    /// <summary>What each tenant used when the simulation began, which may be above a limit that was lowered.</summary>
    private readonly long[] _usedBefore = UsedBefore(state);

    /// <summary>Time passes with what the last count said.</summary>
    public void Elapsed(long milliseconds)
    {
        _used += (Int128)_usedMilliGpu * milliseconds;
        _idle += (Int128)_idleMilliGpu * milliseconds;
        _unhealthy += (Int128)_unhealthyMilliGpu * milliseconds;
        _installed += (Int128)state.InstalledMilliGpu * milliseconds;
    }

    /// <summary>The sums over time.</summary>
    public void End()
    {
        if (_used + _idle + _unhealthy != _installed)
        {
            report("W14", $"{_used} used + {_idle} idle + {_unhealthy} unhealthy is not {_installed} milli-GPU-milliseconds");
        }
    }

    /// <summary>Counts.</summary>
    public void Count()
    {
        var pods = new Dictionary<NodeName, List<Pod>>();
        var usedByTenant = new long[state.Setup.Tenants.Nodes.Length];
        foreach (var job in state.Active.OrderBy(job => job.Index))
        {
            CheckGang(job);
            foreach (var pod in job.Workload.Pods)
            {
                if (pod.Placement is { } placement)
                {
                    (pods.TryGetValue(placement.Node, out var there) ? there : pods[placement.Node] = []).Add(pod);
                    for (var tenant = job.Tenant; tenant is not null; tenant = tenant.Parent)
                    {
                        usedByTenant[tenant.Index] += pod.Shape.Gpu.MilliGpu;
                    }
                }
            }
        }

        (_usedMilliGpu, _idleMilliGpu, _unhealthyMilliGpu) = (0, 0, 0);
        foreach (var node in state.Nodes)
        {
            CountNode(node, pods.GetValueOrDefault(node.Node.Name) ?? []);
        }

        foreach (var tenant in state.Setup.Tenants.Nodes)
        {
            if (usedByTenant[tenant.Index] != state.UsedMilliGpuOf(tenant))
            {
                report("W14", $"tenant {tenant.Id} uses {usedByTenant[tenant.Index]} milli-GPU, the books say {state.UsedMilliGpuOf(tenant)}");
            }

            if (knowsLimits && tenant.QuotaFor(FlavorId.Any) is { } quota && usedByTenant[tenant.Index] > Math.Max(quota.LimitMilliGpu, _usedBefore[tenant.Index]))
            {
                report("W2", $"tenant {tenant.Id} uses {usedByTenant[tenant.Index]} milli-GPU, more than its limit of {quota.LimitMilliGpu}");
            }
        }

        if (_usedMilliGpu != state.UsedMilliGpu || _usedMilliGpu + _idleMilliGpu != state.HealthyMilliGpu
            || _usedMilliGpu + _idleMilliGpu + _unhealthyMilliGpu != state.InstalledMilliGpu)
        {
            report("W14", $"{_usedMilliGpu} used + {_idleMilliGpu} idle + {_unhealthyMilliGpu} unhealthy milli-GPU, the books say {state.UsedMilliGpu} used, "
                + $"{state.HealthyMilliGpu} healthy and {state.InstalledMilliGpu} installed");
        }
    }

    private static long[] UsedBefore(SimulationState state)
    {
        var used = new long[state.Setup.Tenants.Nodes.Length];
        foreach (var job in state.Jobs)
        {
            if (job.Job.Earlier is not { } earlier)
            {
                continue;
            }

            var milliGpu = job.Job.Workload.Pods.Where(pod => earlier.Places.ContainsKey(pod.Id)).Sum(pod => pod.Shape.Gpu.MilliGpu);
            for (var tenant = job.Tenant; tenant is not null; tenant = tenant.Parent)
            {
                used[tenant.Index] += milliGpu;
            }
        }

        return used;
    }

    private void CheckGang(SimulatedJob job)
    {
        var placed = job.Workload.CountPods(PodState.Placed);
        if (placed > 0 && placed < job.Workload.MinMember)
        {
            report("W8", $"{placed} pods of {job.Workload.Id} run, it needs {job.Workload.MinMember}");
        }

        if ((placed > 0) != (job.Phase == JobPhase.Running))
        {
            report("W8", $"{job.Workload.Id} is {job.Phase} with {placed} pods on nodes");
        }
    }

    private void CountNode(NodeBooks books, List<Pod> pods)
    {
        var node = books.Node;
        var free = node.Allocatable - node.UsedByOthers;
        var devices = node.Devices.Select(_ => GpuRequest.MilliPerDevice).ToArray();
        var mig = node.MigCapacities.ToDictionary(capacity => capacity.Profile, capacity => capacity.Count);
        var used = 0L;
        foreach (var pod in pods)
        {
            free -= pod.Shape.Requests;
            used += pod.Shape.Gpu.MilliGpu;
            foreach (var device in pod.Placement!.Devices)
            {
                devices[device] -= pod.Shape.Gpu.MilliEach;
                if (node.Devices[device].Health != DeviceHealth.Healthy)
                {
                    report("W1", $"pod {pod.Id} is on device {device} of node {node.Name}, which has failed");
                }
            }

            if (pod.Shape.Gpu.MigProfile is { } profile)
            {
                mig[profile] -= pod.Shape.Gpu.Count;
            }
        }

        // On a cordoned node what was there goes on.
        if (pods.Count > 0 && !node.IsReady)
        {
            report("W1", $"{pods.Count} pods are on node {node.Name}, which has failed");
        }

        if (free.MilliCpu < 0 || free.MemoryBytes < 0 || free.EphemeralStorageBytes < 0 || pods.Count + node.PodsOfOthers > node.MaxPods
            || Array.Exists(devices, left => left < 0) || mig.Values.Any(left => left < 0))
        {
            report("W1", $"node {node.Name} has {free} left, {pods.Count} pods, [{string.Join(' ', devices)}] milli on its devices and "
                + $"{string.Join(' ', mig.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}:{pair.Value}"))}");
        }

        var healthy = node.IsSchedulable ? node.Devices.Where(device => device.Health == DeviceHealth.Healthy).Sum(device => (long)devices[device.Index]) : 0;
        foreach (var capacity in node.IsSchedulable ? node.MigCapacities : [])
        {
            healthy += mig[capacity.Profile] > 0 ? GpuRequest.Mig(capacity.Profile, mig[capacity.Profile]).MilliGpu : 0;
        }

        _usedMilliGpu += used;
        _idleMilliGpu += healthy;
        _unhealthyMilliGpu += node.InstalledMilliGpu - used - healthy;
    }
}
