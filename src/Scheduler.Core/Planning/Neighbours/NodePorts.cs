using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Neighbours;

/// <summary>Ports that are taken on each node, or kept for somebody.</summary>
internal sealed class NodePorts
{
    private readonly Dictionary<int, List<HostPort>> _taken = [];

    /// <summary>Whether none of the ports is taken.</summary>
    public bool AreFree(int node, IReadOnlyList<HostPort> ports)
    {
        if (_taken.TryGetValue(node, out var taken))
        {
            foreach (var port in ports)
            {
                foreach (var other in taken)
                {
                    if (port.ConflictsWith(other))
                    {
                        return false;
                    }
                }
            }
        }

        return true;
    }

    /// <summary>Takes the ports of a pod (sign 1), or gives them back (sign -1).</summary>
    public void Change(PodRules rules, int node, int sign)
    {
        foreach (var port in rules.HostPorts)
        {
            if (!_taken.TryGetValue(node, out var taken))
            {
                _taken.Add(node, taken = []);
            }

            if (sign > 0)
            {
                taken.Add(port);
            }
            else
            {
                taken.Remove(port);
            }
        }
    }
}
