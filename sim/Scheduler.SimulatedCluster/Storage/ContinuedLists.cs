using System.Globalization;

namespace Scheduler.SimulatedCluster.Storage;

/// <summary>
/// Lists that a client reads page by page. A page token names a snapshot kept here, so all pages show one moment. Snapshots are
/// shared references, yet they hold old versions alive: they expire after a time, and the oldest goes when there are too many.
/// </summary>
internal sealed class ContinuedLists(TimeProvider clock, TimeSpan lifetime)
{
    private const int MaxHeld = 256;
    private readonly Lock _sync = new();
    private readonly Dictionary<long, Held> _held = [];
    private readonly Queue<long> _order = new();
    private long _next = 1;

    private sealed record Held(IReadOnlyList<StoredObject> Objects, long Version, DateTimeOffset Until);

    public string Hold(IReadOnlyList<StoredObject> objects, long version, int offset)
    {
        lock (_sync)
        {
            var id = _next++;
            _held[id] = new Held(objects, version, clock.GetUtcNow() + lifetime);
            _order.Enqueue(id);
            while (_order.TryPeek(out var oldest) && (_held.Count > MaxHeld || !IsAlive(oldest)))
            {
                _order.Dequeue();
                _held.Remove(oldest);
            }

            return Token(id, offset);
        }
    }

    /// <summary>The snapshot and the place in it; null if the token is expired or was never given out.</summary>
    public (IReadOnlyList<StoredObject> Objects, long Version, int Offset, long Id)? Find(string token)
    {
        var parts = token.Split('-');
        if (parts.Length != 2 || !long.TryParse(parts[0], CultureInfo.InvariantCulture, out var id) || !int.TryParse(parts[1], CultureInfo.InvariantCulture, out var offset))
            return null;
        lock (_sync)
        {
            if (!IsAlive(id) || offset < 0 || offset > _held[id].Objects.Count)
                return null;
            return (_held[id].Objects, _held[id].Version, offset, id);
        }
    }

    public static string Token(long id, int offset) => string.Create(CultureInfo.InvariantCulture, $"{id}-{offset}");

    private bool IsAlive(long id) => _held.TryGetValue(id, out var held) && held.Until >= clock.GetUtcNow();
}
