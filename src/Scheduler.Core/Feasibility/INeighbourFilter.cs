using Scheduler.Core.Planning;
using Scheduler.Core.Planning.Neighbours;

namespace Scheduler.Core.Feasibility;

/// <summary>
/// Says whether a pod may run on a node beside the pods that are there and elsewhere. Asked only about pods with such rules,
/// of nodes that pass every <see cref="INodeFilter"/>. To add one: a class in a file of its own here, a name in
/// <see cref="FilterName"/>, a line in <see cref="NeighbourFilters"/>.
/// </summary>
internal interface INeighbourFilter
{
    /// <summary>Its name.</summary>
    FilterName Name { get; }

    /// <summary>Whether the node passes.</summary>
    bool Passes(NodeState node, NeighbourRules rules);
}
