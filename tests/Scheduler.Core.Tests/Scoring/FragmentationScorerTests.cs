using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Scoring;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Scoring;

public class FragmentationScorerTests
{
    private static readonly ResourceVector EightCores = new(8000, 64L << 30);

    [Fact]
    public void Without_any_history_a_fraction_goes_where_it_fills_a_device()
    {
        Prefers(Knows(), Make.Shape(fraction: 500), over: Plane("idle"), better: Plane("half", taken: [(500, 0)]));
    }

    [Fact]
    public void A_small_fraction_fills_a_gap_that_nothing_else_fits_rather_than_one_in_demand()
    {
        var mix = Knows((Make.Shape(fraction: 350), 900), (Make.Shape(fraction: 160), 20), (Make.Shape(fraction: 810), 900));

        Prefers(
            mix, Make.Shape(fraction: 160), over: Plane("in-demand", taken: [(650, 0)]), better: Plane("useless-else", taken: [(810, 0)]));
    }

    [Fact]
    public void A_fraction_avoids_leaving_a_piece_that_nobody_asks_for()
    {
        var mix = Knows((Make.Shape(fraction: 300), 1000), (Make.Shape(fraction: 400), 1000));

        Prefers(mix, Make.Shape(fraction: 300), over: Plane("leaves-200", taken: [(500, 0)]), better: Plane("leaves-400", taken: [(300, 0)]));
    }

    [Fact]
    public void A_pod_with_little_cpu_takes_the_gpu_that_has_little_left_beside_it()
    {
        Prefers(
            Knows((Make.Shape(gpus: 1, milliCpu: 8000), 100)), Make.Shape(gpus: 1, milliCpu: 1000),
            over: Plane("rich", milliCpu: 64_000), better: Plane("poor", milliCpu: 12_000));
    }

    [Fact]
    public void A_pod_with_much_cpu_takes_it_where_there_is_more_than_the_gpus_need()
    {
        Prefers(
            Knows((Make.Shape(gpus: 1, milliCpu: 8000), 100)), Make.Shape(gpus: 1, milliCpu: 24_000),
            over: Plane("balanced", milliCpu: 64_000), better: Plane("rich", milliCpu: 128_000));
    }

    [Fact]
    public void A_pod_without_gpus_goes_to_a_node_without_gpus()
    {
        Prefers(Knows(), Make.Shape(milliCpu: 4000), over: Plane("gpus"), better: Plane("none", gpus: 0));
    }

    [Fact]
    public void A_pod_without_gpus_stays_off_a_node_where_it_would_strand_some()
    {
        Prefers(
            Knows(), Make.Shape(milliCpu: 16_000),
            over: Plane("balanced", milliCpu: 64_000), better: Plane("rich", milliCpu: 96_000));
    }

    [Fact]
    public void A_pod_without_gpus_that_strands_nothing_goes_beside_gpus_in_use()
    {
        var used = Plane("used", milliCpu: 128_000);
        used.Occupy(Make.Shape(gpus: 6), [0, 1, 2, 3, 4, 5], NodePlane.NoOwner, 1);

        Prefers(Knows(), Make.Shape(milliCpu: 1000), over: Plane("idle", milliCpu: 128_000), better: used);
    }

    [Fact]
    public void Mig_instances_are_used_up_on_one_node_before_another_is_opened()
    {
        var begun = Plane("begun", gpus: 0, mig: ("1g.5gb", 7));
        begun.Occupy(Make.Shape(mig: ("1g.5gb", 3)), [], NodePlane.NoOwner, 1);

        Prefers(Knows(), Make.Shape(mig: ("1g.5gb", 1)), over: Plane("idle", gpus: 0, mig: ("1g.5gb", 7)), better: begun);
    }

