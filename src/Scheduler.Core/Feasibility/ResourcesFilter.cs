using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>Pod slots, CPU, memory, local storage and extended resources are free.</summary>
internal sealed class ResourcesFilter : INodeFilter
{
    public FilterName Name => FilterName.Resources;

    public bool IsStatic => false;

    public bool Passes(NodePlane node, PlacementRequest request)
    {
        if (node.FreePods < 1 || !request.Shape.Requests.FitsIn(node.Free))
        {
            return false;
        }

        foreach (var scalar in request.Shape.Scalars)
        {
            var index = node.IndexOfScalar(scalar.Name);
            if (index < 0 || node.ScalarFree[index] < scalar.Amount)
            {
                return false;
            }
        }

        return true;
    }
}
