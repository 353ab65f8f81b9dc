using Scheduler.Core.Model;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Tests.Loop;

public class WorkloadHistoryTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_one_cycle_saw_and_the_next_does_not_has_ended_and_what_was_there_before_the_daemon_counts_too()
    {
        var history = new WorkloadHistory(10);
        Assert.Null(history.View().Snapshot);
        history.Saw(At(0, Single("a"), Single("b"), Single("c")));
        history.Saw(At(5, Single("b")));
        history.Saw(At(9, Single("b"), Single("d")));

        var view = history.View();
        Assert.Equal(Start, view.Since);
        Assert.Equal(["ns/pod/a 5", "ns/pod/c 5"], Lines(view));
        Assert.Equal(2, view.Snapshot!.Workloads.Length);
    }

    [Fact]
    public void Beyond_its_capacity_the_oldest_are_forgotten_and_it_is_complete_only_since_then()
    {
        var history = new WorkloadHistory(2);
        history.Saw(At(0, Single("a"), Single("b"), Single("c")));
        history.Saw(At(1, Single("b"), Single("c")));
        history.Saw(At(2, Single("c")));
        Assert.Equal(Start, history.View().Since);
        history.Saw(At(3));

        Assert.Equal(Start.AddSeconds(1), history.View().Since);
        Assert.Equal(["ns/pod/b 2", "ns/pod/c 3"], Lines(history.View()));
    }

    [Fact]
    public void Without_capacity_it_keeps_the_cluster_and_no_history()
    {
        var history = new WorkloadHistory(0);
        history.Saw(At(0, Single("a")));
        history.Saw(At(1));

        Assert.NotNull(history.View().Snapshot);
        Assert.Null(history.View().Since);
        Assert.Empty(history.View().Ended);
    }

    [Fact]
    public void A_gang_whose_pods_end_one_by_one_is_remembered_with_all_of_them()
    {
        var history = new WorkloadHistory(10);
        history.Saw(At(0, Gang("g", minMember: 3, "0", "1", "2")));
        history.Saw(At(1, Gang("g", minMember: 2, "1", "2")));
        history.Saw(At(2, Gang("g", minMember: 1, "2")));
        history.Saw(At(3));

        var ended = Assert.Single(history.View().Ended);
        Assert.Equal((3, 3), (Assert.Single(ended.Pods).Count, ended.Workload.MinMember));
    }

    [Fact]
    public void A_pod_made_anew_under_the_name_of_another_is_another_workload()
    {
        var history = new WorkloadHistory(10);
        history.Saw(At(0, Single("a")));
        history.Saw(At(1, Single("a", uid: "second")));

        Assert.Equal(["ns/pod/a 1"], Lines(history.View()));
    }

    [Fact]
    public void Whoever_was_told_to_make_way_is_marked_and_pods_of_other_schedulers_are_left_out()
    {
        var told = Single("told");
        told = told with
        {
            Pods = [told.Pods[0] with
            {
                State = PodState.Placed, Placement = new PodPlacement(new NodeName("n"), [0]), Notice = new PreemptionNotice(new WorkloadId("ns/pod/x"), Start),
            }],
        };
        var history = new WorkloadHistory(10);
        history.Saw(At(0, Single("foreign") with { IsManaged = false }, Single("plain"), told));
        history.Saw(At(1));

        Assert.Equal([("plain", false), ("told", true)], history.View().Ended.Select(ended => (ended.Workload.Name, ended.WasPreempted)));
    }

    private static ClusterSnapshot At(int second, params Workload[] workloads) =>
        new ClusterSnapshotBuilder { Now = Start.AddSeconds(second) }.Add(workloads).Build();

    private static IEnumerable<string> Lines(HistoryView view) =>
        view.Ended.Select(ended => $"{ended.Workload.Id} {(ended.EndedAt - Start).TotalSeconds:0}");

    private static Workload Single(string name, string? uid = null) => Of($"ns/pod/{name}", name, 1, uid ?? name);

    private static Workload Gang(string name, int minMember, params string[] pods) => Of($"ns/podgroup/{name}", name, minMember, pods) with { IsGang = true };

    private static Workload Of(string id, string name, int minMember, params string[] pods) => new()
    {
        Id = new WorkloadId(id),
        Tenant = null,
        Namespace = "ns",
        Name = name,
        MinMember = minMember,
        SubmittedAt = Start,
        Pods = [.. pods.Select(pod => new Pod { Id = new PodId(pod), Name = pod, Shape = PodShape.Create(default, GpuRequest.Whole(1)) })],
    };
}
