using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>Brings what runs already into a new session: first onto the nodes, then into the books.</summary>
internal static class SessionLoader
{
    /// <summary>Pods that were told to leave for somebody who no longer waits.</summary>
    public static HashSet<PodId> NoticesWithoutNeed(ClusterSnapshot snapshot)
    {
        var without = new HashSet<PodId>();
        foreach (var workload in snapshot.Workloads)
        {
            foreach (var pod in workload.Pods)
            {
                if (pod.State == PodState.Placed && pod.Notice is { } notice
                    && !(snapshot.TryGetWorkload(notice.Beneficiary, out var beneficiary) && beneficiary.IsPending))
                {
                    without.Add(pod.Id);
                }
            }
        }

        return without;
    }

    /// <summary>
    /// Takes the room of every placed and leaving pod. Pods with known devices first; those whose devices the host does
    /// not know get the lowest-numbered ones that are left.
    /// </summary>
    public static RunningWorkloads PlaceRunning(Session session)
    {
        var all = new RunningWorkloads();
        var withoutDevices = new List<(RunningWorkload Running, NodeState Node, Pod Pod)>();
        foreach (var workload in session.Snapshot.Workloads)
        {
            var running = default(RunningWorkload);
            foreach (var pod in workload.Pods)
            {
                if (pod.Placement is not { } placement || !session.Snapshot.TryGetNodeIndex(placement.Node, out var index))
                {
                    continue;
                }

                if (running is null)
                {
                    all.Add(running = new RunningWorkload(workload, session.TenantOf(workload)));
                }

                var node = session.Nodes[index];
                if (pod.Shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction && !HasDevices(node, placement))
                {
                    withoutDevices.Add((running, node, pod));
                }
                else
                {
                    Place(session, running, node, pod, placement.Devices);
                }
            }
        }

        foreach (var (running, node, pod) in withoutDevices)
        {
            Place(session, running, node, pod, GuessDevices(node, pod.Shape, Session.OwnerFor(running.Tenant)));
        }

        return all;
    }

    /// <summary>
    /// Parts the views of nodes from which something leaves, or on which room is kept for a waiting pod.
    /// </summary>
    public static void ApplyComing(Session session)
    {
        foreach (var running in session.Running.All)
        {
            foreach (var (node, occupant) in running.Pods)
            {
                if (session.IsGoing(occupant.Pod))
                {
                    node.OccupyLater(occupant.Pod.Shape, occupant.Devices, Session.OwnerFor(running.Tenant), sign: -1);
                    session.CountGoing(running.Tenant, occupant.Pod);
                    session.NoteParted(node);
                }
            }
        }

        foreach (var workload in session.Snapshot.Workloads)
        {
            foreach (var pod in workload.Pods)
            {
                if (pod.State == PodState.Pending && pod.Nomination is { } nomination
                    && session.Snapshot.TryGetNodeIndex(nomination.Node, out var index) && HasRoom(session.Nodes[index], pod, nomination))
                {
                    session.Nodes[index].OccupyLater(pod.Shape, nomination.Devices, Session.OwnerFor(session.TenantOf(workload)), sign: 1);
                    session.NoteParted(session.Nodes[index]);
                    session.Nominations.Add(pod.Id);
                }
            }
        }
    }

    /// <summary>
    /// Books what runs on the tenants, and tells what of it is inside their guarantees: the core of each workload whole,
    /// its surplus pod by pod.
    /// </summary>
    public static void BookRunning(Session session)
    {
        var entries = new Dictionary<int, List<StandingBook.Entry>>();
        foreach (var running in session.Running.All)
        {
            running.Split(session);
            if (running.Tenant is null || !running.HasGpu)
            {
                continue;
            }

            if (!entries.TryGetValue(running.Tenant.Index, out var ofTenant))
            {
                entries.Add(running.Tenant.Index, ofTenant = []);
            }

            running.CoreEntry = Book(session, running, running.Core, isSurplus: false);
            ofTenant.Add(running.CoreEntry);
            foreach (var pod in running.Surplus)
            {
                var entry = Book(session, running, [pod], isSurplus: true);
                running.SurplusEntries.Add(pod.Occupant.Pod.Id, entry);
                ofTenant.Add(entry);
            }
        }

        foreach (var (tenant, ofTenant) in entries)
        {
            session.StandingOf(session.Snapshot.Tenants.Nodes[tenant]).Load(ofTenant);
        }
    }

    private static StandingBook.Entry Book(
        Session session, RunningWorkload running, IReadOnlyList<(NodeState Node, Occupant Occupant)> pods, bool isSurplus)
    {
        var uses = new long[session.Flavors.Length];
        foreach (var (node, occupant) in pods)
        {
            if (node.Flavor >= 0 && occupant.Pod.Shape.Gpu.IsAny)
            {
                uses[node.Flavor] += occupant.Pod.Shape.Gpu.MilliGpu;
                session.Ledger.Book(running.Tenant!.Index, node.Flavor, occupant.Pod.Shape.Gpu.MilliGpu);
            }
        }

        return new StandingBook.Entry(running.Workload, isSurplus, uses)
        {
            IsForcedToBurst = pods.Any(pod => session.IsGoing(pod.Occupant.Pod)),
        };
    }

    private static void Place(Session session, RunningWorkload running, NodeState node, Pod pod, ImmutableArray<int> devices)
    {
        var owner = Session.OwnerFor(running.Tenant);
        node.Occupy(pod.Shape, devices, owner, sign: 1);
        running.Pods.Add((node, new Occupant(running, pod, devices)));
        if (pod.Shape.Gpu.Kind == GpuRequestKind.Fraction)
        {
            session.NoteOwner(node, owner);
        }
    }

    private static bool HasDevices(NodeState node, PodPlacement placement)
    {
        foreach (var device in placement.Devices)
        {
            if (device < 0 || device >= node.Node.Devices.Length)
            {
                return false;
            }
        }

        return !placement.Devices.IsEmpty;
    }

    /// <summary>Whether kept room is still there: the node may have shrunk, or fallen sick, since it was kept.</summary>
    private static bool HasRoom(NodeState node, Pod pod, PodPlacement nomination)
    {
        if (!node.Node.IsSchedulable || node.Later.FreePods < 1 || !pod.Shape.Requests.FitsIn(node.Later.Free))
        {
            return false;
        }

        if (pod.Shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction && !HasDevices(node, nomination))
        {
            return false;
        }

        foreach (var device in nomination.Devices)
        {
            if (!node.Later.IsHealthy(device) || node.Later.DeviceFree[device] < pod.Shape.Gpu.MilliEach)
            {
                return false;
            }
        }

        return true;
    }

    private static ImmutableArray<int> GuessDevices(NodeState node, PodShape shape, int owner)
    {
        var request = new PlacementRequest(shape, Node.NoLabels, owner);
        var devices = DeviceAllocator.Choose(node.Now, request);
        if (!devices.IsDefault)
        {
            return devices;
        }

        // More is in use than healthy devices explain: charge the emptiest ones, so that nothing more is placed there.
        var free = node.Now.DeviceFree.ToArray();
        return
        [
            .. Enumerable.Range(0, free.Length)
                .OrderByDescending(device => free[device]).ThenBy(device => device)
                .Take(shape.Gpu.Count).Order(),
        ];
    }
}
