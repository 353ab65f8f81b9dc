using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Nodes;

/// <summary>Turns a <see cref="SimulatedNode"/> into the Node object that its kubelet would register.</summary>
internal static class NodeObjects
{
    // Frame buffer per device in MiB, as GPU feature discovery reports it. Models that are not here carry no memory label.
    private static readonly Dictionary<string, int> MemoryMebibytes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["P100"] = 16280,
        ["T4"] = 15360,
        ["Tesla-T4"] = 15360,
        ["V100M16"] = 16384,
        ["V100M32"] = 32768,
        ["A10"] = 23028,
        ["NVIDIA-A10"] = 23028,
        ["A100-40GB"] = 40960,
        ["NVIDIA-A100-SXM4-40GB"] = 40960,
        ["A100-80GB"] = 81920,
        ["NVIDIA-A100-SXM4-80GB"] = 81920,
        ["H100"] = 81559,
        ["NVIDIA-H100-80GB-HBM3"] = 81559,
        ["L4"] = 23034,
        ["L40S"] = 46068,
    };

    public static JsonObject Build(SimulatedNode node, int ordinal, string bootId, DateTimeOffset now)
    {
        var capacity = Capacity(node);
        var spec = new JsonObject();
        if (node.Taints.Count > 0)
        {
            spec["taints"] = new JsonArray([.. node.Taints.Select(t => (JsonNode)new JsonObject
            {
                ["key"] = t.Key,
                ["value"] = t.Value,
                ["effect"] = t.Effect,
            })]);
        }

        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject { ["name"] = node.Name, ["labels"] = Labels(node) },
            ["spec"] = spec,
            ["status"] = new JsonObject
            {
                ["capacity"] = capacity,
                ["allocatable"] = capacity.DeepClone(),
                ["conditions"] = Conditions(now),
                ["addresses"] = new JsonArray(
                    new JsonObject { ["type"] = "InternalIP", ["address"] = Address(ordinal) },
                    new JsonObject { ["type"] = "Hostname", ["address"] = node.Name }),
                ["nodeInfo"] = new JsonObject
                {
                    ["architecture"] = "amd64",
                    ["bootID"] = bootId,
                    ["containerRuntimeVersion"] = "simulated://1.0",
                    ["kernelVersion"] = "6.1.0-simulated",
                    ["kubeProxyVersion"] = "v1.32.0-weir",
                    ["kubeletVersion"] = "v1.32.0-weir",
                    ["machineID"] = node.Name,
                    ["operatingSystem"] = "linux",
                    ["osImage"] = "Simulated",
                    ["systemUUID"] = node.Name,
                },
            },
        };
    }

    private static JsonObject Capacity(SimulatedNode node)
    {
        var capacity = new JsonObject
        {
            ["cpu"] = node.CpuMillis % 1000 == 0 ? Text(node.CpuMillis / 1000) : Text(node.CpuMillis) + "m",
            ["memory"] = Text(node.MemoryBytes / 1024) + "Ki",
            ["ephemeral-storage"] = "1Ti",
            ["pods"] = Text(node.Pods),
        };
        if (node.Gpus > 0)
            capacity["nvidia.com/gpu"] = Text(node.Gpus);
        foreach (var (profile, count) in node.MigProfiles.OrderBy(p => p.Key, StringComparer.Ordinal))
            capacity["nvidia.com/mig-" + profile] = Text(count);
        return capacity;
    }

    private static JsonObject Labels(SimulatedNode node)
    {
        var labels = new JsonObject
        {
            ["kubernetes.io/hostname"] = node.Name,
            ["kubernetes.io/os"] = "linux",
            ["kubernetes.io/arch"] = "amd64",
        };
        if (node.Gpus > 0 || node.MigProfiles.Count > 0)
        {
            labels["nvidia.com/gpu.present"] = "true";
            if (node.Gpus > 0)
                labels["nvidia.com/gpu.count"] = Text(node.Gpus);
            if (node.GpuModel is { } model)
            {
                labels["nvidia.com/gpu.product"] = model;
                if (MemoryMebibytes.TryGetValue(model, out var memory))
                    labels["nvidia.com/gpu.memory"] = Text(memory);
            }
        }

        foreach (var (key, value) in node.Labels)
            labels[key] = value;
        return labels;
    }

    private static JsonArray Conditions(DateTimeOffset now)
    {
        var conditions = new JsonArray();
        foreach (var (type, status, reason, message) in new[]
        {
            ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        })
        {
            conditions.Add((JsonNode)new JsonObject
            {
                ["type"] = type,
                ["status"] = status,
                ["lastHeartbeatTime"] = Timestamps.Seconds(now),
                ["lastTransitionTime"] = Timestamps.Seconds(now),
                ["reason"] = reason,
                ["message"] = message,
            });
        }

        return conditions;
    }

    private static string Address(int ordinal) =>
        string.Create(CultureInfo.InvariantCulture, $"172.{16 + ((ordinal >> 16) & 15)}.{(ordinal >> 8) & 255}.{ordinal & 255}");

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
