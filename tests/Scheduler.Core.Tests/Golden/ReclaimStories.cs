using Scheduler.Core.Model;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Golden;

/// <summary>Stories about capacity that is taken back.</summary>
public class ReclaimStories
{
    private static readonly PodShape OneGpu = Make.Shape(gpus: 1);
    private static readonly PodShape TwoGpus = Make.Shape(gpus: 2);
    private static readonly PodShape FourGpus = Make.Shape(gpus: 4);
    private static readonly TimeSpan TwoMinutes = TimeSpan.FromMinutes(2);

    [Fact]
    public void A_guarantee_is_taken_back_with_grace() => new GoldenStory(
        "A_guarantee_is_taken_back_with_grace",
        """
        Search and vision are guaranteed four GPUs each. While search is idle, vision runs two jobs on all eight: one inside
        its guarantee, one borrowed. When search claims its four, the borrowed job gets a notice and two minutes to save its
        work. The room is kept meanwhile: nobody else gets it. Then search starts, and vision waits for idle capacity.
        """,
        new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("search", 4), Make.Tenant("vision", 4)),
            [
                Make.Waiting("first", "vision", FourGpus, submittedMinutesAgo: 60).RunningOn("h100-000") with { PreemptionGrace = TwoMinutes },
                Make.Waiting("second", "vision", FourGpus, submittedMinutesAgo: 30).RunningOn("h100-000", 4) with { PreemptionGrace = TwoMinutes },
            ]))
        .Submit(Make.Waiting("claim", "search", FourGpus)).Cycle()
        .Note("One minute later").Pass(TimeSpan.FromMinutes(1)).Cycle()
        .Note("The grace is over").Pass(TimeSpan.FromMinutes(1)).Cycle()
        .Check();

    [Fact]
    public void Training_goes_before_inference() => new GoldenStory(
        "Training_goes_before_inference",
        """
        Vision has borrowed eight GPUs: four for inference, which has a high priority class, four for training, which has a
        low one. Inference could go at a lower price, for it has just started. Training goes all the same: a higher class is
        touched only if the lower ones are not enough.
        """,
        new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("search", 4), Make.Tenant("vision", 0, burst: 8)),
            [
                Make.Waiting("inference", "vision", FourGpus, priority: 10_000, submittedMinutesAgo: 1).RunningOn("h100-000"),
                Make.Waiting("training", "vision", FourGpus, priority: 1_000, submittedMinutesAgo: 600).RunningOn("h100-000", 4),
            ]))
        .Submit(Make.Waiting("claim", "search", FourGpus)).Cycle().Check();

    [Fact]
    public void A_checkpoint_lowers_the_price() => new GoldenStory(
        "A_checkpoint_lowers_the_price",
        """
        Two borrowed jobs of one class. The first has run for ten hours and saved its work a minute ago; the second has run for
        half an hour and never saved. Less is lost by stopping the first: the GPU time since its checkpoint, and what it takes
        to start again.
        """,
        new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("search", 4), Make.Tenant("vision", 0, burst: 8)),
            [
                Make.Waiting("saved", "vision", FourGpus, submittedMinutesAgo: 600).RunningOn("h100-000") with { CheckpointedAt = Make.Now.AddMinutes(-1) },
                Make.Waiting("unsaved", "vision", FourGpus, submittedMinutesAgo: 30).RunningOn("h100-000", 4),
            ]))
        .Submit(Make.Waiting("claim", "search", FourGpus)).Cycle().Check();

    [Fact]
    public void An_elastic_gang_shrinks_first() => new GoldenStory(
        "An_elastic_gang_shrinks_first",
        """
        An elastic gang runs with four pods of two GPUs, and can go on with two. It gives the other two back before any
        workload has to stop. Later it grows again, when there is room.
        """,
        new LivingCluster(
            Make.Nodes(2, gpus: 4),
            Make.Tree(Make.Tenant("search", 4), Make.Tenant("vision", 0, burst: 8)),
            [
                Make.Waiting("elastic", "vision", TwoGpus, pods: 2, minMember: 1, submittedMinutesAgo: 600).RunningOn("h100-000"),
                Make.Waiting("rigid", "vision", TwoGpus, pods: 2, submittedMinutesAgo: 600).RunningOn("h100-001"),
            ]))
        .Submit(Make.Waiting("claim", "search", TwoGpus) with { ExpectedDuration = TimeSpan.FromMinutes(10) }).Cycle()
        .Pass(TimeSpan.Zero).Cycle()
        .Note("The claim has ended").Pass(TimeSpan.FromMinutes(10)).Cycle()
        .Check();

    [Fact]
    public void The_minimum_runtime_protects_but_not_from_a_guarantee() => new GoldenStory(
        "The_minimum_runtime_protects_but_not_from_a_guarantee",
        """
        A young job is inside the minimum runtime that it asked for, an old one is not. The first claim takes the old one, though
        the young one would cost less. The second claim can be served by the young one only: a guarantee is a guarantee.
        """,
        new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("search", 8), Make.Tenant("vision", 0, burst: 8)),
            [
                Make.Waiting("old", "vision", FourGpus, submittedMinutesAgo: 600).RunningOn("h100-000"),
                Make.Waiting("young", "vision", FourGpus, submittedMinutesAgo: 5).RunningOn("h100-000", 4) with { MinRuntime = TimeSpan.FromHours(1) },
            ]))
        .Submit(Make.Waiting("claim-1", "search", FourGpus)).Cycle()
        .Pass(TimeSpan.Zero).Submit(Make.Waiting("claim-2", "search", FourGpus)).Cycle()
        .Check();

    [Fact]
    public void Borrowers_come_to_fair_shares() => new GoldenStory(
        "Borrowers_come_to_fair_shares",
        """
        Neither team has a guarantee; both may borrow all eight GPUs, and their weights are equal. One came first and took
        everything. When the other comes, it gets what it is entitled to, half, and no more: nobody is taken below the own
        share, and then it is quiet.
        """,
        new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("search", 0, burst: 8), Make.Tenant("vision", 0, burst: 8)),
            [.. Enumerable.Range(0, 4).Select(index => Make.Waiting($"v{index}", "vision", TwoGpus, submittedMinutesAgo: 60 - index).RunningOn("h100-000", 2 * index))]))
        .Submit(Make.Waiting("s0", "search", TwoGpus)).Submit(Make.Waiting("s1", "search", TwoGpus)).Submit(Make.Waiting("s2", "search", TwoGpus)).Cycle()
        .Pass(TimeSpan.Zero).Cycle()
        .Pass(TimeSpan.FromMinutes(1)).Cycle()
        .Check();

    [Fact]
    public void Failed_nodes_scale_guarantees_down()
    {
        var story = new GoldenStory(
            "Failed_nodes_scale_guarantees_down",
            """
            Two teams are guaranteed eight GPUs each, on two nodes of eight. One node fails, and with it everything that ran
            there. What is left is shared out in proportion: four each, for as long as that lasts. So what the other team has
            above four is borrowed now, and the team that lost its node gets its four back.
            """,
            new LivingCluster(
                Make.Nodes(2),
                Make.Tree(Make.Tenant("search", 8), Make.Tenant("vision", 8)),
                [
                    Make.Waiting("v0", "vision", FourGpus, submittedMinutesAgo: 60).RunningOn("h100-000"),
                    Make.Waiting("v1", "vision", FourGpus, submittedMinutesAgo: 30).RunningOn("h100-000", 4),
                ]));
        story.Note("h100-001 fails; what search ran there waits again");
        story.Cluster.Nodes = story.Cluster.Nodes.SetItem(1, story.Cluster.Nodes[1] with { IsReady = false });
        story.Submit(Make.Waiting("s0", "search", FourGpus)).Submit(Make.Waiting("s1", "search", FourGpus)).Cycle()
            .Pass(TimeSpan.Zero).Cycle();
        story.Note("h100-001 is back");
        story.Cluster.Nodes = story.Cluster.Nodes.SetItem(1, story.Cluster.Nodes[1] with { IsReady = true });
        story.Cycle().Check();
    }

    [Fact]
    public void A_lowered_quota_makes_borrowers()
    {
        var story = new GoldenStory(
            "A_lowered_quota_makes_borrowers",
            """
            Vision is guaranteed eight GPUs and uses them. Its guarantee is lowered to four, and nothing happens by itself: what it
            has above is borrowed from now on. When search claims what it is guaranteed, that is what goes.
            """,
            new LivingCluster(
                Make.Nodes(1),
                Make.Tree(Make.Tenant("search", 0), Make.Tenant("vision", 8)),
                [
                    Make.Waiting("v0", "vision", FourGpus, submittedMinutesAgo: 60).RunningOn("h100-000"),
                    Make.Waiting("v1", "vision", FourGpus, submittedMinutesAgo: 30).RunningOn("h100-000", 4),
                ]));
        story.Cycle().Note("Four GPUs of vision's guarantee go to search");
        story.Cluster.Tenants = Make.Tree(Make.Tenant("search", 4), Make.Tenant("vision", 4));
        story.Cycle().Submit(Make.Waiting("claim", "search", OneGpu)).Cycle().Check();
    }
}
