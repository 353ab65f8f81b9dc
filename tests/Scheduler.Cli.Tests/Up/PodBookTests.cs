using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Cli.Up;

namespace Scheduler.Cli.Tests.Up;

public sealed class PodBookTests
{
    private readonly PodBook _book = new();

    public PodBookTests() => _book.SetNode("n1", [new("cpu", 4000), new("memory", 1000), new("nvidia.com/gpu", 2000)]);

    private static ObservedPod Fraction(string name, long milli, int device, string phase = "Running") => new()
    {
        Uid = name,
        Namespace = "ns",
        Name = name,
        Node = "n1",
        Phase = phase,
        MilliPerDevice = milli,
        Devices = [device],
        Requests = ImmutableDictionary<string, long>.Empty.Add("nvidia.com/gpu", milli),
    };

    [Fact]
    public void Fractions_that_fill_a_device_are_right()
    {
        _book.Set(Fraction("a", 500, 0));
        _book.Set(Fraction("b", 500, 0));
        Assert.Equal((0, 0, 1000), _book.Audit);
    }

    [Fact]
    public void A_device_beyond_1000_counts_once_and_for_good()
    {
        _book.Set(Fraction("a", 600, 0));
        _book.Set(Fraction("b", 600, 0));
        _book.Set(Fraction("c", 600, 0));
        _book.Remove("b");
        _book.Set(Fraction("c", 600, 0, phase: "Succeeded"));
        Assert.Equal((1, 0, 600), _book.Audit);
    }

    [Fact]
    public void A_pod_that_ended_gives_its_device_back()
    {
        _book.Set(Fraction("a", 1000, 0));
        _book.Set(Fraction("a", 1000, 0, phase: "Succeeded"));
        _book.Set(Fraction("b", 1000, 0));
        Assert.Equal((0, 0, 1000), _book.Audit);
    }

    [Fact]
    public void A_device_that_the_node_does_not_have_is_over_committed()
    {
        _book.Set(Fraction("a", 100, 2));
        Assert.Equal(1, _book.Audit.Devices);
    }

    [Fact]
    public void A_node_with_more_GPUs_handed_out_than_it_has_counts_even_without_device_numbers()
    {
        foreach (var name in new[] { "a", "b", "c" })
        {
            _book.Set(Fraction(name, 1000, 0) with { Devices = [] });
        }

        Assert.Equal((0, 1, 3000), _book.Audit);
    }

    [Fact]
    public void The_steps_of_a_pod_are_told_once()
    {
        var pending = Fraction("a", 1000, 0, "Pending") with { Node = null, Devices = [] };
        Assert.Equal([PodEventKind.Created], _book.Set(pending).Select(happened => happened.Kind));
        Assert.Equal([PodEventKind.Bound], _book.Set(Fraction("a", 1000, 0, "Pending")).Select(happened => happened.Kind));
        Assert.Empty(_book.Set(Fraction("a", 1000, 0)));
        Assert.Equal([PodEventKind.Finished], _book.Set(Fraction("a", 1000, 0, "Succeeded")).Select(happened => happened.Kind));
        Assert.Equal(new PodCounts(Seen: 1, Bound: 1, Running: 0, Pending: 0, Succeeded: 1, Failed: 0, Evicted: 0), _book.Counts);
    }

    [Fact]
    public void A_new_list_drops_what_is_gone_meanwhile()
    {
        _book.Set(Fraction("a", 1000, 0));
        _book.Replace([Fraction("b", 1000, 0)]);
        Assert.Equal((0, 0, 1000), _book.Audit);
        Assert.Equal(1, _book.Counts.Running);
        Assert.Equal(2, _book.Counts.Seen);
    }

    [Fact]
    public void A_new_list_in_which_the_next_holder_of_a_device_comes_before_the_one_that_ended_is_no_overcommitment()
    {
        _book.Set(Fraction("z", 1000, 0));
        _book.Set(Fraction("y", 1000, 1));
        _book.Replace([Fraction("a", 1000, 0), Fraction("b", 1000, 1), Fraction("y", 1000, 1, "Failed"), Fraction("z", 1000, 0, "Succeeded")]);
        Assert.Equal((0, 0, 2000), _book.Audit);
    }

    [Fact]
    public void A_new_list_that_gives_a_device_twice_counts()
    {
        _book.Set(Fraction("a", 1000, 0));
        _book.Replace([Fraction("a", 1000, 0), Fraction("b", 1000, 0)]);
        Assert.Equal((1, 0, 2000), _book.Audit);
    }

    [Fact]
    public void A_pod_of_the_API_is_read()
    {
        using var json = JsonDocument.Parse("""
            {"metadata": {"uid": "u", "namespace": "ns", "name": "p", "annotations": {"weir.scheduler/gpu-devices": "0,3"}},
             "spec": {"nodeName": "n1", "containers": [{"resources": {"requests": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": "2"}}}, {}]},
             "status": {"phase": "Running"}}
            """);

        var pod = ObservedPod.Of(json.RootElement);

        Assert.Equal([0, 3], pod.Devices);
        Assert.Equal(1000, pod.MilliPerDevice);
        Assert.Equal(500, pod.Requests["cpu"]);
        Assert.Equal(1L << 30, pod.Requests["memory"]);
        Assert.Equal(2000, pod.Requests["nvidia.com/gpu"]);
        Assert.True(pod.HoldsRoom);
    }

    [Theory]
    [InlineData(new int[0], "")]
    [InlineData(new[] { 4 }, "4")]
    [InlineData(new[] { 0, 1, 2, 3 }, "0-3")]
    [InlineData(new[] { 0, 2, 3, 7 }, "0,2-3,7")]
    public void Neighbouring_devices_are_joined(int[] devices, string expected) => Assert.Equal(expected, Narrator.Ranges([.. devices]));
}
