using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <content>What actions do to the state of a cycle. Everything here marks what it touches, to be built anew for the next one.</content>
internal sealed partial class Session
{
    /// <summary>Gives back the room that was kept for a waiting pod, if it was.</summary>
    internal void Release(PodId pod)
    {
        if (_nominations.Remove(pod, out var nomination))
        {
            Release(nomination.At.Node, nomination.Room, nomination.At.Pod.Shape);
        }
    }

    /// <summary>Takes room now and later (sign 1), or gives it back (sign -1).</summary>
    internal void Occupy(NodeState node, PodShape shape, ImmutableArray<int> devices, int owner, int sign, bool isBrief)
    {
        var before = CountedFree(node);
        node.Occupy(shape, devices, owner, sign, isBrief);
        Changed(node, before, OwnerOf(shape, owner));
    }

    /// <summary>Keeps room for a waiting pod on devices that are given, from when on they are free for good.</summary>
    internal KeptRoom Keep(NodeState node, PodShape shape, ImmutableArray<int> devices, int owner) =>
        Keep(node, shape, devices, owner, node.EarliestRoom(plane => PodRoom.Fits(plane, shape, devices, owner)) ?? DateTimeOffset.MaxValue);

    /// <summary>The same with the moment given.</summary>
    internal KeptRoom Keep(NodeState node, PodShape shape, ImmutableArray<int> devices, int owner, DateTimeOffset from)
    {
        var room = new KeptRoom(shape, devices, owner, from);
        NoteParted(node);
        var before = CountedFree(node);
        node.Keep(room);
        Changed(node, before, OwnerOf(shape, owner));
        return room;
    }

    /// <summary>Keeps it no longer.</summary>
    internal void Release(NodeState node, KeptRoom room, PodShape shape)
    {
        NoteParted(node);
        var before = CountedFree(node);
        node.Release(room);
        Changed(node, before, OwnerOf(shape, room.Owner));
    }

    /// <summary>A pod leaves (sign -1), or stays after all (sign 1).</summary>
    private void OccupyLater(Occupant occupant, int sign)
    {
        var node = occupant.Node;
        NoteParted(node);
        var before = CountedFree(node);
        node.OccupyLater(occupant, sign);
        Changed(node, before, OwnerOf(occupant.Pod.Shape, occupant.DeviceOwner));
    }

    private static int OwnerOf(PodShape shape, int owner) => shape.Gpu.Kind == GpuRequestKind.Fraction ? owner : NodePlane.NoOwner;

    /// <summary>Puts a reservation on a node.</summary>
    internal void Reserve(NodeState node, TimedReservation reservation, NodePlane atStart)
    {
        var before = CountedFree(node);
        node.Reserve(reservation, atStart);
        _reserved.Add(node);
        Changed(node, before, NodePlane.NoOwner);
    }

    /// <summary>Gives up the reservation of a workload, if it has one: it has found room otherwise.</summary>
    internal void CancelReservation(Applicant applicant)
    {
        if (applicant.Reservation is null)
        {
            return;
        }

        foreach (var node in _reserved.Where(node => node.Reservation!.Holder == applicant).ToArray())
        {
            var before = CountedFree(node);
            node.CancelReservation();
            _reserved.Remove(node);
            Changed(node, before, NodePlane.NoOwner);
        }

        applicant.Reservation = null;
        Tenants[applicant.Tenant.Index].Reservations--;
        ReservationsCancelled++;
        foreach (var tenant in Tenants)
        {
            tenant.ForgetMisfits();
        }
    }

    /// <summary>Gives up the reservation of a workload in favour of others; it may look for another one.</summary>
    internal void GiveUpReservation(Applicant applicant)
    {
        CancelReservation(applicant);
        applicant.SoughtReservation = false;
    }

    /// <summary>A running pod is to leave: for the rest of the cycle it is going.</summary>
    internal void SendAway(Occupant occupant, WorkloadId beneficiary)
    {
        occupant.IsGoing = true;
        occupant.LeavesAt = occupant.Pod.Notice?.Deadline ?? Snapshot.Now + occupant.Owner.Workload.PreemptionGrace;
        occupant.Beneficiary = beneficiary;
        Roster.Withdrawn.Remove(occupant);
        CountGoing(occupant);
        Roster.NoteChosen(occupant);
        OccupyLater(occupant, sign: -1);
    }