    [Fact]
    public void A_quarantined_device_is_no_room_to_lose()
    {
        var mix = Knows((Make.Shape(gpus: 1, milliCpu: 8000), 100));
        var sick = new NodePlane(Make.Node("sick", gpus: 2, milliCpu: 16_000, quarantined: [1]));

        Prefers(mix, Make.Shape(milliCpu: 8000), over: Plane("healthy", gpus: 2, milliCpu: 16_000), better: sick);
    }

    [Fact]
    public void Packing_does_not_outweigh_gpus_that_would_be_stranded()
    {
        // The first is nearly full after the pod, which packing likes; but then its GPUs have no CPU.
        var scorers = new NodeScorers(SchedulingPolicy.Default.Scores, Knows());
        var request = RequestFor(Make.Shape(milliCpu: 14_000, memoryGiB: 100));

        Assert.True(
            scorers.Score(Plane("roomy", gpus: 2, milliCpu: 128_000), request)
            > scorers.Score(Plane("tight", gpus: 2, milliCpu: 16_000), request));
    }

    [Fact]
    public void Among_equals_packing_decides()
    {
        var scorers = new NodeScorers(SchedulingPolicy.Default.Scores, Knows((Make.Shape(gpus: 1, milliCpu: 100), 10_000)));
        var used = Plane("used");
        used.Occupy(Make.Shape(gpus: 2, milliCpu: 8000), [0, 1], NodePlane.NoOwner, 1);

        var request = RequestFor(Make.Shape(gpus: 1, milliCpu: 100));
        Assert.True(scorers.Score(used, request) > scorers.Score(Plane("idle"), request));
    }

    [Theory]
    [InlineData(0, 0, 1_000_000_000)]
    [InlineData(1024, 0, 1)]
    [InlineData(8, 0, 0)]
    [InlineData(0, 999, 500)]
    public void The_score_stays_in_its_range_whatever_is_asked_for(int gpus, int fraction, long milliCpu)
    {
        var scorer = new FragmentationScorer(Knows());
        foreach (var plane in new[] { Plane("big", gpus: 1024, milliCpu: 8_000_000), Plane("small", gpus: 1, milliCpu: 1), Plane("none", gpus: 0) })
        {
            Assert.InRange(scorer.Score(plane, RequestFor(Make.Shape(gpus, fraction, milliCpu: milliCpu))), 0, INodeScorer.Max);
        }
    }

    [Fact]
    public void A_score_allocates_nothing()
    {
        var scorer = new FragmentationScorer(Knows());
        var plane = Plane("node", taken: [(500, 0)]);
        var request = RequestFor(Make.Shape(fraction: 250));
        var sum = scorer.Score(plane, request);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++)
        {
            sum += scorer.Score(plane, request);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.NotEqual(0, sum);
    }

    private static void Prefers(ShapeMix mix, PodShape shape, NodePlane over, NodePlane better)
    {
        var scorer = new FragmentationScorer(mix);
        var request = RequestFor(shape);
        Assert.True(
            scorer.Score(better, request) > scorer.Score(over, request),
            $"{better.Node.Name.Value}: {scorer.Score(better, request)}, {over.Node.Name.Value}: {scorer.Score(over, request)}");
    }

    private static ShapeMix Knows(params (PodShape, long)[] shapes) => ShapeMix.Of(shapes, EightCores);

    private static NodePlane Plane(
        string name, int gpus = 8, long milliCpu = 64_000, (int Milli, int Device)[]? taken = null, (string, int)? mig = null)
    {
        var plane = new NodePlane(Make.Node(name, gpus, milliCpu: milliCpu, mig: mig is { } capacity ? [capacity] : null));
        foreach (var (milli, device) in taken ?? [])
        {
            plane.Occupy(Make.Shape(fraction: milli, milliCpu: 0, memoryGiB: 0), [device], NodePlane.SharedOwner, 1);
        }

        return plane;
    }

    private static PlacementRequest RequestFor(PodShape shape) => new(
        shape, Node.NoLabels, shape.Gpu.Kind == GpuRequestKind.Fraction ? NodePlane.SharedOwner : NodePlane.NoOwner);
}
