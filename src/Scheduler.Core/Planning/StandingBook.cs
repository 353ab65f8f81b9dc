using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// Which of a tenant's workloads are inside its guarantee: those that run, and those that a cycle starts or keeps room for.
/// Cores are counted in <see cref="StandingOrder"/>, then the surplus pods of cores that are inside; each that still fits
/// beside those before it is guaranteed, the others are on burst. What is leaving is on burst whatever its order.
/// </summary>
/// <remarks>
/// Starting a workload of high priority may push one of low priority over the line, and the books follow at once: so a
/// second look at the same cluster finds the same standing, and nothing to do.
/// </remarks>
internal sealed class StandingBook(QuotaLedger ledger, TenantNode tenant, Action<WorkloadId> moved)
{
    private readonly List<Entry> _entries = [];

    /// <summary>
    /// What of the guarantee a waiting workload must leave alone, by flavor; the total comes last. A further use is inside
    /// the guarantee if it fits beside that.
    /// </summary>
    /// <param name="workload">Who asks.</param>
    /// <param name="isSurplus">Whether for surplus.</param>
    /// <param name="includesLower">
    /// Whether lower priority is left alone too. Without it, the workload may push that over the line, which entitles it to
    /// its place but not to anything of other tenants.
    /// </param>
    public long[] UsedBeside(Workload workload, bool isSurplus, bool includesLower)
    {
        var beside = new long[ledger.Flavors.Length + 1];
        var position = Find(workload, isSurplus);
        for (var index = 0; index < _entries.Count; index++)
        {
            var entry = _entries[index];
            if (entry.IsGuaranteed && (includesLower || index < position || !IsLower(entry.Workload, workload)))
            {
                AddTo(beside, entry);
            }
        }

        return beside;
    }

    /// <summary>Counts a use in; what comes after it in the order is looked at again.</summary>
    /// <param name="workload">Whose.</param>
    /// <param name="isSurplus">Whether it is surplus of an elastic gang.</param>
    /// <param name="uses">Milli-GPU by flavor.</param>
    /// <param name="isForcedToBurst">Leaving, or surplus of a core on burst.</param>
    public Entry Insert(Workload workload, bool isSurplus, long[] uses, bool isForcedToBurst)
    {
        var entry = new Entry(workload, isSurplus, uses) { IsForcedToBurst = isForcedToBurst };
        var position = Find(workload, isSurplus);
        _entries.Insert(position, entry);
        Recount(position);
        return entry;
    }

    /// <summary>From now on the use is on burst: it was told to leave.</summary>
    public void ForceToBurst(Entry entry)
    {
        entry.IsForcedToBurst = true;
        Recount(_entries.IndexOf(entry));
    }

    /// <summary>Adds all entries at once, in any order, and counts them.</summary>
    public void Load(List<Entry> entries)
    {
        _entries.AddRange(entries);
        _entries.Sort((a, b) => Compare(a.Workload, a.IsSurplus, b.Workload, b.IsSurplus));
        Recount(0);
    }

    private static int Compare(Workload a, bool isSurplusA, Workload b, bool isSurplusB)
    {
        var order = isSurplusA.CompareTo(isSurplusB);
        return order != 0 ? order : StandingOrder.Instance.Compare(a, b);
    }

    /// <summary>Whether a workload may push another over the line: one of lower priority that can be taken back.</summary>
    private static bool IsLower(Workload other, Workload workload) =>
        other.Priority < workload.Priority && other.IsPreemptible && other.IsManaged;

    private static void AddTo(long[] sums, Entry entry)
    {
        for (var flavor = 0; flavor < entry.Uses.Length; flavor++)
        {
            sums[flavor] += entry.Uses[flavor];
            sums[^1] += entry.Uses[flavor];
        }
    }

    /// <summary>The position after all entries that come before or are equal.</summary>
    private int Find(Workload workload, bool isSurplus)
    {
        var low = 0;
        var high = _entries.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Compare(_entries[middle].Workload, _entries[middle].IsSurplus, workload, isSurplus) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void Recount(int from)
    {
        var used = new long[ledger.Flavors.Length + 1];
        for (var index = 0; index < _entries.Count; index++)
        {
            var entry = _entries[index];
            if (index >= from)
            {
                var isGuaranteed = !entry.IsForcedToBurst && !(entry.IsSurplus && IsCoreOnBurst(entry.Workload))
                    && ledger.FitsGuarantee(tenant.Index, used, entry.Uses);
                Move(entry, isGuaranteed);
            }

            if (entry.IsGuaranteed)
            {
                AddTo(used, entry);
            }
        }
    }

    private bool IsCoreOnBurst(Workload workload)
    {
        foreach (var entry in _entries)
        {
            if (entry.Workload.Id == workload.Id && !entry.IsSurplus)
            {
                return !entry.IsGuaranteed;
            }
        }

        return false;
    }

    private void Move(Entry entry, bool isGuaranteed)
    {
        if (entry.IsGuaranteed == isGuaranteed)
        {
            return;
        }

        entry.IsGuaranteed = isGuaranteed;
        moved(entry.Workload.Id);
        for (var flavor = 0; flavor < entry.Uses.Length; flavor++)
        {
            if (entry.Uses[flavor] != 0)
            {
                ledger.BookGuaranteed(tenant.Index, flavor, isGuaranteed ? entry.Uses[flavor] : -entry.Uses[flavor]);
            }
        }
    }

    /// <summary>One use.</summary>
    public sealed class Entry(Workload workload, bool isSurplus, long[] uses)
    {
        public Workload Workload { get; } = workload;

        public bool IsSurplus { get; } = isSurplus;

        public long[] Uses { get; } = uses;

        public bool IsGuaranteed { get; set; }

        public bool IsForcedToBurst { get; set; }
    }
}
