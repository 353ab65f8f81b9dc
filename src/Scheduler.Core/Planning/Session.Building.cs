using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <content>How the state is built from the snapshot: nodes from their pods, books from what runs, sums over both.</content>
internal sealed partial class Session
{
    /// <summary>Builds everything that is dirty, and the sums over it.</summary>
    private void Settle()
    {
        Roster.TellWhoIsGoing();
        foreach (var node in _dirtyNodes)
        {
            node.IsDirty = false;
            node.Rebuild();
            NoteOwners(node);
            _changes.Add(node.Index);
            if (node.IsParted)
            {
                _parted.Add(node);
            }
        }

        _dirtyNodes.Clear();
        if (_changes.Count > (4 * Nodes.Length) + 4096 || Candidates.IsCrowded)
        {
            Candidates.Compact();
            _changes.Clear();
            RenumberKinds();
        }

        ApplyNominations();
        _parted.Sort((a, b) => a.Index.CompareTo(b.Index));
        SumFree();
        SumUsage();
    }

    /// <summary>Forgets kinds that no node is of any more.</summary>
    private void RenumberKinds()
    {
        _kinds.Clear();
        foreach (var node in Nodes)
        {
            node.Renumber(_kinds.Of(node.Node));
        }
    }

    /// <summary>
    /// Keeps the room that was kept before. Those whose victims are gone come first, then those whose victims leave first: each is
    /// promised the moment at which its own have left, and nobody's room may be taken for that of another.
    /// </summary>
    private void ApplyNominations()
    {
        var complete = Occupant.LastToLeave(Roster.Going);
        foreach (var (workload, pod) in Roster.Nominated.OrderBy(nominated => complete.GetValueOrDefault(nominated.Workload.Id)))
        {
            var nomination = pod.Nomination!;
            var owner = OwnerFor(pod.Shape, TenantOf(workload));
            if (Snapshot.TryGetNodeIndex(nomination.Node, out var index) && HasRoom(Nodes[index], pod, nomination, owner))
            {
                var room = Keep(Nodes[index], pod.Shape, nomination.Devices, owner);
                _nominations.Add(pod.Id, (new Placement(pod, Nodes[index], nomination.Devices, From: room.From), room));
            }
        }
    }

    /// <summary>Whether kept room is still there: the node may have shrunk, or fallen sick, since it was kept.</summary>
    private static bool HasRoom(NodeState node, Pod pod, PodPlacement nomination, int owner)
    {
        if (!node.Node.IsSchedulable
            || (pod.Shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction && !Occupant.AreOn(node.Node, nomination.Devices)))
        {
            return false;
        }

        foreach (var device in nomination.Devices)
        {
            if (!node.Later.IsHealthy(device))
            {
                return false;
            }
        }

        return PodRoom.Fits(node.Later, pod.Shape, nomination.Devices, owner);
    }

    private void SumFree()
    {
        Array.Clear(FreeMilliGpu);
        foreach (var node in Nodes)
        {
            if (node.Flavor >= 0)
            {
                FreeMilliGpu[node.Flavor] += CountedFree(node);
            }
        }

        if (_hasNewNodes)
        {
            _hasNewNodes = false;
            SumCapacity();
        }
    }

    private void SumCapacity()
    {
        Array.Clear(_capacity);
        foreach (var node in Nodes)
        {
            if (node.Flavor >= 0)
            {
                _capacity[node.Flavor] += node.Node.HealthyMilliGpu;
            }
        }

        if (Ledger.SetCapacity(_capacity))
        {
            foreach (var tenant in Tenants)
            {
                tenant.IsDirty = true;
            }
        }
    }

    private void SumUsage()
    {
        Ledger.ClearUsage();
        Array.Clear(_going);
        Array.Clear(_goingOfFlavor);
        Array.Clear(_ending);
        foreach (var tenant in Tenants)
        {
            tenant.ForgetMisfits();
            if (tenant.IsDirty)
            {
                tenant.IsDirty = false;
                LoadBook(tenant);
            }

            tenant.Book.Book();
        }

        foreach (var tenant in Tenants)
        {
            UsedBefore[tenant.Tenant.Index] = Ledger.UsedTotal(tenant.Tenant.Index);
        }

        foreach (var occupant in Roster.Going)
        {
            CountGoing(occupant);
        }
    }

    /// <summary>Counts what runs into the tenant's guarantee: the core of each workload whole, its surplus pod by pod.</summary>
    private void LoadBook(TenantQueue tenant)
    {
        var entries = new List<StandingEntry>(tenant.Running.Count);
        foreach (var running in tenant.Running)
        {
            if (!running.HasGpu)
            {
                continue;
            }

            running.CoreEntry = EntryFor(running.Workload, core: null, running.Core);
            entries.Add(running.CoreEntry);
            foreach (var occupant in running.Surplus)
            {
                entries.Add(EntryFor(running.Workload, running.CoreEntry, [occupant]));
            }
        }

        tenant.Book.Load(entries);
    }

    private StandingEntry EntryFor(Workload workload, StandingEntry? core, IReadOnlyList<Occupant> pods)
    {
        var uses = new long[Flavors.Length];
        var isGoing = false;
        foreach (var occupant in pods)
        {
            isGoing |= occupant.IsGoing;
            if (occupant.Node.Flavor >= 0)
            {
                uses[occupant.Node.Flavor] += occupant.Pod.Shape.Gpu.MilliGpu;
            }
        }

        var entry = new StandingEntry(workload, core, uses)
        {
            IsSurplus = core is not null,
            FirstPod = pods.Count == 0 ? default : pods[0].Pod.Id,
            IsForcedToBurst = isGoing,
        };
        foreach (var occupant in pods)
        {
            occupant.Entry = entry;
        }

        return entry;
    }
}
