using Scheduler.Core.Model;
using Scheduler.Simulation.Schedulers.Baselines.Placements;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Simulation.Tests.Schedulers;

/// <summary>Scores worked out by hand from the table in the paper's terms; nodes of 8 GPUs.</summary>
public sealed class PlacementTests
{
    private readonly PlacementCluster _cluster = new([Make.Node("a"), Make.Node("b")]);

    [Fact]
    public void Packing_prefers_gpus_in_use_then_nodes_in_use_then_idle_nodes()
    {
        var half = Number(GpuRequest.Fraction(500));
        var quarter = Number(GpuRequest.Fraction(250));
        var two = Number(GpuRequest.Whole(2));
        _cluster.Take(0, half, [0]);
        var packing = new GpuPackingPlacement(_cluster);

        Assert.Equal((95, 25), (packing.Score(0, quarter), packing.Score(1, quarter)));
        Assert.Equal((48, 25), (packing.Score(0, two), packing.Score(1, two)));
    }

    [Fact]
    public void Clustering_keeps_a_kind_together()
    {
        var half = Number(GpuRequest.Fraction(500));
        var two = Number(GpuRequest.Whole(2));
        _cluster.Take(0, two, [0, 1]);
        var clustering = new GpuClusteringPlacement(_cluster);

        // Two of eight GPUs in use are 25 · 2/8, rounded down.
        Assert.Equal((75 + 6, 25), (clustering.Score(0, two), clustering.Score(1, two)));
        Assert.Equal((6, 25), (clustering.Score(0, half), clustering.Score(1, half)));
        _cluster.Take(0, half, [2]);
        Assert.Equal(50 + 7, clustering.Score(0, two));
    }

    [Fact]
    public void Best_fit_takes_the_fuller_node_and_ties_go_to_the_first_name()
    {
        var two = Number(GpuRequest.Whole(2));
        var fit = new BestFitPlacement(_cluster);
        var board = new ScoreBoard(fit);

        Assert.Equal(0, fit.Choose(board.For(two)));
        _cluster.Take(1, two, [0, 1]);
        board.Changed(1);
        Assert.Equal(1, fit.Choose(board.For(two)));
    }

    [Fact]
    public void Gradient_descent_fills_a_gap_that_no_typical_pod_can_use()
    {
        // Typical pods take whole GPUs, so half a GPU that is left is unusable: a second half belongs there.
        var half = Number(GpuRequest.Fraction(500));
        var whole = Shape(GpuRequest.Whole(1));
        _cluster.Take(1, half, [3]);
        var descent = new GradientDescentPlacement(_cluster, [(whole, 10)]);
        var board = new ScoreBoard(descent);

        Assert.Equal(1, descent.Choose(board.For(half)));
        Assert.Equal([3], descent.Devices(1, half));
    }

    [Fact]
    public void A_random_placement_takes_only_what_fits()
    {
        var eight = Number(GpuRequest.Whole(8));
        _cluster.Take(0, Number(GpuRequest.Fraction(100)), [5]);
        var random = new RandomPlacement(_cluster, new Random(1));
        var board = new ScoreBoard(random);

        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal(1, random.Choose(board.For(eight))));
        _cluster.Take(1, eight, [0, 1, 2, 3, 4, 5, 6, 7]);
        board.Changed(1);
        Assert.Equal(-1, random.Choose(board.For(eight)));
    }

    private int Number(GpuRequest gpu) => _cluster.NumberOf(Shape(gpu));

    private static PodShape Shape(GpuRequest gpu) => PodShape.Create(new ResourceVector(1000, 1L << 30), gpu);
}
