using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Prometheus;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Kubelet;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Exporters;

/// <summary>
/// The dcgm-exporter of every node with GPUs: names, labels and types of its series, values from what runs on the node and from
/// injected faults. Each answer is put together anew from the state of the cluster; only counters are remembered.
/// </summary>
internal sealed class SimulatedExporters(ObjectService objects, GpuFaults faults, double timeScale)
{
    public const string Namespace = "gpu-operator";

    /// <summary>Where a pod is reached that is served by this process.</summary>
    public const string PodAddressAnnotation = "simulation.weir.scheduler/pod-ip";

    private const string MigPrefix = "nvidia.com/mig-";
    private const int DefaultMemoryMebibytes = 81_920;
    private const int SlicesOfDevice = 7;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Node, int Device), (double Millijoules, DateTimeOffset At)> _energy = [];
    private readonly ResourceType _pods = objects.Registry.Require("", "pods");
    private readonly ResourceType _nodes = objects.Registry.Require("", "nodes");

    /// <summary>The path of a node's metrics on the port of the API server.</summary>
    public static string PathOf(string node) => $"/exporters/{node}/metrics";

    /// <summary>The exporter's pod, as the daemon set of the GPU operator would make it.</summary>
    public static JsonObject Pod(string node, int port) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Pod",
        ["metadata"] = new JsonObject
        {
            ["name"] = $"nvidia-dcgm-exporter-{node}",
            ["namespace"] = Namespace,
            ["labels"] = new JsonObject { ["app"] = "nvidia-dcgm-exporter" },
            ["annotations"] = new JsonObject
            {
                ["prometheus.io/scrape"] = "true",
                ["prometheus.io/port"] = port.ToString(CultureInfo.InvariantCulture),
                ["prometheus.io/path"] = PathOf(node),
                [PodAddressAnnotation] = "127.0.0.1",
            },
        },
        ["spec"] = new JsonObject
        {
            ["nodeName"] = node,
            ["tolerations"] = new JsonArray(new JsonObject { ["operator"] = "Exists" }),
            ["containers"] = new JsonArray(new JsonObject
            {
                ["name"] = "nvidia-dcgm-exporter",
                ["image"] = "simulated/dcgm-exporter",
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "metrics", ["containerPort"] = port }),
            }),
        },
    };

    /// <summary>Whether the node has GPUs, and so an exporter.</summary>
    public static bool HasGpus(SimulatedNode node) => node.Gpus > 0 || node.MigProfiles.Count > 0;

    /// <summary>Writes what the exporter of a node says now. False if there is no such exporter, or it is silent.</summary>
    public async Task<bool> TryWriteAsync(string node, Stream body, CancellationToken ct)
    {
        if (faults.IsSilent(node) || objects.Find(_nodes, new ObjectKey("", node))?.Parse() is not { } found)
            return false;
        var devices = DevicesOf(found);
        if (devices.Count == 0)
            return false;
        Occupy(node, devices);
        var registry = Metrics.NewCustomRegistry();
        Fill(Metrics.WithCustomRegistry(registry), node, found.StringAt("metadata", "labels", "nvidia.com/gpu.product") ?? "NVIDIA GPU", devices);
        await registry.CollectAndExportAsTextAsync(body, ct);
        return true;
    }

    /// <summary>Whole devices first, then those that are cut into MIG instances, seven slices each.</summary>
    private static List<SimulatedDevice> DevicesOf(JsonObject node)
    {
        var memory = int.TryParse(node.StringAt("metadata", "labels", "nvidia.com/gpu.memory"), CultureInfo.InvariantCulture, out var told) ? told : DefaultMemoryMebibytes;
        var capacity = node.ObjectAt("status", "capacity") ?? [];
        var whole = Count(capacity[KubeletEngine.GpuResource]);
        var devices = Enumerable.Range(0, whole).Select(index => new SimulatedDevice(index, "", "", memory)).ToList();
        var (device, slices, instance) = (whole, 0, 1);
        foreach (var (name, value) in capacity.Where(entry => entry.Key.StartsWith(MigPrefix, StringComparison.Ordinal)).OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            var profile = name[MigPrefix.Length..];
            var size = int.TryParse(profile.Split('g')[0], CultureInfo.InvariantCulture, out var slicesOfProfile) ? slicesOfProfile : 1;
            for (var count = Count(value); count > 0; count--)
            {
                if (slices + size > SlicesOfDevice)
                    (device, slices, instance) = (device + 1, 0, 1);
                devices.Add(new SimulatedDevice(device, profile, instance.ToString(CultureInfo.InvariantCulture), memory * size / SlicesOfDevice));
                slices += size;
                instance++;
            }
        }

        return devices;
    }

    private static int Count(JsonNode? quantity) =>
        Quantity.TryParse(Strategies.PodDefaults.Text(quantity), out var amount) ? (int)Math.Clamp(amount, 0, 1024) : 0;

    /// <summary>Puts the running pods on devices: those that the scheduler named, else the first that are free, as a kubelet does.</summary>
    private void Occupy(string node, List<SimulatedDevice> devices)
    {
        var bucket = objects.Bucket(_pods);
        var fields = bucket.SelectableFields.ToList();
        int nodeName = fields.IndexOf("spec.nodeName"), phase = fields.IndexOf("status.phase");
        var running = bucket.Snapshot(null)
            .Where(pod => pod.FieldValues[nodeName] == node && pod.FieldValues[phase] == "Running")
            .Select(pod => pod.Parse())
            .OrderBy(pod => pod.StringAt("metadata", "creationTimestamp"), StringComparer.Ordinal)
            .ThenBy(pod => pod.StringAt("metadata", "uid"), StringComparer.Ordinal)
            .Select(pod => (Pod: pod, Requests: NodeLedger.Requests(pod)))
            .ToList();
        foreach (var (pod, requests) in running.OrderByDescending(entry => NodeLedger.Devices(entry.Requests).Count > 0))
        {
            var holder = Holder(pod);
            var named = NodeLedger.Devices(requests);
            if (named.Count > 0)
            {
                foreach (var device in devices.Where(device => device.MigProfile.Length == 0 && named.Contains(device.Index)))
                    device.Holders.Add(holder);
                continue;
            }

            foreach (var (name, amount) in requests)
            {
                var profile = name == KubeletEngine.GpuResource ? "" : name.StartsWith(MigPrefix, StringComparison.Ordinal) ? name[MigPrefix.Length..] : null;
                foreach (var device in devices.Where(device => device.MigProfile == profile && device.Holders.Count == 0).Take((int)amount))
                    device.Holders.Add(holder);
            }
        }
    }

    private DeviceHolder Holder(JsonObject pod)
    {
        var profile = UtilisationProfile.TryParse(pod.StringAt("metadata", "annotations", UtilisationProfile.Annotation), out var own) ? own : UtilisationProfile.Default;
        var started = DateTimeOffset.TryParse(pod.StringAt("status", "startTime"), CultureInfo.InvariantCulture, out var at) ? at : objects.Clock.GetUtcNow();
        var since = objects.Clock.GetUtcNow() - started;
        return new DeviceHolder(
            pod.StringAt("metadata", "namespace") ?? "", pod.StringAt("metadata", "name") ?? "",
            pod.ObjectsAt("spec", "containers").FirstOrDefault().StringAt("name") ?? "",
            profile.At(since > TimeSpan.Zero ? since * timeScale : TimeSpan.Zero));
    }

    private void Fill(MetricFactory metrics, string node, string model, List<SimulatedDevice> devices)
    {
        var hasMig = devices.Exists(device => device.MigProfile.Length > 0);
        string[] labels =
        [
            "gpu", "UUID", "pci_bus_id", "device", "modelName", .. hasMig ? ["GPU_I_PROFILE", "GPU_I_ID"] : Array.Empty<string>(), "Hostname",
            "DCGM_FI_DRIVER_VERSION", "container", "namespace", "pod",
        ];
        foreach (var series in ExporterSeries.All)
        {
            var names = series.IsXid ? [.. labels, "err_code", "err_msg"] : labels;
            var write = Writer(metrics, series, names);
            foreach (var device in devices.Where(device => device.MigProfile.Length == 0 || series.HasMig))
            {
                var fault = faults.Of(node, device.Index);
                var value = series.Value(new DeviceState(device, fault, Energy(node, device)));
                // Of a shared device the series is repeated for each pod; of an idle one the labels of the pod are empty.
                foreach (var holder in device.Holders.DefaultIfEmpty(new DeviceHolder("", "", "", 0)))
                {
                    string[] values =
                    [
                        Text(device.Index), Uuid(node, device.Index), $"00000000:{device.Index + 3:X2}:00.0", $"nvidia{device.Index}", model,
                        .. hasMig ? [device.MigProfile, device.MigId] : Array.Empty<string>(), node, "580.95.05",
                        holder.Container, holder.Namespace, holder.Pod,
                        .. series.IsXid ? [Text(fault.Xid), fault.Xid == 0 ? "No Error" : "Unknown Error"] : Array.Empty<string>(),
                    ];
                    write(values, value);
                }
            }
        }
    }

    private static Action<string[], double> Writer(MetricFactory metrics, ExporterSeries series, string[] labels)
    {
        if (series.IsCounter)
        {
            var counter = metrics.CreateCounter(series.Name, series.Help, labels);
            return (values, value) => counter.WithLabels(values).IncTo(value);
        }

        var gauge = metrics.CreateGauge(series.Name, series.Help, labels);
        return (values, value) => gauge.WithLabels(values).Set(value);
    }

    /// <summary>What a device has used since the start, summed up from one answer to the next.</summary>
    private double Energy(string node, SimulatedDevice device)
    {
        var now = objects.Clock.GetUtcNow();
        lock (_gate)
        {
            var (sum, at) = _energy.GetValueOrDefault((node, device.Index), (0, now));
            sum += 1000 * DeviceState.Watts(device.Level) * Math.Max(0, (now - at).TotalSeconds);
            _energy[(node, device.Index)] = (sum, now);
            return sum;
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Uuid(string node, int device) =>
        "GPU-" + new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{node}/{device}")).AsSpan(0, 16)).ToString();
}
