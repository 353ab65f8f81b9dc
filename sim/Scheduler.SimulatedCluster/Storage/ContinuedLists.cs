using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.SimulatedCluster.Storage;

/// <summary>
/// Where the next page of a list begins: in a kept snapshot (<see cref="List"/>, <see cref="Offset"/>), or, where that is gone, after
/// an object. <see cref="List"/> 0 means after that object in the present state, which is not the state that the first page showed.
/// </summary>
internal sealed record ContinueToken(long List, int Offset, string Namespace, string Name)
{
    [JsonIgnore]
    public ObjectKey After => new(Namespace, Name);

    /// <summary>The same place in the present state.</summary>
    [JsonIgnore]
    public ContinueToken Inconsistent => this with { List = 0, Offset = 0 };

    /// <summary>The text that clients hand back; safe in a query string.</summary>
    public string Encode() =>
        Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(this)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    /// <summary>Reads <see cref="Encode"/>'s text; null if it is something else.</summary>
    public static ContinueToken? Decode(string text)
    {
        var padded = text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '=');
        var bytes = new byte[padded.Length];
        if (!Convert.TryFromBase64String(padded, bytes, out var length))
            return null;
        try
        {
            var token = JsonSerializer.Deserialize<ContinueToken>(Encoding.UTF8.GetString(bytes, 0, length));
            return token is { Namespace: not null, Name: not null, Offset: >= 0 } ? token : null;
        }
        catch (JsonException)
        {
            return null; // base64 of something else
        }
    }
}

/// <summary>
/// Lists that a client reads page by page. A token names a snapshot kept here, so all pages show one moment. Snapshots are
/// shared references, yet they hold old versions alive: they expire after a time, with a compaction of the history, and the oldest
/// goes when there are too many.
/// </summary>
internal sealed class ContinuedLists(VersionedStore store, TimeProvider clock, TimeSpan lifetime)
{
    private const int MaxHeld = 256;
    private readonly Lock _sync = new();
    private readonly Dictionary<long, Held> _held = [];
    private readonly Queue<long> _order = new();
    private long _next = 1;

    private sealed record Held(IReadOnlyList<StoredObject> Objects, long Version, DateTimeOffset Until);

    /// <summary>Keeps a list whose first <paramref name="offset"/> objects have been told.</summary>
    public ContinueToken Hold(IReadOnlyList<StoredObject> objects, long version, int offset)
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

            return At(id, offset, objects);
        }
    }

    /// <summary>The snapshot of a token; null if it is expired.</summary>
    public (IReadOnlyList<StoredObject> Objects, long Version)? Find(ContinueToken token)
    {
        lock (_sync)
        {
            if (!IsAlive(token.List) || token.Offset > _held[token.List].Objects.Count)
                return null;
            return (_held[token.List].Objects, _held[token.List].Version);
        }
    }

    /// <summary>The token for what follows the first <paramref name="offset"/> objects of a list.</summary>
    public static ContinueToken At(long list, int offset, IReadOnlyList<StoredObject> objects) =>
        new(list, offset, objects[offset - 1].Key.Namespace, objects[offset - 1].Key.Name);

    private bool IsAlive(long id) =>
        _held.TryGetValue(id, out var held) && held.Until >= clock.GetUtcNow() && held.Version >= store.CompactedThrough;
}
