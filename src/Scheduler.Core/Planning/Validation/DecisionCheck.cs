using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Validation;

/// <summary>W15: one decision for each pending workload. W8: gangs run whole, whether pods come or go.</summary>
internal static class DecisionCheck
{
    public static void Check(PlanBooks books)
    {
        for (var index = 0; index < books.Snapshot.Workloads.Length; index++)
        {
            var workload = books.Snapshot.Workloads[index];
            var isPending = workload.IsPending;
            if (books.Decisions[index] != (isPending ? 1 : 0))
            {
                books.Report("W15", isPending
                    ? $"{workload.Id} waits and has {books.Decisions[index]} decisions"
                    : $"{workload.Id} is decided about, but does not wait");
            }

            if (books.Bindings[index] is { } bind)
            {
                var running = workload.CountPods(PodState.Placed) + bind.Pods.Length;
                if (running < workload.MinMember || bind.Pods.IsEmpty)
                {
                    books.Report("W8", $"{workload.Id} would run with {running} of at least {workload.MinMember} pods");
                }
            }
        }

        foreach (var (evict, workload) in books.Evictions)
        {
            CheckRemainder(books, evict, workload);
        }
    }

    private static void CheckRemainder(PlanBooks books, Evict evict, int workload)
    {
        var (before, after) = (0, 0);
        foreach (var placed in books.PlacedOf(workload))
        {
            if (placed is { IsGoing: false })
            {
                before++;
                after += placed.Eviction is null ? 1 : 0;
            }
        }

        var minMember = books.Snapshot.Workloads[workload].MinMember;
        if (before >= minMember && after > 0 && after < minMember)
        {
            books.Report("W8", $"{evict.Workload} would be left with {after} of at least {minMember} pods");
        }
    }
}
