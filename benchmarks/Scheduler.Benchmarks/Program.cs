using System.Diagnostics;
using Scheduler.Benchmarks;
using Scheduler.Benchmarks.Openb;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

if (args is ["openb", _, ..])
{
    // openb FOLDER [POLICIES] [TRACES], lists joined by commas; all if left out.
    return OpenbCommand.Run(args[1], args.Length > 2 ? args[2].Split(',') : [], args.Length > 3 ? args[3].Split(',') : []);
}

var nodes = SyntheticCluster.Nodes(5000);
var tenants = SyntheticCluster.Tenants(50, 5000);
var waiting = SyntheticCluster.Waiting(10_000, 50);
for (var run = 0; run < 6; run++)
{
    var snapshot = new ClusterSnapshotBuilder { Now = SyntheticCluster.Now, Generation = 1 }.Add(nodes).Add(waiting).With(tenants).Build();
    var before = GC.GetAllocatedBytesForCurrentThread();
    var clock = Stopwatch.StartNew();
    var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);
    clock.Stop();
    var placed = plan.Decisions.OfType<Bind>().Sum(bind => bind.Pods.Length);
    Console.WriteLine($"{clock.Elapsed.TotalMilliseconds:F1} ms, {placed} placed, {plan.Decisions.OfType<Wait>().Count()} wait, {(GC.GetAllocatedBytesForCurrentThread() - before) / 1e6:F1} MB; " + string.Join(", ", plan.Decisions.OfType<Wait>().GroupBy(w => w.Reason).Select(g => $"{g.Key} {g.Count()}")));
    clock.Restart();
    var violations = PlanValidator.Check(snapshot, SchedulingPolicy.Default, plan);
    Console.WriteLine($"validator {clock.Elapsed.TotalMilliseconds:F1} ms, {violations.Length}");
}

// What a second cycle costs, with the first in effect and as much waiting again.
var first = Planner.Compute(new ClusterSnapshotBuilder { Now = SyntheticCluster.Now }.Add(nodes).Add(waiting).With(tenants).Build(), SchedulingPolicy.Default);
var placements = first.Decisions.OfType<Bind>().SelectMany(bind => bind.Pods).ToDictionary(pod => pod.Pod);
var running = waiting.Select(w => w with { StartedAt = SyntheticCluster.Now, Pods = [.. w.Pods.Select(p => placements.TryGetValue(p.Id, out var at) ? p with { State = PodState.Placed, Placement = new PodPlacement(at.Node, at.Devices) } : p)] }).ToArray();
var more = SyntheticCluster.Waiting(20_000, 50).Skip(10_000).ToArray();
for (var run = 0; run < 3; run++)
{
    var snapshot = new ClusterSnapshotBuilder { Now = SyntheticCluster.Now.AddHours(1) }.Add(nodes).Add(running).Add(more).With(tenants).Build();
    var clock = Stopwatch.StartNew();
    var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);
    Console.WriteLine($"second: {clock.Elapsed.TotalMilliseconds:F1} ms, {plan.Decisions.OfType<Bind>().Count()} binds, {plan.Decisions.OfType<Evict>().Count()} evicts {plan.Decisions.OfType<Wait>().Count()} wait: " + string.Join(", ", plan.Decisions.OfType<Wait>().GroupBy(w => w.Reason).Select(g => $"{g.Key} {g.Count()}")));
}

return 0;
