using Scheduler.Core.Planning;
using Scheduler.Core.Planning.Neighbours;

namespace Scheduler.Core.Feasibility;

/// <summary>The node takes as many more volumes of each driver as the pod brings.</summary>
internal sealed class AttachLimitFilter : INeighbourFilter
{
    public FilterName Name => FilterName.AttachLimit;

    public bool Passes(NodeState node, NeighbourRules rules) =>
        rules.Volumes is null || rules.Volumes.HasRoom(node.Node, node.Index, rules.Own!.Volumes);
}
