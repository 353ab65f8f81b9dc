namespace Scheduler.SimulatedCluster.Storage;

/// <summary>Suffixes for generateName: five letters and digits that spell no words.</summary>
internal static class NameGenerator
{
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";
    private const int SuffixLength = 5;
    private const int MaxBaseLength = 63 - SuffixLength;

    public static string Generate(string prefix, Random random)
    {
        if (prefix.Length > MaxBaseLength)
            prefix = prefix[..MaxBaseLength];
        return prefix + random.GetString(Alphabet, SuffixLength);
    }
}
