using Scheduler.Core.Model;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Golden;

/// <summary>Stories about who gets what is free, and who waits.</summary>
public class SharingStories
{
    private static readonly PodShape OneGpu = Make.Shape(gpus: 1);
    private static readonly PodShape FourGpus = Make.Shape(gpus: 4);

    [Fact]
    public void Burst_is_shared_by_weight() => new GoldenStory(
        "Burst_is_shared_by_weight",
        """
        Neither team has a guarantee, and both want all eight GPUs. Search has three times the weight of vision, so it gets six
        and vision two, one job at a time to whoever is furthest behind.
        """,
        new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("search", 0, burst: 8, weight: 3), Make.Tenant("vision", 0, burst: 8, weight: 1)),
            [.. Enumerable.Range(0, 7).SelectMany(index => new[]
            {
                Make.Waiting($"s{index}", "search", OneGpu), Make.Waiting($"v{index}", "vision", OneGpu),
            })]))
        .Cycle().Check();

    [Fact]
    public void What_is_not_lent_stays_idle() => new GoldenStory(
        "What_is_not_lent_stays_idle",
        """
        Search is guaranteed four of eight GPUs and lends one of them at most, so that three are there at once when it needs them.
        Vision may borrow: five of the eight, and then it waits although three are idle.
        """,
        new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("search", 4, lending: 1), Make.Tenant("vision", 0, burst: 8)),
            [.. Enumerable.Range(0, 6).Select(index => Make.Waiting($"v{index}", "vision", OneGpu))]))
        .Cycle().Submit(Make.Waiting("claim", "search", Make.Shape(gpus: 3))).Cycle().Check();

    [Fact]
    public void A_gang_starts_whole_or_not_at_all() => new GoldenStory(
        "A_gang_starts_whole_or_not_at_all",
        """
        Three pods of four GPUs are needed at once, and there is room for two. None of them starts: two that wait for the third
        would hold eight GPUs for nothing. The gang behind it needs two at least and takes the room; its third pod follows when
        there is more.
        """,
        new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("search", 8, burst: 24)),
            [
                Make.Waiting("rigid", "search", FourGpus, pods: 3, submittedMinutesAgo: 30),
                Make.Waiting("elastic", "search", FourGpus, pods: 3, minMember: 2, submittedMinutesAgo: 20),
            ]))
        .Cycle().Check();

    [Fact]
    public void A_short_job_fills_the_time_before_a_reservation() => new GoldenStory(
        "A_short_job_fills_the_time_before_a_reservation",
        """
        A job of eight GPUs is next, and half of the node is in use for another half hour. It is promised the node from then on.
        Behind it are a short job, which ends before, and one that does not say when it ends. The short one starts at once and
        delays nobody. The other waits: it would stand in the way.
        """,
        Backfill())
        .Cycle()
        .Note("Half an hour later both have ended").Pass(TimeSpan.FromMinutes(30)).Cycle()
        .Check();

    [Fact]
    public void Two_tenants_share_a_device_only_if_both_allow_it() => new GoldenStory(
        "Two_tenants_share_a_device_only_if_both_allow_it",
        """
        Everybody asks for 0.4 of a GPU. Search and speech share devices with others, vision does not. So search and speech are
        on one device together, and vision has one for itself. The second of vision joins the first: that is the same tenant.
        """,
        new LivingCluster(
            Make.Nodes(1, gpus: 2),
            Make.Tree(
                Make.Tenant("search", 0.4, sharesDevices: true), Make.Tenant("speech", 0.4, sharesDevices: true),
                Make.Tenant("vision", 0.8)),
            [
                Make.Waiting("s", "search", Make.Shape(fraction: 400), submittedMinutesAgo: 40),
                Make.Waiting("v0", "vision", Make.Shape(fraction: 400), submittedMinutesAgo: 30),
                Make.Waiting("p", "speech", Make.Shape(fraction: 400), submittedMinutesAgo: 20),
                Make.Waiting("v1", "vision", Make.Shape(fraction: 400), submittedMinutesAgo: 10),
            ]))
        .Cycle().Check();

    [Fact]
    public void A_gang_stays_inside_a_rack() => new GoldenStory(
        "A_gang_stays_inside_a_rack",
        """
        A gang of three pods must be in one rack. Rack one has two nodes free, rack two has three: it goes to rack two, though rack
        one would do for most of it. A second gang finds no rack with three free nodes, and waits although three are free in all.
        """,
        new LivingCluster(
            [.. Enumerable.Range(0, 6).Select(index => Make.Node($"n{index}", gpus: 4, labels: [("rack", index < 2 ? "one" : index < 5 ? "two" : "three")]))],
            Make.Tree(Make.Tenant("search", 24)),
            [
                Gang("first", minutes: 20), Gang("second", minutes: 10),
            ]))
        .Cycle().Check();

    [Fact]
    public void Everybody_who_waits_is_told_why() => new GoldenStory(
        "Everybody_who_waits_is_told_why",
        """
        Two jobs run. Each of the others waits for a reason of its own, and has a place in the queue of its tenant and in all.
        """,
        new LivingCluster(
            [Make.Node("a", gpus: 2), Make.Node("b", gpus: 2), Make.Node("c", gpus: 2, quarantined: [0, 1])],
            Make.Tree(
                Make.Tenant("search", 2, burst: 1), Make.Tenant("vision", 2, burst: 6), Make.Tenant("closed", 0, burst: 2, isSuspended: true),
                Make.Tenant("old", 0, burst: 2, flavor: "A100")),
            [
                Make.Waiting("runs", "search", OneGpu, submittedMinutesAgo: 60).RunningOn("a"),
                Make.Waiting("runs-too", "vision", OneGpu, submittedMinutesAgo: 60).RunningOn("b"),
                Make.Waiting("above-limit", "search", OneGpu, pods: 3),
                Make.Waiting("in-pieces", "vision", Make.Shape(gpus: 2)),
                Make.Waiting("too-big", "vision", Make.Shape(gpus: 3)),
                Make.Waiting("suspended", "closed", OneGpu),
                Make.Waiting("wrong-flavor", "old", OneGpu),
                Make.Waiting("nobody", "nowhere", OneGpu),
                Make.Waiting("volume", "vision", OneGpu, hold: Hold.VolumePending),
                Make.Waiting("failing", "vision", OneGpu, hold: Hold.Backoff),
                Make.Waiting("half", "vision", OneGpu, pods: 2, minMember: 3),
                Make.Waiting("elsewhere", "vision", Make.Shape(gpus: 1, selector: [("zone", "north")])),
            ]))
        .Cycle().Check();

    private static LivingCluster Backfill() => new(
        Make.Nodes(1),
        Make.Tree(Make.Tenant("search", 0, burst: 16)),
        [
            Make.Waiting("half", "search", FourGpus, submittedMinutesAgo: 30).RunningOn("h100-000") with { ExpectedDuration = TimeSpan.FromHours(1) },
            Make.Waiting("big", "search", Make.Shape(gpus: 8), submittedMinutesAgo: 20),
            Make.Waiting("short", "search", OneGpu) with { ExpectedDuration = TimeSpan.FromMinutes(20) },
            Make.Waiting("unknown", "search", OneGpu),
        ]);

    private static Workload Gang(string name, int minutes) =>
        Make.Waiting(name, "search", FourGpus, pods: 3, submittedMinutesAgo: minutes) with { Topology = new TopologyRequest("rack", IsRequired: true) };
}
