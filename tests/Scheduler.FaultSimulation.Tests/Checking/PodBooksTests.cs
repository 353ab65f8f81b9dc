using System.Text.Json.Nodes;
using Scheduler.FaultSimulation.Checking;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.FaultSimulation.Tests.Checking;

public class PodBooksTests
{
    private readonly List<string> _found = [];
    private readonly HashSet<string> _gone = [];
    private readonly PodBooks _books;

    public PodBooksTests() => _books = new PodBooks(
        new Dictionary<string, int> { ["n1"] = 4, ["n2"] = 4, ["n3"] = 4 }, node => !_gone.Contains(node), (rule, what) => _found.Add($"{rule}: {what}"));

    [Fact]
    public void What_has_devices_of_its_own_is_right()
    {
        Store(Pod("a", "n1", "0,1"));
        Store(Pod("b", "n1", "2,3"));

        Assert.Empty(_found);
        Assert.Equal(4, _books.UsedBy("search"));
    }

    [Fact]
    public void A_device_that_is_given_twice_is_found()
    {
        Store(Pod("a", "n1", "0,1"));
        Store(Pod("b", "n1", "1,2"));

        Assert.Equal(["W1: device 1 of n1 is given to search/a and to search/b"], _found);
    }

    [Fact]
    public void A_device_that_the_node_never_had_is_found()
    {
        Store(Pod("a", "n1", "4"));

        Assert.Equal(["W1: pod search/a names device 4 of n1, which has 4"], _found);
    }

    [Fact]
    public void A_device_is_free_once_its_pod_has_ended_or_is_gone()
    {
        Store(Pod("a", "n1", "0"));
        Store(Pod("a", "n1", "0", phase: "Succeeded"));
        Store(Pod("b", "n1", "0"));
        Store(Pod("b", "n1", "0"), isGone: true);
        Store(Pod("c", "n1", "0"));

        Assert.Empty(_found);
    }

    [Fact]
    public void A_pod_that_is_bound_twice_is_found()
    {
        Store(Pod("a", "n1", "0"));
        Store(Pod("a", "n2", "0"));

        Assert.StartsWith("bound twice: pod search/a was on n1", Assert.Single(_found), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tenant_above_its_limit_is_found()
    {
        Store(Pod("a", "n1", "0,1,2,3"));
        Store(Pod("b", "n2", "0,1,2,3"));
        Store(Pod("c", "n3", "0"));

        Assert.Equal(["W2: with pod search/c tenant search uses 9 GPUs, and its limit is 8"], _found);
    }

    [Fact]
    public void What_is_bound_to_a_node_that_is_gone_uses_nothing()
    {
        Store(Pod("a", "n1", "0,1,2,3"));
        _gone.Add("n1");

        Assert.Equal(0, _books.UsedBy("search"));
    }

    private void Store(JsonObject pod, bool isGone = false) => _books.Apply(new PreparedObject(pod, []).AtVersion(1), isGone);

    private static JsonObject Pod(string name, string node, string devices, string phase = "Running") => new()
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = "search",
            ["uid"] = name,
            ["annotations"] = new JsonObject { ["weir.scheduler/gpu-devices"] = devices },
        },
        ["spec"] = new JsonObject
        {
            ["nodeName"] = node,
            ["containers"] = new JsonArray(new JsonObject
            {
                ["name"] = "main",
                ["resources"] = new JsonObject { ["limits"] = new JsonObject { ["nvidia.com/gpu"] = $"{devices.Split(',').Length}" } },
            }),
        },
        ["status"] = new JsonObject { ["phase"] = phase },
    };
}
