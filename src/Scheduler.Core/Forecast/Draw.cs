namespace Scheduler.Core.Forecast;

/// <summary>
/// Numbers that look random and follow from their arguments alone: equal questions get equal answers in any process, so that two
/// forecasts differ only where the cluster does. The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
/// </summary>
internal static class Draw
{
    /// <summary>64 bits that follow from two numbers.</summary>
    public static ulong Of(ulong a, ulong b) => Mix(Mix(a + 0x9E3779B97F4A7C15) ^ b);

    /// <summary>64 bits that follow from one.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>A number for a name: FNV-1a.</summary>
    public static ulong Salt(string name)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var character in name)
        {
            hash = (hash ^ character) * 0x100000001B3;
        }

        return hash;
    }
}
