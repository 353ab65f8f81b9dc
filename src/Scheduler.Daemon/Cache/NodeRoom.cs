using Scheduler.Core.Model;

namespace Scheduler.Daemon.Cache;

/// <summary>
/// What is left on one node at this moment, assumptions included. The applier asks it before each binding, independently of the
/// planner's own books: no node and no device is given more than it has (W1).
/// </summary>
internal sealed class NodeRoom
{
    private readonly Node _node;
    private readonly int[] _deviceMilli;
    private readonly Dictionary<string, int> _mig = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _scalars = new(StringComparer.Ordinal);
    private ResourceVector _free;
    private int _podsLeft;
    private readonly List<HostPort> _ports = [];
    private int _wholeOnUnknownDevices;

    public NodeRoom(Node node)
    {
        _node = node;
        _free = node.Allocatable;
        _podsLeft = node.MaxPods;
        _deviceMilli = new int[node.Devices.Length];
        foreach (var capacity in node.MigCapacities)
            _mig[capacity.Profile] = capacity.Count;
        foreach (var scalar in node.Scalars)
            _scalars[scalar.Name] = scalar.Amount;
    }

    /// <summary>Takes room without asking: it is taken already.</summary>
    public void Take(PodShape shape, PodPlacement placement)
    {
        _free -= shape.Requests;
        _podsLeft--;
        _ports.AddRange(shape.Rules?.HostPorts ?? []);
        foreach (var scalar in shape.Scalars)
            _scalars[scalar.Name] = _scalars.GetValueOrDefault(scalar.Name) - scalar.Amount;
        if (shape.Gpu.Kind == GpuRequestKind.Mig)
            _mig[shape.Gpu.MigProfile!] = _mig.GetValueOrDefault(shape.Gpu.MigProfile!) - shape.Gpu.Count;
        else if (shape.Gpu.IsAny && placement.Devices.IsEmpty)
            _wholeOnUnknownDevices += shape.Gpu.Count;
        foreach (var device in placement.Devices)
        {
            if (device < _deviceMilli.Length)
                _deviceMilli[device] += shape.Gpu.MilliEach;
        }
    }

    /// <summary>Why the pod does not fit; null if it does.</summary>
    public string? Refusal(PodShape shape, PodPlacement placement)
    {
        if (!_node.IsSchedulable)
            return $"node {_node.Name} is {(!_node.IsReady ? "not ready" : _node.IsCordoned ? "cordoned" : "in quarantine")}";
        if (_podsLeft < 1)
            return $"node {_node.Name} runs its {_node.MaxPods} pods";
        if (!shape.Requests.FitsIn(_free))
            return $"node {_node.Name} has too little CPU, memory or storage left";
        foreach (var scalar in shape.Scalars)
        {
            if (_scalars.GetValueOrDefault(scalar.Name) < scalar.Amount)
                return $"node {_node.Name} has too little {scalar.Name} left";
        }

        foreach (var port in shape.Rules?.HostPorts ?? [])
        {
            if (_ports.Exists(taken => taken.ConflictsWith(port)))
                return $"port {port.Port} of node {_node.Name} is taken";
        }

        return GpuRefusal(shape.Gpu, placement);
    }

    /// <summary>Why a pod whose devices somebody else chooses does not fit; null if it does.</summary>
    public string? RefusalOnAnyDevice(PodShape shape)
    {
        if (shape.Gpu.Kind != GpuRequestKind.Whole)
            return Refusal(shape, new PodPlacement(_node.Name, []));
        var idle = _deviceMilli.Where((milli, index) => milli == 0 && _node.Devices[index].Health == DeviceHealth.Healthy).Count();
        if (idle - _wholeOnUnknownDevices < shape.Gpu.Count)
            return $"node {_node.Name} has too few GPUs left";
        var rest = PodShape.Create(shape.Requests, GpuRequest.None, shape.Scalars);
        return Refusal(rest, new PodPlacement(_node.Name, []));
    }

    private string? GpuRefusal(GpuRequest gpu, PodPlacement placement)
    {
        if (gpu.Kind == GpuRequestKind.Mig)
            return _mig.GetValueOrDefault(gpu.MigProfile!) >= gpu.Count ? null : $"node {_node.Name} has too few {gpu.MigProfile} instances left";
        if (!gpu.IsAny)
            return null;
        if (placement.Devices.Length != gpu.Count)
            return $"the plan names {placement.Devices.Length} devices for {gpu}";
        foreach (var device in placement.Devices)
        {
            if (device < 0 || device >= _deviceMilli.Length || _node.Devices[device].Health != DeviceHealth.Healthy)
                return $"node {_node.Name} has no healthy device {device}";
            if (_deviceMilli[device] + gpu.MilliEach > GpuRequest.MilliPerDevice)
                return $"device {device} of node {_node.Name} is taken";
        }

        // Pods whose devices are not known sit on some of the devices that look idle: so many of those must be left over.
        var idle = _deviceMilli.Where((milli, index) => milli == 0 && !placement.Devices.Contains(index)).Count();
        return idle >= _wholeOnUnknownDevices ? null : $"node {_node.Name} has pods on devices that are not known";
    }
}
