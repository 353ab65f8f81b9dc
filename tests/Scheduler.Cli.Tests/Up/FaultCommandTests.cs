using Scheduler.Cli.Up;
using Scheduler.Cli.Workloads;
using Scheduler.SimulatedCluster;

namespace Scheduler.Cli.Tests.Up;

public class FaultCommandTests
{
    [Theory]
    [InlineData("xid n1 3 79", "xid", 3, 79)]
    [InlineData("hot n1 3", "hot", 3, 95)]
    [InlineData("hot n1 3 101", "hot", 3, 101)]
    [InlineData("remap n1 0", "remap", 0, 0)]
    [InlineData("heal n1 0", "heal", 0, 0)]
    [InlineData("silent n1", "silent", null, 0)]
    [InlineData("reject n1", "reject", null, 0)]
    [InlineData("  heal   n1 ", "heal", null, 0)]
    public void Commands_are_read(string text, string kind, int? device, int number) =>
        Assert.Equal((new FaultCommand(TimeSpan.Zero, kind, "n1", device, number), null), FaultCommand.Parse(text, isTimed: false));

    [Theory]
    [InlineData("")]
    [InlineData("xid n1 3")]
    [InlineData("xid n1 3 0")]
    [InlineData("xid n1 x 79")]
    [InlineData("xid n1 -1 79")]
    [InlineData("silent n1 3")]
    [InlineData("melt n1 3")]
    [InlineData("heal n1 3 4")]
    public void Others_are_refused_with_the_forms_that_there_are(string text)
    {
        var (command, mistake) = FaultCommand.Parse(text, isTimed: false);
        Assert.Null(command);
        Assert.Contains("xid NODE GPU CODE", mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_an_option_begins_with_a_time()
    {
        Assert.Equal(new FaultCommand(TimeSpan.FromSeconds(20), "silent", "n1", null, 0), FaultCommand.Parse("20s silent n1", isTimed: true).Command);
        Assert.Contains("time such as 20s", FaultCommand.Parse("silent n1", isTimed: true).Mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_or_a_GPU_that_is_not_there_is_named()
    {
        var nodes = new NodeList([new SimulatedNode { Name = "n1", Gpus = 4 }]);
        Assert.Null(Command("remap n1 3").MistakeOn(nodes));
        Assert.Contains("no GPU 4", Command("remap n1 4").MistakeOn(nodes), StringComparison.Ordinal);
        Assert.Contains("no node 'n2'", Command("silent n2").MistakeOn(nodes), StringComparison.Ordinal);
    }

    private static FaultCommand Command(string text) => FaultCommand.Parse(text, isTimed: false).Command!;
}
