using Scheduler.Core.Model;

namespace Scheduler.Core.Forecast;

/// <summary>
/// What is free on the nodes in a forward run. Nodes of a group with equally many idle devices are in one list, so that the
/// tightest fit is found without a walk over all.
/// </summary>
internal sealed class ForwardNodes
{
    /// <summary>Nodes of a list that are tried for CPU, memory and parts of a device before the next list is.</summary>
    private const int Tries = 16;

    private const int None = -1;

    private readonly ForwardModel _model;
    private readonly int _levels;
    private readonly int[] _head;
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly int[] _idle;
    private readonly int[] _partial;
    private readonly long[] _milliCpu;
    private readonly long[] _memoryBytes;

    public ForwardNodes(ForwardModel model)
    {
        _model = model;
        _levels = model.MaxDevices + 1;
        _head = new int[model.Groups * _levels];
        var nodes = model.Nodes.Length;
        (_next, _previous, _idle, _partial) = (new int[nodes], new int[nodes], new int[nodes], new int[nodes]);
        (_milliCpu, _memoryBytes) = (new long[nodes], new long[nodes]);
    }

    /// <summary>Idle devices of a node.</summary>
    public int Idle(int node) => _idle[node];

    /// <summary>Milli-GPU beside the idle devices of a node.</summary>
    public int Partial(int node) => _partial[node];

    /// <summary>As the snapshot says.</summary>
    public void Reset()
    {
        Array.Fill(_head, None);
        for (var node = _idle.Length - 1; node >= 0; node--)
        {
            var plane = _model.Nodes[node].Now;
            _idle[node] = Math.Max(0, plane.IdleDevices);
            _partial[node] = (int)Math.Max(0, plane.FreeMilliGpu - (plane.IdleDevices * (long)GpuRequest.MilliPerDevice));
            (_milliCpu[node], _memoryBytes[node]) = (plane.Free.MilliCpu, plane.Free.MemoryBytes);
            Link(node);
        }
    }

    /// <summary>The node that a pod fits most tightly, or -1.</summary>
    public int Find(in PodNeed need, bool[] groups)
    {
        for (var level = need.Idle; level < _levels; level++)
        {
            for (var group = 0; group < groups.Length; group++)
            {
                if (!groups[group])
                {
                    continue;
                }

                var node = _head[(group * _levels) + level];
                for (var tries = 0; node != None && tries < Tries; tries++, node = _next[node])
                {
                    if (Fits(node, need))
                    {
                        return node;
                    }
                }
            }
        }

        return None;
    }

    /// <summary>Whether a pod fits a node.</summary>
    public bool Fits(int node, in PodNeed need) =>
        _idle[node] >= need.Idle
        && (need.Partial <= _partial[node] || (need.Partial <= GpuRequest.MilliPerDevice && _idle[node] > 0))
        && (need.MilliCpu <= 0 || need.MilliCpu <= _milliCpu[node])
        && (need.MemoryBytes <= 0 || need.MemoryBytes <= _memoryBytes[node]);

    /// <summary>A pod takes its room.</summary>
    public void Take(int node, in PodNeed need)
    {
        Unlink(node);
        _idle[node] -= need.Idle;
        _partial[node] -= need.Partial;
        if (_partial[node] < 0)
        {
            _partial[node] += GpuRequest.MilliPerDevice;
            _idle[node]--;
        }

        _milliCpu[node] -= need.MilliCpu;
        _memoryBytes[node] -= need.MemoryBytes;
        Link(node);
    }

    /// <summary>A pod gives its room back. What is free of partly used devices counts as one device as soon as it is as much.</summary>
    public void Give(int node, in PodNeed need)
    {
        if (!_model.Nodes[node].Node.IsSchedulable)
        {
            return;
        }

        Unlink(node);
        _idle[node] = Math.Min(_levels - 1, _idle[node] + need.Idle);
        _partial[node] += need.Partial;
        if (_partial[node] >= GpuRequest.MilliPerDevice && need.Partial > 0 && _model.Nodes[node].Node.MigCapacities.IsEmpty && _idle[node] < _levels - 1)
        {
            _partial[node] -= GpuRequest.MilliPerDevice;
            _idle[node]++;
        }

        _milliCpu[node] += need.MilliCpu;
        _memoryBytes[node] += need.MemoryBytes;
        Link(node);
    }

    private void Link(int node)
    {
        // A node that takes no new pods is in no list.
        if (!_model.Nodes[node].Node.IsSchedulable || _idle[node] < 0)
        {
            (_next[node], _previous[node]) = (None, None);
            return;
        }

        var list = (_model.GroupOf[node] * _levels) + _idle[node];
        (_next[node], _previous[node]) = (_head[list], None);
        if (_head[list] != None)
        {
            _previous[_head[list]] = node;
        }

        _head[list] = node;
    }

    private void Unlink(int node)
    {
        if (!_model.Nodes[node].Node.IsSchedulable || _idle[node] < 0)
        {
            return;
        }

        var list = (_model.GroupOf[node] * _levels) + _idle[node];
        if (_head[list] == node)
        {
            _head[list] = _next[node];
        }

        if (_previous[node] != None)
        {
            _next[_previous[node]] = _next[node];
        }

        if (_next[node] != None)
        {
            _previous[_next[node]] = _previous[node];
        }
    }
}
