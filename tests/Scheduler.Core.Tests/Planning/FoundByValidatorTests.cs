using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Planning;

/// <summary>
/// Plans of the planner that the validator has found to break a promise, as small as they could be made. Each is skipped
/// until the planner keeps it, and stays as a regression test.
/// </summary>
public class FoundByValidatorTests
{
    [Fact]
    public void A_pod_is_not_told_to_leave_and_to_stay_in_one_plan()
    {
        var gang = Make.Waiting("gang", "a", Make.Shape(gpus: 2, milliCpu: 100), pods: 2, priority: 1) with { StartedAt = Make.Now.AddMinutes(-5) };
        var cluster = new LivingCluster(
            [Make.Node("n1", gpus: 4, milliCpu: 4000), Make.Node("n2", gpus: 8, milliCpu: 4000)],
            Make.Tree(Make.Tenant("a", 1, burst: 3)),
            [
                gang with
                {
                    Pods =
                    [
                        gang.Pods[0] with { State = PodState.Placed, Placement = new PodPlacement(new NodeName("n1"), [0, 1]) },
                        gang.Pods[1] with { State = PodState.Placed, Placement = new PodPlacement(new NodeName("n2"), [0, 1]) },
                    ],
                },
                Make.Waiting("high", "a", Make.Shape(gpus: 4, milliCpu: 4000), priority: 2),
            ]);
        cluster.Cycle();
        cluster.Nodes = cluster.Nodes.SetItem(0, cluster.Nodes[0] with { IsCordoned = true });

        cluster.Cycle();
    }

    [Fact]
    public void Nobody_is_sent_away_for_a_claim_that_starts_at_once()
    {
        var cluster = new LivingCluster(
            [
                Make.Node("n1", gpus: 8, flavor: "A100", milliCpu: 4000, memoryGiB: 64, maxPods: 12, quarantined: [5]),
                Make.Node("n2", gpus: 8, flavor: "H100", milliCpu: 16_000, memoryGiB: 64, maxPods: 12, quarantined: [3]),
            ],
            Make.Tree(
                Make.Tenant("t0", weight: 1, sharesDevices: true) with
                {
                    Quotas = [Make.Quota(5, burst: 8, flavor: "H100", lending: 2), Make.Quota(2, burst: 2, flavor: "A100")],
                },
                Make.Tenant("t1", weight: 2) with
                {
                    Quotas = [Make.Quota(6, burst: 3, flavor: "A100", lending: 3), Make.Quota(3, flavor: "H100")],
                }),
            [Make.Waiting("w01", "t0", Make.Shape(gpus: 2), pods: 3, priority: 2, submittedMinutesAgo: 4)]);
        cluster.Cycle();
        cluster.Submit(Make.Waiting("w54", "t1", Make.Shape(gpus: 4)));

        cluster.Cycle();
    }

    [Fact]
    public void Room_is_not_kept_where_it_is_reserved()
    {
        var cluster = new LivingCluster(
            [Make.Node("n1", gpus: 2, flavor: "A100", milliCpu: 4000)],
            Make.Tree(Make.Tenant("t0", 2, burst: 2, flavor: "A100")),
            [
                Make.Waiting("w01", "t0", Make.Shape(gpus: 1, milliCpu: 4000), priority: 1, submittedMinutesAgo: 1, isPreemptible: false),
                Make.Waiting("w09", "t0", Make.Shape(gpus: 1), priority: 1, submittedMinutesAgo: 1, isPreemptible: false),
                Make.Waiting("w17", "t0", Make.Shape(gpus: 1, milliCpu: 100), priority: 2, submittedMinutesAgo: 1) with { ExpectedDuration = TimeSpan.FromMinutes(1) },
                Make.Waiting("w20", "t0", Make.Shape(fraction: 470), submittedMinutesAgo: 90, isPreemptible: false).RunningOn("n1") with
                {
                    ExpectedDuration = TimeSpan.FromMinutes(45),
                },
            ]);
        cluster.Cycle();
        cluster.Pass(TimeSpan.FromSeconds(30));
        cluster.EndDue();

        cluster.Cycle();
    }

    [Theory]
    // On two of four devices, on one, on one; then the node shows three.
    [InlineData(2, 1, 1)]
    // Half of what the last one has is lost.
    [InlineData(1, 1, 2)]
    public void A_node_that_lost_a_device_in_use_gets_nothing_more_while_somebody_leaves(params int[] gpus)
    {
        var running = new List<Workload>();
        foreach (var count in gpus)
        {
            running.Add(Make.Waiting($"r{running.Count}", "a", Make.Shape(gpus: count), submittedMinutesAgo: 60)
                .RunningOn("n1", running.Sum(workload => workload.Pods[0].Shape.Gpu.Count)));
        }

        foreach (var leaving in running.ToList())
        {
            var workloads = running.Select(workload => workload != leaving
                ? workload
                : workload with { Pods = [workload.Pods[0] with { State = PodState.Leaving }] });
            var snapshot = Make.Snapshot(
                [Make.Node("n1", gpus: 3)], Make.Tree(Make.Tenant("a", burst: 4), Make.Tenant("b", 2)), [.. workloads, Make.Waiting("w", "b", Make.Shape(gpus: 1))]);
            var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);

            Assert.Empty(PlanValidator.Check(snapshot, SchedulingPolicy.Default, plan));
        }
    }
}
