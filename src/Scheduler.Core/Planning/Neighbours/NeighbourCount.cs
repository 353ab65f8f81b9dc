using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Neighbours;

/// <summary>
/// How many pods of some kind are in each domain of a topology: those that are there, and those for which room is kept. What
/// is kept only ever counts against a pod: it may never come.
/// </summary>
internal sealed class NeighbourCount
{
    private readonly Func<string, Pod, bool> _counts;
    private readonly TopologyLevel? _level;
    private readonly bool[]? _isEligible;
    private readonly bool[]? _isOpen;
    private readonly int[] _present;
    private readonly int[] _kept;
    private int _fewest = -1;

    /// <param name="counts">Whether a pod of a namespace is of the kind.</param>
    /// <param name="level">The domains; null makes each node one by itself.</param>
    /// <param name="nodes">How many nodes there are.</param>
    /// <param name="isEligible">Nodes whose pods and domains count; null for all.</param>
    public NeighbourCount(Func<string, Pod, bool> counts, TopologyLevel? level, int nodes, bool[]? isEligible = null)
    {
        _counts = counts;
        _level = level;
        _isEligible = isEligible;
        _present = new int[level?.Domains.Count ?? nodes];
        _kept = new int[_present.Length];
        if (isEligible is not null)
        {
            _isOpen = new bool[_present.Length];
            for (var node = 0; node < nodes; node++)
            {
                if (isEligible[node] && DomainOf(node) is >= 0 and var domain)
                {
                    _isOpen[domain] = true;
                }
            }

            Domains = _isOpen.Count(isOpen => isOpen);
        }
    }

    /// <summary>Pods that are there, in all domains.</summary>
    public int Total { get; private set; }

    /// <summary>Domains with an eligible node.</summary>
    public int Domains { get; }

    /// <summary>Whether pods that are being deleted do not count.</summary>
    public bool SkipsLeaving { get; init; }

    /// <summary>The fewest pods in a domain with an eligible node.</summary>
    public int Fewest
    {
        get
        {
            if (_fewest < 0)
            {
                _fewest = int.MaxValue;
                for (var domain = 0; domain < _present.Length; domain++)
                {
                    if (_isOpen is null || _isOpen[domain])
                    {
                        _fewest = Math.Min(_fewest, _present[domain]);
                    }
                }
            }

            return _fewest;
        }
    }

    /// <summary>The domain of a node, or -1.</summary>
    public int DomainOf(int node) => _level?.DomainOf(node) ?? node;

    /// <summary>Pods there.</summary>
    public int Present(int domain) => _present[domain];

    /// <summary>Pods there, and those that may come.</summary>
    public int Most(int domain) => _present[domain] + _kept[domain];

    /// <summary>Counts a pod in (sign 1) or out (sign -1), if it is of the kind.</summary>
    public void Change(string @namespace, Pod pod, int node, bool isKept, int sign)
    {
        if ((SkipsLeaving && pod.State == PodState.Leaving) || (_isEligible is not null && !_isEligible[node])
            || DomainOf(node) is not (>= 0 and var domain) || !_counts(@namespace, pod))
        {
            return;
        }

        if (isKept)
        {
            _kept[domain] += sign;
            return;
        }

        _present[domain] += sign;
        Total += sign;
        _fewest = -1;
    }
}
