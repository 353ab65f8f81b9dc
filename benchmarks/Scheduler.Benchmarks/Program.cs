using System.Diagnostics;
using Scheduler.Benchmarks;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

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
