using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>Brings what runs already into a new session: first onto the nodes, then into the books.</summary>
internal static class SessionLoader
{
    /// <summary>
    /// Takes the room of every placed and leaving pod. Pods with known devices first; those whose devices the host does
    /// not know get the lowest-numbered ones that are left.
    /// </summary>
    public static void PlaceRunning(Session session)
    {
        var withoutDevices = new List<(NodeState Node, Workload Workload, Pod Pod)>();
        foreach (var workload in session.Snapshot.Workloads)
        {
            foreach (var pod in workload.Pods)
            {
                if (pod.Placement is not { } placement || !session.Snapshot.TryGetNodeIndex(placement.Node, out var index))
                {
                    continue;
                }

                var node = session.Nodes[index];
                if (pod.Shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction && !HasDevices(node, placement))
                {
                    withoutDevices.Add((node, workload, pod));
                }
                else
                {
                    Session.OccupyUnrecorded(node, pod.Shape, placement.Devices, OwnerOf(session, workload), sign: 1);
                }
            }
        }

        foreach (var (node, workload, pod) in withoutDevices)
        {
            var devices = GuessDevices(node, pod.Shape, OwnerOf(session, workload));
            Session.OccupyUnrecorded(node, pod.Shape, devices, OwnerOf(session, workload), sign: 1);
        }
    }

    /// <summary>
    /// Books what runs on the tenants, each workload whole inside the guarantee or whole on burst, in
    /// <see cref="StandingOrder"/>.
    /// </summary>
    public static void BookRunning(Session session)
    {
        var running = new List<(int Tenant, Workload Workload)>();
        foreach (var workload in session.Snapshot.Workloads)
        {
            if (session.TenantOf(workload) is { } tenant && HoldsGpu(workload))
            {
                running.Add((tenant.Index, workload));
            }
        }

        running.Sort((a, b) => a.Tenant != b.Tenant
            ? a.Tenant.CompareTo(b.Tenant)
            : StandingOrder.Instance.Compare(a.Workload, b.Workload));
        var uses = new long[session.Flavors.Length];
        foreach (var (tenant, workload) in running)
        {
            Array.Clear(uses);
            AddUses(session, workload, uses);
            var isGuaranteed = FitsGuarantee(session.Ledger, tenant, uses);
            for (var flavor = 0; flavor < uses.Length; flavor++)
            {
                if (uses[flavor] != 0)
                {
                    session.Ledger.Book(tenant, flavor, uses[flavor], isGuaranteed);
                }
            }
        }
    }

    /// <summary>Whether uses of several flavors fit inside a guarantee together.</summary>
    public static bool FitsGuarantee(QuotaLedger ledger, int tenant, ReadOnlySpan<long> uses)
    {
        var total = 0L;
        for (var flavor = 0; flavor < uses.Length; flavor++)
        {
            if (uses[flavor] != 0 && !ledger.FitsGuarantee(tenant, flavor, uses[flavor]))
            {
                return false;
            }

            total += uses[flavor];
        }

        return ledger.UsedGuaranteedTotal(tenant) + total <= ledger.GuaranteedTotal(tenant);
    }

    /// <summary>What the placed and leaving pods of a workload hold, by flavor, in milli-GPU.</summary>
    public static void AddUses(Session session, Workload workload, Span<long> uses)
    {
        foreach (var pod in workload.Pods)
        {
            if (pod.Placement is { } placement && pod.Shape.Gpu.IsAny
                && session.Snapshot.TryGetNodeIndex(placement.Node, out var index)
                && session.Nodes[index].Flavor is >= 0 and var flavor)
            {
                uses[flavor] += pod.Shape.Gpu.MilliGpu;
            }
        }
    }

    private static bool HoldsGpu(Workload workload)
    {
        foreach (var pod in workload.Pods)
        {
            if (pod.Placement is not null && pod.Shape.Gpu.IsAny)
            {
                return true;
            }
        }

        return false;
    }

    private static bool HasDevices(NodeState node, PodPlacement placement)
    {
        foreach (var device in placement.Devices)
        {
            if (device < 0 || device >= node.DeviceFreeMilli.Length)
            {
                return false;
            }
        }

        return !placement.Devices.IsEmpty;
    }

    private static int OwnerOf(Session session, Workload workload) =>
        session.TenantOf(workload) is not { } tenant ? NodeState.NoOwner
        : tenant.Tenant.SharesDevices ? NodeState.SharedOwner
        : tenant.Index;

    private static ImmutableArray<int> GuessDevices(NodeState node, PodShape shape, int owner)
    {
        var request = new PlacementRequest(shape, Node.NoLabels, owner);
        var devices = DeviceAllocator.Choose(node, request);
        if (!devices.IsDefault)
        {
            return devices;
        }

        // More is in use than healthy devices explain: charge the emptiest ones, so that nothing more is placed there.
        return
        [
            .. Enumerable.Range(0, node.DeviceFreeMilli.Length)
                .OrderByDescending(device => node.DeviceFreeMilli[device]).ThenBy(device => device)
                .Take(shape.Gpu.Count).Order(),
        ];
    }
}
