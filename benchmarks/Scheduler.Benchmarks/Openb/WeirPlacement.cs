using System.Diagnostics;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Scoring;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Benchmarks.Openb;

/// <summary>
/// Weir itself: its filters, node planes, device allocator and node scores with the default policy. The mix is that of the
/// pod list, as FGD's typical pods are, or learned from the pods that have arrived.
/// </summary>
internal sealed class WeirPlacement : NodePlacement
{
    /// <summary>Arrivals between two mixes; a planner makes one each cycle.</summary>
    private const int LearnsEvery = 50;

    private readonly List<long>? _arrivedOfShape;
    private readonly ResourceVector _besideGpu;
    private readonly FragmentationScorer _fragmentation;
    private NodeScorers _scorers;
    private int _arrived;

    /// <summary>A mix of these pods that stays.</summary>
    public WeirPlacement(PlacementCluster cluster, IEnumerable<PodShape> pods)
        : base(cluster)
    {
        _besideGpu = ShapeMix.AverageBesideGpu(cluster.Nodes.Select(plane => plane.Node));
        _scorers = Scorers(pods.Select(shape => (shape, 1L)));
        _fragmentation = new FragmentationScorer(ShapeMix.Of(pods.Select(shape => (shape, 1L)), _besideGpu));
    }

    /// <summary>A mix that is learned.</summary>
    public WeirPlacement(PlacementCluster cluster)
        : this(cluster, [])
    {
        _arrivedOfShape = [];
    }

    public override bool Arrive(int shape)
    {
        if (_arrivedOfShape is null)
        {
            return false;
        }

        while (_arrivedOfShape.Count <= shape)
        {
            _arrivedOfShape.Add(0);
        }

        _arrivedOfShape[shape]++;
        if (++_arrived % LearnsEvery != 0)
        {
            return false;
        }

        _scorers = Scorers(_arrivedOfShape.Select((count, number) => (Cluster.Shape(number), count)));
        return true;
    }

    /// <summary>
    /// GPU that starting a shape on a node on which it fits leaves unusable, by the fragmentation score; negative where it makes
    /// use of what was unusable before. In milli-GPU.
    /// </summary>
    public double LeftUnusableMilliGpu(int node, int shape)
    {
        // The score bends the gain by gain / (|gain| + 1 GPU); this bends it back.
        const double half = INodeScorer.Max / 2;
        var bent = (_fragmentation.Score(Cluster.Nodes[node], Cluster.Request(shape)) - half) / half;
        return -bent / (1 - Math.Abs(bent)) * GpuRequest.MilliPerDevice;
    }

    protected override long ScoreOf(int node, int shape) => _scorers.Score(Cluster.Nodes[node], Cluster.Request(shape));

    private NodeScorers Scorers(IEnumerable<(PodShape Shape, long Count)> known) =>
        new(SchedulingPolicy.Default.Scores, ShapeMix.Of(known, _besideGpu));

    /// <summary>Nanoseconds for one fragmentation score, the best of some rounds over all nodes in mid-run.</summary>
    public static (double Fraction, double Whole) MeasureScore(OpenbTrace trace)
    {
        var cluster = new PlacementCluster(trace.Nodes);
        OpenbExperiment.Run(trace.CapacityMilliGpu, trace.Arrivals(trace.Seeds.First())[..5000], new WeirPlacement(cluster, trace.Rows));
        var scorer = new FragmentationScorer(ShapeMix.Of(
            trace.Rows.Select(shape => (shape, 1L)), ShapeMix.AverageBesideGpu(trace.Nodes)));
        return (BestOf(GpuRequestKind.Fraction), BestOf(GpuRequestKind.Whole));

        double BestOf(GpuRequestKind kind)
        {
            var request = cluster.Request(cluster.NumberOf(trace.Rows.First(shape => shape.Gpu.Kind == kind)));
            var best = double.MaxValue;
            for (var round = 0; round < 500; round++)
            {
                var clock = Stopwatch.StartNew();
                foreach (var node in cluster.Nodes)
                {
                    scorer.Score(node, request);
                }

                best = Math.Min(best, clock.Elapsed.TotalNanoseconds / cluster.Nodes.Length);
            }

            return best;
        }
    }
}
