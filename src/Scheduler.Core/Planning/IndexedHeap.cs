namespace Scheduler.Core.Planning;

/// <summary>
/// A priority queue over small integers whose priorities can change: the highest score on top, the lowest number among
/// equals, so that the order is total.
/// </summary>
/// <param name="positions">
/// Where each number is in its heap, or -1. Heaps that never hold the same number may share one array.
/// </param>
internal sealed class IndexedHeap(int[] positions)
{
    private (long Score, int Item)[] _heap = new (long, int)[16];
    private int _count;

    /// <summary>Whether nothing is in it.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>The best entry.</summary>
    public (long Score, int Item) Top => _heap[0];

    /// <summary>Adds a number, or changes its score.</summary>
    public void Set(int item, long score)
    {
        var position = positions[item];
        if (position < 0)
        {
            if (_count == _heap.Length)
            {
                Array.Resize(ref _heap, _count * 2);
            }

            position = _count++;
        }

        _heap[position] = (score, item);
        positions[item] = position;
        Sift(position);
    }

    /// <summary>Removes a number if it is there.</summary>
    public void Remove(int item)
    {
        var position = positions[item];
        if (position < 0)
        {
            return;
        }

        positions[item] = -1;
        var last = _heap[--_count];
        if (position == _count)
        {
            return;
        }

        _heap[position] = last;
        positions[last.Item] = position;
        Sift(position);
    }

    private static bool IsBefore(in (long Score, int Item) a, in (long Score, int Item) b) =>
        a.Score > b.Score || (a.Score == b.Score && a.Item < b.Item);

    private void Sift(int position)
    {
        var entry = _heap[position];
        position = OpenUp(position, entry);
        position = OpenDown(position, entry);
        _heap[position] = entry;
        positions[entry.Item] = position;
    }

    /// <summary>Moves parents down while the entry belongs above them; returns where it belongs.</summary>
    private int OpenUp(int position, in (long Score, int Item) entry)
    {
        while (position > 0 && IsBefore(entry, _heap[(position - 1) / 2]))
        {
            Move((position - 1) / 2, position);
            position = (position - 1) / 2;
        }

        return position;
    }

    /// <summary>Moves children up while the entry belongs below them; returns where it belongs.</summary>
    private int OpenDown(int position, in (long Score, int Item) entry)
    {
        for (var child = (2 * position) + 1; child < _count; child = (2 * position) + 1)
        {
            if (child + 1 < _count && IsBefore(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!IsBefore(_heap[child], entry))
            {
                break;
            }

            Move(child, position);
            position = child;
        }

        return position;
    }

    private void Move(int from, int to)
    {
        _heap[to] = _heap[from];
        positions[_heap[to].Item] = to;
    }
}
