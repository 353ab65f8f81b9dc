namespace Scheduler.Simulation.Randomness;

/// <summary>
/// Independent streams of one seed, one for each purpose, such as the arrivals of a tenant or the faults of a node. What draws
/// more or less from one does not move the others, so that schedulers are compared on the same arrivals and the same faults.
/// </summary>
/// <param name="seed">Names the whole simulation.</param>
public sealed class RandomStreams(ulong seed)
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    /// <summary>The seed.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>The stream of a purpose, from its beginning each time.</summary>
    /// <param name="purpose">What is drawn.</param>
    /// <param name="index">For which of several, such as the place of a node.</param>
    public RandomStream Open(string purpose, int index = 0)
    {
        ArgumentNullException.ThrowIfNull(purpose);
        var hash = FnvOffset;
        foreach (var character in purpose)
        {
            hash = (hash ^ character) * FnvPrime;
        }

        return new RandomStream(RandomStream.Mix(RandomStream.Mix(Seed) ^ hash) + ((ulong)(uint)index * 0xD1342543DE82EF95));
    }
}
