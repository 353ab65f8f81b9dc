using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>
/// Says whether a pod may run on a node. To add one: a class in a file of its own here, a name in
/// <see cref="FilterName"/>, a line in <see cref="NodeFilters"/>.
/// </summary>
internal interface INodeFilter
{
    /// <summary>Its name.</summary>
    FilterName Name { get; }

    /// <summary>
    /// True if the answer depends only on what cannot change within a cycle (labels, taints, installed devices): it is
    /// then asked once per request and node.
    /// </summary>
    bool IsStatic { get; }

    /// <summary>Whether the node passes.</summary>
    bool Passes(NodePlane node, PlacementRequest request);
}
