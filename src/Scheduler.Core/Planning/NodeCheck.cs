using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>W1 on one node: what was there and what is added, summed up and held against what the node has.</summary>
internal static class NodeCheck
{
    public static void Check(
        Node node,
        List<(Pod Pod, ImmutableArray<int> Devices)> placed,
        List<(Pod Pod, ImmutableArray<int> Devices)> added,
        ImmutableArray<InvariantViolation>.Builder violations)
    {
        if (!node.IsSchedulable)
        {
            violations.Add(new("W1", $"pod {added[0].Pod.Id} is bound to node {node.Name}, which is not ready or cordoned"));
        }

        var all = placed.Concat(added).ToArray();
        CheckSum("pods", node.MaxPods, node.PodsOfOthers, placed.Count, added.Count);
        CheckSum("milli-CPU", node.Allocatable.MilliCpu, node.UsedByOthers.MilliCpu,
            placed.Sum(pair => pair.Pod.Shape.Requests.MilliCpu), added.Sum(pair => pair.Pod.Shape.Requests.MilliCpu));
        CheckSum("bytes of memory", node.Allocatable.MemoryBytes, node.UsedByOthers.MemoryBytes,
            placed.Sum(pair => pair.Pod.Shape.Requests.MemoryBytes), added.Sum(pair => pair.Pod.Shape.Requests.MemoryBytes));
        CheckSum("bytes of storage", node.Allocatable.EphemeralStorageBytes, node.UsedByOthers.EphemeralStorageBytes,
            placed.Sum(pair => pair.Pod.Shape.Requests.EphemeralStorageBytes),
            added.Sum(pair => pair.Pod.Shape.Requests.EphemeralStorageBytes));
        foreach (var name in added.SelectMany(pair => pair.Pod.Shape.Scalars).Select(scalar => scalar.Name).Distinct())
        {
            CheckSum(name, AmountOf(node.Scalars, name), AmountOf(node.ScalarsUsedByOthers, name),
                placed.Sum(pair => AmountOf(pair.Pod.Shape.Scalars, name)), added.Sum(pair => AmountOf(pair.Pod.Shape.Scalars, name)));
        }

        foreach (var profile in added.Select(pair => pair.Pod.Shape.Gpu.MigProfile).OfType<string>().Distinct())
        {
            var capacity = node.MigCapacities.Where(mig => mig.Profile == profile).Sum(mig => mig.Count);
            CheckSum($"MIG {profile}", capacity, 0, CountMig(placed, profile), CountMig(added, profile));
        }

        CheckDevices(node, all, added, violations);

        void CheckSum(string what, long has, long others, long before, long more)
        {
            if (more > 0 && others + before + more > has)
            {
                violations.Add(new("W1", $"node {node.Name} has {has} {what}, and the plan takes it to {others + before + more}"));
            }
        }
    }

    private static void CheckDevices(
        Node node,
        (Pod Pod, ImmutableArray<int> Devices)[] all,
        List<(Pod Pod, ImmutableArray<int> Devices)> added,
        ImmutableArray<InvariantViolation>.Builder violations)
    {
        var used = new long[node.Devices.Length];
        var withoutDevices = 0L;
        foreach (var (pod, devices) in all)
        {
            if (pod.Shape.Gpu.Kind is not (GpuRequestKind.Whole or GpuRequestKind.Fraction))
            {
                continue;
            }

            var known = devices.Where(device => device >= 0 && device < used.Length).ToArray();
            withoutDevices += known.Length == 0 ? pod.Shape.Gpu.MilliGpu : 0;
            foreach (var device in known)
            {
                used[device] += pod.Shape.Gpu.MilliEach;
            }
        }

        foreach (var (pod, devices) in added)
        {
            var needed = pod.Shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction ? pod.Shape.Gpu.Count : 0;
            if (devices.Length != needed || devices.Distinct().Count() != needed)
            {
                violations.Add(new("W1", $"pod {pod.Id} asks for {pod.Shape.Gpu} and gets {devices.Length} devices of {node.Name}"));
            }

            foreach (var device in devices)
            {
                if (device < 0 || device >= used.Length)
                {
                    violations.Add(new("W1", $"pod {pod.Id} gets device {device} of node {node.Name}, which has {used.Length}"));
                }
                else if (node.Devices[device].Health != DeviceHealth.Healthy)
                {
                    violations.Add(new("W1", $"pod {pod.Id} gets device {device} of node {node.Name}, which is quarantined"));
                }
                else if (used[device] > GpuRequest.MilliPerDevice)
                {
                    violations.Add(new("W1", $"device {device} of node {node.Name} would be given {used[device]} milli-GPU"));
                }
            }
        }

        var total = used.Sum() + withoutDevices;
        if (added.Any(pair => !pair.Devices.IsEmpty) && total > (long)used.Length * GpuRequest.MilliPerDevice)
        {
            violations.Add(new("W1", $"node {node.Name} has {used.Length} GPUs and would be given {total} milli-GPU"));
        }
    }

    private static long CountMig(List<(Pod Pod, ImmutableArray<int> Devices)> pods, string profile) =>
        pods.Sum(pair => pair.Pod.Shape.Gpu.MigProfile == profile ? pair.Pod.Shape.Gpu.Count : 0L);

    private static long AmountOf(ImmutableArray<ScalarResource> scalars, string name) =>
        scalars.Where(scalar => scalar.Name == name).Sum(scalar => scalar.Amount);
}