    /// <summary>
    /// Takes the notices of some pods of a workload back, if nobody's room depends on them: what was kept meanwhile may
    /// count on their leaving.
    /// </summary>
    internal void TryWithdraw(IReadOnlyList<Occupant> occupants)
    {
        for (var index = 0; index < occupants.Count; index++)
        {
            var occupant = occupants[index];
            if (!PodRoom.Fits(occupant.Node.Later, occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner))
            {
                for (index--; index >= 0; index--)
                {
                    OccupyLater(occupants[index], sign: -1);
                }

                return;
            }

            OccupyLater(occupant, sign: 1);
        }

        foreach (var occupant in occupants)
        {
            occupant.IsGoing = false;
            CountGoing(occupant, sign: -1);
            Roster.Withdrawn.Add(occupant);
        }

        foreach (var occupant in occupants)
        {
            if (occupant.Owner.Tenant is { } tenant && occupant.Entry is { } entry)
            {
                Tenants[tenant.Index].IsDirty = true;
                Tenants[tenant.Index].Book.Free(entry, isStillGoing: IsAnyGoing(occupant.Owner, entry));
            }
        }
    }

    /// <summary>Counts pods of a pending workload, which were bound or have room kept, into its tenant's guarantee.</summary>
    internal void CountIn(Applicant applicant, ReadOnlySpan<Placement> pods, bool isSurplus)
    {
        if (!applicant.HasGpu)
        {
            return;
        }

        var uses = new long[Flavors.Length];
        foreach (var (pod, node, _, _, _) in pods)
        {
            if (node.Flavor >= 0)
            {
                uses[node.Flavor] += pod.Shape.Gpu.MilliGpu;
            }
        }

        var core = applicant.CoreEntry;
        var entry = new StandingEntry(applicant.Workload, isSurplus ? core : null, uses)
        {
            IsSurplus = isSurplus,
            FirstPod = pods[0].Pod.Id,
            IsForcedToBurst = !isSurplus && applicant.JoinsBurst,
        };
        Tenants[applicant.Tenant.Index].Book.Insert(entry);
        applicant.Note(entry);
    }

    /// <summary>Takes back what this cycle has bound of a workload: it waits again.</summary>
    internal void Unbind(Applicant applicant)
    {
        foreach (var (pod, node, devices, isBrief, _) in applicant.Bound)
        {
            var owner = OwnerFor(pod.Shape, applicant.Tenant);
            Occupy(node, pod.Shape, devices, owner, sign: -1, isBrief);
            Neighbours.Change(applicant.Workload.Namespace, pod, node, isKept: false, sign: -1);
            if (pod.Shape.Gpu.IsAny)
            {
                Ledger.Book(applicant.Tenant.Index, node.Flavor, -pod.Shape.Gpu.MilliGpu);
            }
        }

        foreach (var entry in applicant.Entries)
        {
            Tenants[applicant.Tenant.Index].Book.Remove(entry);
        }

        Unbound++;
        applicant.Unbind();
    }

    /// <summary>Notes that the cycle does something about a workload.</summary>
    internal void Touch(Applicant applicant)
    {
        if (!applicant.IsTouched)
        {
            applicant.IsTouched = true;
            Tenants[applicant.Tenant.Index].Touched.Add(applicant);
        }
    }

    /// <summary>What may be taken on a node is other than before, though what is free is not.</summary>
    internal void NoteChange(NodeState node) => _changes.Add(node.Index);

    /// <summary>Marks a node to be built anew.</summary>
    internal void MarkDirty(NodeState node)
    {
        if (!node.IsDirty)
        {
            node.IsDirty = true;
            _dirtyNodes.Add(node);
        }
    }

    private static long CountedFree(NodeState node) => node.Node.IsSchedulable && node.Flavor >= 0 ? node.Bindable.FreeMilliGpu : 0;
}
