using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// Which of a tenant's workloads are inside its guarantee: those that run, and those that a cycle starts or keeps room
/// for. Cores are counted in <see cref="StandingOrder"/>, then the surplus pods of cores that are inside; each that still
/// fits beside those before it is guaranteed, the others are on burst. What is leaving is on burst whatever its order.
/// </summary>
/// <remarks>
/// Starting a workload of high priority may push one of low priority over the line, and the books follow at once: so a
/// second look at the same cluster finds the same standing, and nothing to do.
/// </remarks>
internal sealed class StandingBook(QuotaLedger ledger, TenantNode tenant, List<StandingEntry> moved)
{
    private readonly List<StandingEntry> _entries = [];
    private readonly long[] _inside = new long[ledger.Flavors.Length + 1];
    private readonly long[] _counted = new long[ledger.Flavors.Length + 1];
    private int _lowestPriority = int.MaxValue;

    /// <summary>How often a use that stays was pushed over the line, so that it can be reclaimed now.</summary>
    public int Demotions { get; private set; }

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
    /// <param name="beside">Receives the sums.</param>
    public void UsedBeside(Workload workload, bool isSurplus, bool includesLower, Span<long> beside)
    {
        _inside.CopyTo(beside);
        if (includesLower || _lowestPriority >= workload.Priority)
        {
            return;
        }

        for (var index = Find(workload, isSurplus); index < _entries.Count; index++)
        {
            var entry = _entries[index];
            if (entry.IsGuaranteed && IsLower(entry.Workload, workload))
            {
                for (var flavor = 0; flavor < entry.Uses.Length; flavor++)
                {
                    beside[flavor] -= entry.Uses[flavor];
                    beside[^1] -= entry.Uses[flavor];
                }
            }
        }
    }

    /// <summary>Counts a use in; what comes after it in the order is looked at again.</summary>
    public void Insert(StandingEntry entry)
    {
        var position = Find(entry.Workload, entry.IsSurplus);
        while (position > 0 && _entries[position - 1] is var before && before.Workload == entry.Workload
            && before.IsSurplus == entry.IsSurplus && before.FirstPod.CompareTo(entry.FirstPod) > 0)
        {
            position--;
        }

        _entries.Insert(position, entry);
        Note(entry);
        Recount(position);
    }

    /// <summary>Forgets a use that this cycle had counted in.</summary>
    public void Remove(StandingEntry entry)
    {
        var position = _entries.IndexOf(entry);
        Move(entry, isGuaranteed: false);
        _entries.RemoveAt(position);
        Recount(position);
    }

    /// <summary>From now on these uses are on burst: they were told to leave.</summary>
    public void ForceToBurst(HashSet<StandingEntry> entries)
    {
        var first = _entries.FindIndex(entries.Contains);
        foreach (var entry in entries)
        {
            entry.IsForcedToBurst = true;
        }

        Recount(first);
    }

    /// <summary>The use counts in its order again: a notice was taken back.</summary>
    public void Free(StandingEntry entry, bool isStillGoing)
    {
        entry.IsForcedToBurst = isStillGoing;
        Recount(_entries.IndexOf(entry));
    }

    /// <summary>Starts anew with these uses, in any order.</summary>
    public void Load(List<StandingEntry> entries)
    {
        _entries.Clear();
        _entries.AddRange(entries);
        _entries.Sort((a, b) => Compare(a.Workload, a.IsSurplus, b.Workload, b.IsSurplus) is not 0 and var order
            ? order
            : a.FirstPod.CompareTo(b.FirstPod));
        Array.Clear(_inside);
        _lowestPriority = int.MaxValue;
        foreach (var entry in _entries)
        {
            entry.IsGuaranteed = false;
            Note(entry);
        }

        var used = _counted;
        Array.Clear(used);
        foreach (var entry in _entries)
        {
            entry.IsGuaranteed = IsInside(entry, used);
            if (entry.IsGuaranteed)
            {
                AddTo(used, entry, sign: 1);
                AddTo(_inside, entry, sign: 1);
            }
        }
    }

    /// <summary>Adds everything to the ledger, which knows nothing of this tenant yet.</summary>
    public void Book()
    {
        foreach (var entry in _entries)
        {
            for (var flavor = 0; flavor < entry.Uses.Length; flavor++)
            {
                if (entry.Uses[flavor] != 0)
                {
                    ledger.Book(tenant.Index, flavor, entry.Uses[flavor]);
                    if (entry.IsGuaranteed)
                    {
                        ledger.BookGuaranteed(tenant.Index, flavor, entry.Uses[flavor]);
                    }
                }
            }
        }
    }

    private static int Compare(Workload a, bool isSurplusA, Workload b, bool isSurplusB)
    {
        var order = isSurplusA.CompareTo(isSurplusB);
        return order != 0 ? order : StandingOrder.Instance.Compare(a, b);
    }

    /// <summary>Whether a workload may push another over the line: one of lower priority that can be taken back.</summary>
    private static bool IsLower(Workload other, Workload workload) =>
        other.Priority < workload.Priority && other.IsPreemptible && other.IsManaged;

    private static void AddTo(long[] sums, StandingEntry entry, int sign)
    {
        for (var flavor = 0; flavor < entry.Uses.Length; flavor++)
        {
            sums[flavor] += sign * entry.Uses[flavor];
            sums[^1] += sign * entry.Uses[flavor];
        }
    }

    private void Note(StandingEntry entry) => _lowestPriority = Math.Min(_lowestPriority, entry.Workload.Priority);

    private bool IsInside(StandingEntry entry, long[] used) =>
        !entry.IsForcedToBurst && entry.Core is null or { IsGuaranteed: true } && ledger.FitsGuarantee(tenant.Index, used, entry.Uses);

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
        // What is inside before the position, in two ways: whichever is the shorter walk.
        var used = _counted;
        if (from > _entries.Count / 2)
        {
            _inside.CopyTo(used, 0);
            for (var index = from; index < _entries.Count; index++)
            {
                if (_entries[index].IsGuaranteed)
                {
                    AddTo(used, _entries[index], sign: -1);
                }
            }
        }
        else
        {
            Array.Clear(used);
            for (var index = 0; index < from; index++)
            {
                if (_entries[index].IsGuaranteed)
                {
                    AddTo(used, _entries[index], sign: 1);
                }
            }
        }

        for (var index = from; index < _entries.Count; index++)
        {
            var entry = _entries[index];
            Move(entry, IsInside(entry, used));
            if (entry.IsGuaranteed)
            {
                AddTo(used, entry, sign: 1);
            }
        }
    }

    private void Move(StandingEntry entry, bool isGuaranteed)
    {
        if (entry.IsGuaranteed == isGuaranteed)
        {
            return;
        }

        entry.IsGuaranteed = isGuaranteed;
        Demotions += isGuaranteed || entry.IsForcedToBurst ? 0 : 1;
        moved.Add(entry);
        AddTo(_inside, entry, isGuaranteed ? 1 : -1);
        for (var flavor = 0; flavor < entry.Uses.Length; flavor++)
        {
            if (entry.Uses[flavor] != 0)
            {
                ledger.BookGuaranteed(tenant.Index, flavor, isGuaranteed ? entry.Uses[flavor] : -entry.Uses[flavor]);
            }
        }
    }
}
