using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Workloads for which room was made in an earlier cycle: they start as soon as their victims are gone, and until then
/// the room stays theirs.
/// </summary>
internal static class Nominations
{
    /// <summary>Starts those that fit now and keeps the room of the others; drops what is no longer whole or needed.</summary>
    public static void Resume(Session session, Allocate allocate)
    {
        foreach (var queue in session.Tenants)
        {
            foreach (var applicant in queue.Applicants)
            {
                if (applicant.HasNomination)
                {
                    Resume(session, applicant, allocate);
                }
            }
        }

        // Who is held back gives up what was kept.
        foreach (var (_, pod) in session.Roster.Nominated)
        {
            session.Release(pod.Id);
        }

        TakeBackNotices(session);

        // What did not fit beside kept room may fit now.
        foreach (var queue in session.Tenants)
        {
            queue.ForgetMisfits();
        }
    }

    /// <summary>
    /// Whoever was to leave for somebody who has started, or waits no more, may stay: pods beyond minMember one by one, the
    /// others together or not at all.
    /// </summary>
    private static void TakeBackNotices(Session session)
    {
        foreach (var running in session.Roster.OnTheMove)
        {
            foreach (var occupant in running.Surplus.Where(occupant => IsVoid(session, occupant)))
            {
                session.TryWithdraw([occupant]);
            }

            Occupant[] core = [.. running.Core.Where(occupant => occupant.IsGoing)];
            if (core.Length > 0 && Array.TrueForAll(core, occupant => IsVoid(session, occupant)))
            {
                session.TryWithdraw(core);
            }
        }
    }

    private static bool IsVoid(Session session, Occupant occupant) =>
        occupant.Pod is { State: PodState.Placed, Notice: { } notice }
        && notice.Beneficiary != PreemptionNotice.GpuHealth
        && session.Roster.FindApplicant(notice.Beneficiary) is not { Kept.Count: > 0 };

    private static void Resume(Session session, Applicant applicant, Allocate allocate)
    {
        var nominated = new List<(WaitingPod Pod, Placement At)>();
        foreach (var pod in applicant.Pending)
        {
            if (session.TryGetNomination(pod.Pod.Id, out var at))
            {
                nominated.Add((pod, at));
                session.Release(pod.Pod.Id);
            }
        }

        session.Tenants[applicant.Tenant.Index].ForgetMisfits();
        if (applicant.Missing == 0 || nominated.Count < applicant.Missing)
        {
            return;
        }

        if ((!applicant.JoinsBurst && allocate.TryStartCore(applicant, Standing.Guaranteed))
            || (applicant.MayBurst && allocate.TryStartCore(applicant, Standing.Burst)))
        {
            return;
        }

        // As long as somebody is still leaving for it, or there. Else nothing more will come, and it waits like all others.
        if (!session.Roster.Going.Any(occupant => occupant.Beneficiary == applicant.Workload.Id)
            && !nominated.Exists(pair => pair.At.Node.Occupants.Any(occupant => occupant.IsGoing)))
        {
            return;
        }

        var statement = new Statement(session);
        foreach (var (pod, at) in nominated)
        {
            statement.Keep(pod.Pod, at.Node, at.Devices, pod.Kind.Request, applicant);
        }

        session.Touch(applicant);
        var kept = statement.Placements;
        applicant.Keep(kept);
        session.CountIn(applicant, kept, isSurplus: false);
    }
}
