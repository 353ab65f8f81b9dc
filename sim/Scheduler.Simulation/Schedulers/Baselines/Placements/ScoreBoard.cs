namespace Scheduler.Simulation.Schedulers.Baselines.Placements;

/// <summary>Remembers scores by shape: only nodes that changed since a shape was last asked about are scored again.</summary>
internal sealed class ScoreBoard(NodePlacement placement)
{
    private readonly List<int> _changes = [];
    private readonly List<long[]?> _scores = [];
    private readonly List<int> _seen = [];

    /// <summary>A node is not as it was.</summary>
    public void Changed(int node) => _changes.Add(node);

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _changes.Clear();
        _scores.Clear();
        _seen.Clear();
    }

    /// <summary>The scores of all nodes for a shape.</summary>
    public ReadOnlySpan<long> For(int shape)
    {
        while (_scores.Count <= shape)
        {
            _scores.Add(null);
            _seen.Add(0);
        }

        if (_scores[shape] is not { } scores || _changes.Count - _seen[shape] >= scores.Length)
        {
            scores = _scores[shape] ??= new long[placement.Cluster.Nodes.Length];
            for (var node = 0; node < scores.Length; node++)
            {
                scores[node] = placement.Score(node, shape);
            }
        }
        else
        {
            for (var change = _seen[shape]; change < _changes.Count; change++)
            {
                scores[_changes[change]] = placement.Score(_changes[change], shape);
            }
        }

        _seen[shape] = _changes.Count;
        return scores;
    }
}
