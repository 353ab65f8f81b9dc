using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Journal.Serialization;

/// <summary>
/// How a snapshot differs from an earlier one. What did not change is mostly the same object in both (see
/// <see cref="ClusterSnapshot.Next"/>), so this is one walk over references.
/// </summary>
internal static class SnapshotDifference
{
    /// <summary>The snapshot that the first cycle of a segment is compared with.</summary>
    public static ClusterSnapshot Empty => new ClusterSnapshotBuilder().Build();

    public static CycleRecord Fill(CycleRecord record, ClusterSnapshot before, ClusterSnapshot after)
    {
        var (nodes, removedNodes) = Compare(before.Nodes, after.Nodes, node => node.Name);
        var (workloads, removedWorkloads) = Compare(before.Workloads, after.Workloads, workload => workload.Id);
        return record with
        {
            Nodes = nodes,
            RemovedNodes = removedNodes,
            Workloads = workloads,
            RemovedWorkloads = removedWorkloads,
            Tenants = ReferenceEquals(before.Tenants, after.Tenants) ? null : after.Tenants,
            DisruptionsAllowed = AreSame(before.DisruptionsAllowed, after.DisruptionsAllowed) ? null : after.DisruptionsAllowed,
            Namespaces = AreSame(before.Namespaces, after.Namespaces) ? null : after.Namespaces,
            Mix = before.Mix.Equals(after.Mix) ? null : after.Mix,
        };
    }

    /// <summary>Both arrays are sorted by their ids.</summary>
    private static (ImmutableArray<T> Changed, ImmutableArray<TId> Removed) Compare<T, TId>(
        ImmutableArray<T> before, ImmutableArray<T> after, Func<T, TId> idOf)
        where T : class
        where TId : struct, IComparable<TId>
    {
        var changed = ImmutableArray.CreateBuilder<T>();
        var removed = ImmutableArray.CreateBuilder<TId>();
        var (old, now) = (0, 0);
        while (old < before.Length || now < after.Length)
        {
            if (old < before.Length && now < after.Length && ReferenceEquals(before[old], after[now]))
            {
                (old, now) = (old + 1, now + 1);
                continue;
            }

            var order = old == before.Length ? 1 : now == after.Length ? -1 : idOf(before[old]).CompareTo(idOf(after[now]));
            if (order < 0)
            {
                removed.Add(idOf(before[old++]));
                continue;
            }

            changed.Add(after[now++]);
            old += order == 0 ? 1 : 0;
        }

        return (changed.DrainToImmutable(), removed.DrainToImmutable());
    }

    private static bool AreSame<T>(ImmutableSortedDictionary<string, T> a, ImmutableSortedDictionary<string, T> b) =>
        ReferenceEquals(a, b) || a.SequenceEqual(b);
}
