using Scheduler.Core.Model;
using Scheduler.Core.Scoring;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Scoring;

public class ShapeMixTests
{
    private const long Gpu = 1000 * ShapeMix.MicroPerMilli;
    private static readonly ResourceVector TenCores = new(10_000, 0);

    [Fact]
    public void Room_that_is_seldom_asked_for_is_nearly_all_waste()
    {
        var mix = MixOf((Make.Shape(fraction: 810), 5000), (Make.Shape(fraction: 160), 2));

        Assert.InRange(mix.Waste(190), 150 * ShapeMix.MicroPerMilli, 190 * ShapeMix.MicroPerMilli);
    }

    [Fact]
    public void Room_that_usual_pods_fill_one_after_the_other_is_hardly_wasted()
    {
        var mix = MixOf((Make.Shape(fraction: 320), 1000), (Make.Shape(fraction: 210), 1000));

        Assert.InRange(mix.Waste(530), 0, 80 * ShapeMix.MicroPerMilli);
    }

    [Fact]
    public void A_device_with_nothing_left_wastes_nothing()
    {
        Assert.Equal(0, MixOf().Waste(0));
    }

    [Fact]
    public void A_piece_below_every_request_is_waste_to_the_last_milli()
    {
        Assert.Equal(40 * ShapeMix.MicroPerMilli, MixOf((Make.Shape(fraction: 320), 10)).Waste(40));
    }

    [Fact]
    public void Neither_order_nor_grouping_of_the_list_matters()
    {
        (PodShape, long)[] shapes = [(Make.Shape(fraction: 470), 3), (Make.Shape(gpus: 2, milliCpu: 9000), 5), (Make.Shape(fraction: 160), 7)];
        var grouped = MixOf(shapes);
        var singly = MixOf([.. shapes.Reverse().SelectMany(pair => Enumerable.Repeat((pair.Item1, 1L), (int)pair.Item2))]);

        Assert.All(Enumerable.Range(0, 1001), free => Assert.Equal(grouped.Waste(free), singly.Waste(free)));
        Assert.Equal(grouped.Stranded(8000, new ResourceVector(7000, 1L << 34)), singly.Stranded(8000, new ResourceVector(7000, 1L << 34)));
    }

    [Fact]
    public void Idle_gpus_without_the_cpu_that_usual_pods_ask_for_are_stranded()
    {
        var mix = ShapeMix.Of([(Make.Shape(gpus: 1, milliCpu: 10_000, memoryGiB: 0), 50)], TenCores);

        Assert.Equal(2 * Gpu, mix.Stranded(4000, new ResourceVector(20_000, 0)));
        Assert.Equal(0, mix.Stranded(4000, new ResourceVector(40_000, 0)));
    }

    [Fact]
    public void Idle_gpus_without_the_memory_that_usual_pods_ask_for_are_stranded()
    {
        var mix = ShapeMix.Of([(Make.Shape(gpus: 1, milliCpu: 0, memoryGiB: 100), 50)], new ResourceVector(0, 100L << 30));

        Assert.InRange(mix.Stranded(4000, new ResourceVector(0, 100L << 30)), (3 * Gpu) - ShapeMix.MicroPerMilli, (3 * Gpu) + ShapeMix.MicroPerMilli);
    }

    [Fact]
    public void Beside_an_over_committed_node_all_that_is_idle_is_stranded()
    {
        var mix = ShapeMix.Of([], TenCores);

        Assert.Equal(3 * Gpu, mix.Stranded(3000, new ResourceVector(-5000, 0)));
    }

    [Fact]
    public void Nothing_is_stranded_where_nothing_is_known_to_go_with_gpus()
    {
        Assert.Equal(0, MixOf().Stranded(8000, ResourceVector.Zero));
    }

    [Fact]
    public void A_cluster_without_pods_expects_what_its_nodes_were_built_for()
    {
        var snapshot = new ClusterSnapshotBuilder { Now = Make.Now }
            .Add(Make.Nodes(2)).Add(Make.Node("cpu-only", gpus: 0, milliCpu: 500_000)).With(Make.Tree(Make.Tenant("a", 8))).Build();
        var mix = snapshot.Mix;

        Assert.Equal(0, mix.Stranded(8000, new ResourceVector(64_000, 512L << 30)));
        Assert.Equal(4 * Gpu, mix.Stranded(8000, new ResourceVector(32_000, 512L << 30)));
    }

    [Fact]
    public void Equal_mixes_are_equal_and_others_are_not()
    {
        Assert.Equal(MixOf((Make.Shape(fraction: 470), 10)), MixOf((Make.Shape(fraction: 470), 4), (Make.Shape(fraction: 470), 6)));
        Assert.NotEqual(MixOf((Make.Shape(fraction: 470), 10)), MixOf((Make.Shape(fraction: 470), 11)));
    }

    [Fact]
    public void Pods_without_gpus_and_mig_instances_take_no_part()
    {
        var gpuPods = MixOf((Make.Shape(fraction: 470), 10));
        var all = MixOf(
            (Make.Shape(fraction: 470), 10), (Make.Shape(milliCpu: 90_000), 1000), (Make.Shape(mig: ("1g.5gb", 2), milliCpu: 90_000), 1000));

        Assert.Equal(gpuPods.Waste(530), all.Waste(530));
        Assert.Equal(gpuPods.Stranded(8000, new ResourceVector(100, 1)), all.Stranded(8000, new ResourceVector(100, 1)));
    }

    [Fact]
    public void Absurd_counts_and_amounts_are_held_to_what_can_be_summed()
    {
        var absurd = Make.Shape(gpus: 1024, milliCpu: long.MaxValue / 4, memoryGiB: 1L << 30);
        var mix = MixOf([.. Enumerable.Repeat((absurd, long.MaxValue), 1000)]);

        Assert.InRange(mix.Waste(190), 0, 190 * ShapeMix.MicroPerMilli);
        Assert.InRange(mix.Stranded(8000, new ResourceVector(64_000, 1L << 40)), 0, 8 * Gpu);
    }

    private static ShapeMix MixOf(params (PodShape, long)[] shapes) => ShapeMix.Of(shapes, ResourceVector.Zero);
}
