using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>How many equal pods fit the nodes of a view, by flavor: counted once for pods between which nodes make no difference.</summary>
/// <param name="books">The snapshot and the plan.</param>
/// <param name="quota">The flavors.</param>
/// <param name="view">What is left on a node; null leaves the node out.</param>
internal sealed class RoomSurvey(PlanBooks books, QuotaBooks quota, Func<int, NodeTally?> view)
{
    /// <summary>No gang is bigger; keeps sums small where a pod asks for hardly anything.</summary>
    private const int MostOnNode = 1_000_000;

    private readonly NodeTally?[] _tallies = new NodeTally?[books.Snapshot.Nodes.Length];
    private readonly Dictionary<(PodShape Shape, int Owner, int Pool), long[]> _rooms = [];
    private readonly List<int> _withGpu = [];
    private bool _isLoaded;

    /// <summary>Room by flavor; that on nodes without GPUs comes last.</summary>
    public ReadOnlySpan<long> Of(PodShape shape, TenantNode tenant)
    {
        var key = (shape, OwnerFor(shape, tenant), NodeViews.PoolOf(tenant)?.Index ?? -1);
        if (_rooms.TryGetValue(key, out var room))
        {
            return room;
        }

        Load();
        room = new long[quota.Width];
        if (shape.Gpu.IsAny)
        {
            // Most nodes of a busy cluster have none left.
            foreach (var node in _withGpu)
            {
                room[quota.FlavorOf(node)] += CountOn(_tallies[node], shape, tenant);
            }
        }
        else
        {
            for (var node = 0; node < _tallies.Length; node++)
            {
                room[quota.FlavorOf(node) is >= 0 and var flavor ? flavor : quota.Flavors.Length] += CountOn(_tallies[node], shape, tenant);
            }
        }

        _rooms.Add(key, room);
        return room;
    }

    /// <summary>Room on one node of the view.</summary>
    public int OnNode(int node, PodShape shape, TenantNode tenant)
    {
        Load();
        return CountOn(_tallies[node], shape, tenant);
    }

    /// <summary>What is left on a node, or null if it is left out.</summary>
    public NodeTally? Tally(int node)
    {
        Load();
        return _tallies[node];
    }

    /// <summary>Pods that fit what is left on a node, if it takes them at all.</summary>
    public int CountOn(NodeTally? tally, PodShape shape, TenantNode tenant)
    {
        var count = tally?.CountRoom(shape, OwnerFor(shape, tenant)) ?? 0;
        return count > 0 && NodeViews.Accepts(tally!.Node, shape, tenant, books.Policy) ? Math.Min(count, MostOnNode) : 0;
    }

    private static int OwnerFor(PodShape shape, TenantNode tenant) =>
        shape.Gpu.Kind == GpuRequestKind.Fraction ? PlanBooks.OwnerOf(tenant) : NodeTally.NoOwner;

    private void Load()
    {
        if (_isLoaded)
        {
            return;
        }

        _isLoaded = true;
        for (var node = 0; node < _tallies.Length; node++)
        {
            var tally = _tallies[node] = view(node);
            if (tally is not null && quota.FlavorOf(node) >= 0 && tally.HasFreeGpu)
            {
                _withGpu.Add(node);
            }
        }
    }
}
