using Scheduler.Simulation.Randomness;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// Breaks nodes and devices and repairs them. When, depends on the seed and the name of the part only, so that every scheduler
/// meets the same faults.
/// </summary>
internal sealed class FaultInjector
{
    private readonly FaultModel _model;
    private readonly EventQueue<SimulationEvent> _queue;
    private readonly Dictionary<(int Node, int Device), RandomStream> _streams = [];

    public FaultInjector(SimulationState state, EventQueue<SimulationEvent> queue)
    {
        (_model, _queue) = (state.Setup.Faults, queue);
        var streams = new RandomStreams(state.Setup.Seed);
        foreach (var node in state.Nodes)
        {
            if (_model.NodeSecondsToFailure is not null)
            {
                Begin(node.Index, SimulationEvent.WholeNode, streams.Open($"node/{node.Node.Name}"));
            }

            for (var device = 0; _model.DeviceSecondsToFailure is not null && device < node.Node.Devices.Length; device++)
            {
                Begin(node.Index, device, streams.Open($"device/{node.Node.Name}", device));
            }
        }

        foreach (var fault in _model.Planned)
        {
            if (!state.TryGetNode(fault.Node, out var node))
            {
                throw new ArgumentException($"a fault is planned for node {fault.Node}, which there is not");
            }

            var at = JobProgress.Milliseconds(fault.At);
            var device = fault.Device ?? SimulationEvent.WholeNode;
            _queue.Enqueue(at, new SimulationEvent(SimulationEventKind.Fault, node.Index, device, SimulationEvent.Planned));
            _queue.Enqueue(at + Math.Max(1, JobProgress.Milliseconds(fault.For)),
                new SimulationEvent(SimulationEventKind.Repair, node.Index, device, SimulationEvent.Planned));
        }
    }

    /// <summary>After a fault by chance there is a repair, and after that the next fault.</summary>
    public void Follow(in SimulationEvent happened, long now)
    {
        if (happened.Version == SimulationEvent.Planned)
        {
            return;
        }

        var isNode = happened.Detail == SimulationEvent.WholeNode;
        var random = _streams[(happened.Subject, happened.Detail)];
        if (happened.Kind == SimulationEventKind.Fault)
        {
            var repair = isNode ? _model.NodeSecondsToRepair : _model.DeviceSecondsToRepair;
            Enqueue(happened with { Kind = SimulationEventKind.Repair }, now, repair.SampleDuration(random));
        }
        else
        {
            var failure = isNode ? _model.NodeSecondsToFailure : _model.DeviceSecondsToFailure;
            Enqueue(happened with { Kind = SimulationEventKind.Fault }, now, failure!.SampleDuration(random));
        }
    }

    private void Begin(int node, int device, RandomStream random)
    {
        _streams.Add((node, device), random);
        Follow(new SimulationEvent(SimulationEventKind.Repair, node, device), now: 0);
    }

    private void Enqueue(in SimulationEvent next, long now, TimeSpan after) => _queue.Enqueue(now + JobProgress.Milliseconds(after), next);
}
