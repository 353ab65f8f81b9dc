using Scheduler.Core.Planning;
using Scheduler.Core.Planning.Neighbours;

namespace Scheduler.Core.Feasibility;

/// <summary>The ports that the pod takes on its node are free.</summary>
internal sealed class HostPortsFilter : INeighbourFilter
{
    public FilterName Name => FilterName.HostPorts;

    public bool Passes(NodeState node, NeighbourRules rules) => rules.Ports is null || rules.Ports.AreFree(node.Index, rules.Own!.HostPorts);
}
