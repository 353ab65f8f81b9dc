using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// What is to come, earliest first; of equal times what was put in first. A binary heap over plain arrays, so that millions of
/// events cost no objects.
/// </summary>
/// <typeparam name="TEvent">What happens.</typeparam>
public sealed class EventQueue<TEvent>
    where TEvent : struct
{
    private (long AtMilliseconds, long Sequence, TEvent Event)[] _heap = new (long, long, TEvent)[64];
    private long _sequence;

    /// <summary>Events in the queue.</summary>
    public int Count { get; private set; }

    /// <summary>When the next one is.</summary>
    public bool TryPeek(out long atMilliseconds)
    {
        atMilliseconds = Count > 0 ? _heap[0].AtMilliseconds : 0;
        return Count > 0;
    }

    /// <summary>Puts one in.</summary>
    public void Enqueue(long atMilliseconds, in TEvent happening)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, 2 * Count);
        }

        var entry = (atMilliseconds, _sequence++, happening);
        var index = Count++;
        while (index > 0 && Precedes(entry, _heap[(index - 1) / 2]))
        {
            _heap[index] = _heap[(index - 1) / 2];
            index = (index - 1) / 2;
        }

        _heap[index] = entry;
    }

    /// <summary>Takes the next one out.</summary>
    public bool TryDequeue(out long atMilliseconds, [MaybeNullWhen(false)] out TEvent happening)
    {
        if (Count == 0)
        {
            (atMilliseconds, happening) = (0, default);
            return false;
        }

        (atMilliseconds, _, happening) = _heap[0];
        var last = _heap[--Count];
        _heap[Count] = default;
        var index = 0;
        while ((2 * index) + 1 is var child && child < Count)
        {
            child += child + 1 < Count && Precedes(_heap[child + 1], _heap[child]) ? 1 : 0;
            if (!Precedes(_heap[child], last))
            {
                break;
            }

            _heap[index] = _heap[child];
            index = child;
        }

        _heap[index] = last;
        return true;
    }

    private static bool Precedes(in (long AtMilliseconds, long Sequence, TEvent Event) a, in (long AtMilliseconds, long Sequence, TEvent Event) b) =>
        a.AtMilliseconds != b.AtMilliseconds ? a.AtMilliseconds < b.AtMilliseconds : a.Sequence < b.Sequence;
}
