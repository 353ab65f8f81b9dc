using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>The domains of one level: nodes that carry the same value of a label.</summary>
internal sealed class TopologyLevel
{
    private readonly int[] _domainOf;

    public TopologyLevel(string label, IReadOnlyList<NodeState> nodes)
    {
        var byValue = new SortedDictionary<string, List<NodeState>>(StringComparer.Ordinal);
        foreach (var node in nodes)
        {
            if (node.Node.Labels.TryGetValue(label, out var value))
            {
                if (!byValue.TryGetValue(value, out var members))
                {
                    byValue.Add(value, members = []);
                }

                members.Add(node);
            }
        }

        Domains = [.. byValue.Values];
        _domainOf = new int[nodes.Count];
        Array.Fill(_domainOf, -1);
        for (var domain = 0; domain < Domains.Count; domain++)
        {
            foreach (var node in Domains[domain])
            {
                _domainOf[node.Index] = domain;
            }
        }
    }

    /// <summary>The nodes of each domain, domains by the value of the label.</summary>
    public IReadOnlyList<IReadOnlyList<NodeState>> Domains { get; }

    /// <summary>The domain of a node, or -1 if it has none.</summary>
    public int DomainOf(int node) => _domainOf[node];
}

/// <summary>The topology of the cluster: worked out per level when first asked, and anew when a node changes.</summary>
internal sealed class Topology(Session session)
{
    private readonly Dictionary<string, TopologyLevel> _levels = new(StringComparer.Ordinal);

    /// <summary>The domains of a level.</summary>
    public TopologyLevel Level(string label)
    {
        if (!_levels.TryGetValue(label, out var level))
        {
            _levels.Add(label, level = new TopologyLevel(label, session.Nodes));
        }

        return level;
    }

    /// <summary>
    /// Levels at which a gang is tried, the narrowest first: those of the policy up to the one that it names, or all of them.
    /// </summary>
    public IEnumerable<string> LevelsFor(Workload workload)
    {
        var levels = session.Policy.TopologyLevels;
        var named = workload.Topology?.Level;
        var widest = named is null ? 0 : levels.IndexOf(named);
        if (widest < 0)
        {
            yield return named!;
            yield break;
        }

        for (var index = levels.Length - 1; index >= widest; index--)
        {
            yield return levels[index];
        }
    }

    /// <summary>Forgets everything: a node changed.</summary>
    public void Forget() => _levels.Clear();
}
