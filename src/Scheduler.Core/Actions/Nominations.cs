using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Workloads for which room was made in an earlier cycle: they start as soon as their victims are gone, and until then
/// the room stays theirs.
/// </summary>
internal static class Nominations
{
    /// <summary>Starts those that fit now and keeps the room of the others; drops what is no longer whole.</summary>
    public static void Resume(Session session, CycleQueues queues, Allocate allocate)
    {
        foreach (var queue in queues.ByTenant)
        {
            foreach (var applicant in queue.Applicants)
            {
                var nominated = applicant.Pending.Where(pod => session.Nominations.Contains(pod.Id)).ToArray();
                if (nominated.Length > 0)
                {
                    Resume(session, applicant, nominated, allocate);
                }
            }
        }

        DropHeld(session, queues);
    }

    private static void Resume(Session session, Applicant applicant, Pod[] nominated, Allocate allocate)
    {
        Release(session, applicant, nominated);
        if (applicant.Missing == 0 || nominated.Length < applicant.Missing)
        {
            return;
        }

        if (allocate.TryStartCore(applicant, Standing.Guaranteed) || (applicant.MayBurst && allocate.TryStartCore(applicant, Standing.Burst)))
        {
            return;
        }

        var statement = new Statement(session);
        var kept = new List<PodBinding>(nominated.Length);
        foreach (var pod in nominated)
        {
            var node = NodeOf(session, pod);
            kept.Add(statement.Keep(
                pod, node, pod.Nomination!.Devices, Session.RequestFor(pod.Shape, applicant.Tenant), applicant.Tenant));
        }

        applicant.Keep(kept, session.CountIn(applicant, kept, isSurplus: false));
    }

    private static void Release(Session session, Applicant applicant, Pod[] nominated)
    {
        foreach (var pod in nominated)
        {
            session.OccupyLater(
                NodeOf(session, pod), pod.Shape, pod.Nomination!.Devices, Session.OwnerFor(applicant.Tenant), sign: -1);
        }
    }

    /// <summary>Who is held back gives up what was kept.</summary>
    private static void DropHeld(Session session, CycleQueues queues)
    {
        foreach (var (workload, _) in queues.Held)
        {
            foreach (var pod in workload.Pods.Where(pod => session.Nominations.Contains(pod.Id)))
            {
                session.OccupyLater(
                    NodeOf(session, pod), pod.Shape, pod.Nomination!.Devices, Session.OwnerFor(session.TenantOf(workload)), sign: -1);
            }
        }
    }

    private static NodeState NodeOf(Session session, Pod pod) =>
        session.Snapshot.TryGetNodeIndex(pod.Nomination!.Node, out var index)
            ? session.Nodes[index]
            : throw new InvalidOperationException($"{pod.Id} is nominated to a node that is not there");
}
