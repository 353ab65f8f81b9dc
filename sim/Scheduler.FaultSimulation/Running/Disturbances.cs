using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.FaultSimulation.Running;

/// <summary>What goes wrong on the machines: it is drawn when it happens, and everything is mended when the faults stop.</summary>
internal sealed class Disturbances(FaultRun run, Random random)
{
    /// <summary>One of them, now.</summary>
    public void Next()
    {
        switch (random.Next(13))
        {
            case 0 or 1 or 2:
                Replica(replica => run.Crash(replica, Seconds(1, 25)));
                break;
            case 3:
                Replica(replica => run.Restart(replica, Seconds(0, 10)));
                break;
            case 4 or 5:
                Replica(replica => Pause(replica, Seconds(1, 30)));
                break;
            case 6:
                Replica(StepClock);
                break;
            case 7:
                Replica(replica => Partition(replica, Seconds(3, 60)));
                break;
            case 8:
                Say("the API server forgets its history, and all watches break");
                run.Cluster.CompactHistory();
                foreach (var replica in run.Alive)
                    replica.Connection.BreakWatches();
                break;
            case 9:
                LoseNode(run.Nodes[random.Next(run.Nodes.Count)], Seconds(5, 60));
                break;
            case 10:
                StopNode(run.Nodes[random.Next(run.Nodes.Count)], Seconds(5, 60));
                break;
            case 11:
                LoseDevice(run.Nodes[random.Next(run.Nodes.Count)], Seconds(10, 60));
                break;
            default:
                DeletePod();
                break;
        }
    }

    private void Replica(Action<Replica> happen)
    {
        if (run.Alive is { Count: > 0 } alive)
        {
            // The leader is where it hurts.
            var leader = alive.FirstOrDefault(replica => replica.Leads);
            happen(leader is not null && random.Next(4) > 0 ? leader : alive[random.Next(alive.Count)]);
        }
    }

    private void Pause(Replica replica, TimeSpan time)
    {
        Say($"{replica.Actor.Name} stands still for {Text(time)}");
        replica.Actor.PausedUntil = run.Time.Now + time.Ticks;
    }

    private void StepClock(Replica replica)
    {
        var step = TimeSpan.FromSeconds(random.Next(-120, 121));
        Say($"the wall clock of {replica.Actor.Name} jumps by {Text(step)}");
        replica.Actor.WallOffset += step;
    }

    private void Partition(Replica replica, TimeSpan time)
    {
        Say($"{replica.Actor.Name} is cut off for {Text(time)}");
        replica.Connection.Partition();
        run.Later(time, replica.Connection.Heal);
    }

    private void LoseNode(SimulatedNode node, TimeSpan time)
    {
        if (run.Cluster.Get("v1", "Node", "", node.Name) is null)
            return;
        Say($"node {node.Name} is gone for {Text(time)}");
        run.Cluster.Delete("v1", "Node", "", node.Name);
        run.Later(time, () => run.Cluster.AddNode(node));
    }

    private void StopNode(SimulatedNode node, TimeSpan time)
    {
        Say($"node {node.Name} is not ready for {Text(time)}");
        SetReady(node, "False");
        run.Later(time, () => SetReady(node, "True"));
    }

    private void SetReady(SimulatedNode node, string status)
    {
        if (run.Cluster.Get("v1", "Node", "", node.Name) is not null)
        {
            run.UpdateStatus("nodes", node.Name, stored =>
                stored.ObjectsAt("status", "conditions").First(condition => condition.StringAt("type") == "Ready")["status"] = status);
        }
    }

    private void LoseDevice(SimulatedNode node, TimeSpan time)
    {
        Say($"node {node.Name} has a device less for {Text(time)}");
        SetDevices(node, node.Gpus - 1);
        run.Later(time, () => SetDevices(node, node.Gpus));
    }

    private void SetDevices(SimulatedNode node, int devices)
    {
        if (run.Cluster.Get("v1", "Node", "", node.Name) is not null)
        {
            run.UpdateStatus("nodes", node.Name, stored =>
                stored["status"]!["allocatable"]!["nvidia.com/gpu"] = devices.ToString(CultureInfo.InvariantCulture));
        }
    }

    private void DeletePod()
    {
        var pods = run.Cluster.List("v1", "Pod").Where(IsOfAJob).ToList();
        if (pods.Count == 0)
            return;
        var (@namespace, name) = (Namespace(pods, out var pod), pod);
        Say($"somebody deletes pod {@namespace}/{name}");
        run.Cluster.Delete("v1", "Pod", @namespace, name);
    }

    private string Namespace(List<JsonObject> pods, out string name)
    {
        var pod = pods[random.Next(pods.Count)];
        name = pod.StringAt("metadata", "name")!;
        return pod.StringAt("metadata", "namespace")!;
    }

    private static bool IsOfAJob(JsonObject pod) => pod.ArrayAt("metadata", "ownerReferences") is { Count: > 0 };

    private TimeSpan Seconds(int from, int to) => TimeSpan.FromMilliseconds(random.Next(from * 1000, to * 1000));

    private void Say(string what) => run.Log.Write("fault", what);

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");
}
