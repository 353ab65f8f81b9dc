using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Neighbours;

/// <summary>Volumes that are attached to each node, or will be. One that several pods use counts once.</summary>
internal sealed class NodeVolumes
{
    private readonly Dictionary<(int Node, AttachedVolume Volume), int> _users = [];
    private readonly Dictionary<(int Node, string Driver), int> _attached = [];

    /// <summary>Whether the node takes these volumes too.</summary>
    public bool HasRoom(Node node, int index, IReadOnlyList<AttachedVolume> volumes)
    {
        foreach (var (driver, most) in node.AttachLimits)
        {
            var more = 0;
            foreach (var volume in volumes)
            {
                more += volume.Driver == driver && !_users.ContainsKey((index, volume)) ? 1 : 0;
            }

            if (more > 0 && _attached.GetValueOrDefault((index, driver)) + more > most)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Attaches the volumes of a pod (sign 1), or detaches them (sign -1).</summary>
    public void Change(PodRules rules, int node, int sign)
    {
        foreach (var volume in rules.Volumes)
        {
            var users = _users.GetValueOrDefault((node, volume)) + sign;
            var isFirstOrLast = sign > 0 ? users == 1 : users == 0;
            if (users == 0)
            {
                _users.Remove((node, volume));
            }
            else
            {
                _users[(node, volume)] = users;
            }

            if (isFirstOrLast)
            {
                _attached[(node, volume.Driver)] = _attached.GetValueOrDefault((node, volume.Driver)) + sign;
            }
        }
    }
}
