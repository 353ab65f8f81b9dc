using Scheduler.Core.Model;
using Scheduler.Simulation.CapacityPlanning;
using Xunit;

namespace Scheduler.Simulation.Tests.CapacityPlanning;

public class KnobTests
{
    private static Knob Knob(string text)
    {
        var knob = KnobParser.Parse(text, out var error);
        Assert.Null(error);
        return knob!;
    }

    [Theory]
    [InlineData("nodes.h100=40..80:4", "nodes.h100", "40", "80", 11)]
    [InlineData("nodes.h100=4..6", "nodes.h100", "4", "6", 3)]
    [InlineData("guaranteed.search=8", "guaranteed.search", "8", "8", 1)]
    [InlineData("burst.search[NVIDIA-A100]=0..1:0.5", "burst.search[NVIDIA-A100]", "0", "1", 3)]
    [InlineData("burstFactor=0.5..2:0.5", "burstFactor", "0.5", "2", 4)]
    public void Knobs_of_every_form_are_read(string text, string name, string from, string to, int count)
    {
        var knob = Knob(text);

        Assert.Equal((name, from, to, count), (knob.Name, Format(knob.From), Format(knob.To), knob.Count));
    }

    private static string Format(decimal value) => Simulation.CapacityPlanning.Knob.Format(value);

    [Theory]
    [InlineData("nodes.h100", 11, "has no '='")]
    [InlineData("node.h100=4..8", 1, "did you mean 'nodes'?")]
    [InlineData("nodes=4..8", 6, "the node group is missing; write nodes.NAME=…")]
    [InlineData("burst.=4..8", 6, "the tenant is missing")]
    [InlineData("burstFactor.search=1", 12, "for one write burst.TENANT")]
    [InlineData("nodes.h100=0..8", 12, "'0' is not a whole number of nodes from 1 to 100000")]
    [InlineData("nodes.h100=4..8.5", 15, "'8.5' is not a whole number of nodes")]
    [InlineData("nodes.h100=4..8:0", 17, "'0' is not a step above 0")]
    [InlineData("nodes.h100=8..4", 12, "begins above its end; write 4..8")]
    [InlineData("nodes.h100=40..79:4", 16, "steps of 4 from 40 do not meet 79; end at 76 or 80")]
    [InlineData("nodes.h100=4:2", 13, "a step needs a range before it")]
    [InlineData("guaranteed.search[=4", 18, "a flavor stands in brackets")]
    [InlineData("guaranteed.search=0.0001", 19, "'0.0001' is not a number of GPUs")]
    public void A_mistake_has_its_place_and_a_remedy(string text, int column, string message)
    {
        Assert.Null(KnobParser.Parse(text, out var error));
        Assert.Equal(column, error!.Column);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nodes.h10=1..3", "there is no node group 'h10'; did you mean 'h100'?")]
    [InlineData("burst.serch=1..3", "there is no tenant 'serch'; did you mean 'search'?")]
    [InlineData("guaranteed.search[A100]=1", "tenant 'search' has no quota on 'A100'; it has *")]
    public void What_the_scenario_does_not_have_cannot_be_turned(string text, string message) =>
        Assert.Contains(message, Assert.Single(new SettingSpace(Sample.Scenario(), [Knob(text)]).Check()).Message, StringComparison.Ordinal);

    [Fact]
    public void A_knob_is_given_once() =>
        Assert.Contains("is turned twice", Assert.Single(new SettingSpace(Sample.Scenario(), [Knob("nodes.h100=1"), Knob("nodes.h100=2")]).Check()).Message, StringComparison.Ordinal);

    [Fact]
    public void A_group_does_not_shrink_below_a_node_for_which_a_fault_is_planned()
    {
        var scenario = Sample.Scenario("faults: {planned: [{at: 1h, node: h100-00002, for: 1h}]}");

        Assert.Empty(new SettingSpace(scenario, [Knob("nodes.h100=2..4")]).Check());
        Assert.Contains("begin at 2", Assert.Single(new SettingSpace(scenario, [Knob("nodes.h100=1..4")]).Check()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_come_by_their_GPUs_then_by_their_values_and_have_the_nodes_and_quotas_of_their_values()
    {
        var settings = new SettingSpace(Sample.Scenario(), [Knob("burst.search=0..8:8"), Knob("nodes.h100=1..3")]).All();

        Assert.Equal(["0 1 8", "8 1 8", "0 2 16", "8 2 16", "0 3 24", "8 3 24"], settings.Select(setting => $"{setting.Values[0]} {setting.Values[1]} {setting.Gpus}"));
        Assert.Equal(["h100-00001", "h100-00002", "h100-00003"], settings[^1].Nodes.Select(node => node.Name.Value));
        Assert.True(settings[^1].Tenants.TryGet(new TenantId("search"), out var search));
        Assert.Equal(8000, search.QuotaFor(FlavorId.Any)!.BurstMilliGpu);
    }

    [Fact]
    public void The_burst_factor_is_of_the_guarantee_that_is_tried_and_gives_way_to_a_burst_that_is()
    {
        var setting = Assert.Single(new SettingSpace(Sample.Scenario(), [Knob("burst.guests=1"), Knob("burstFactor=1.5"), Knob("guaranteed.search=6")]).All());

        Assert.Equal(["guests 0 1000", "search 6000 9000"], setting.Tenants.Nodes.Select(node =>
            $"{node.Id} {node.QuotaFor(FlavorId.Any)!.GuaranteedMilliGpu} {node.QuotaFor(FlavorId.Any)!.BurstMilliGpu}"));
    }

    [Fact]
    public void Guarantees_beyond_the_cluster_are_impossible()
    {
        var settings = new SettingSpace(Sample.Scenario(), [Knob("guaranteed.search=8..24:8")]).All();

        Assert.Equal([true, true, false], settings.Select(setting => setting.WhyImpossible is null));
        Assert.Contains("the guarantees add up to 24 GPUs, but the cluster has 16", settings[^1].WhyImpossible, StringComparison.Ordinal);
    }
}
