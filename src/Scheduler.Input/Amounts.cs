namespace Scheduler.Input;

/// <summary>Amounts that more than one file has.</summary>
internal static class Amounts
{
    public static long? Bytes(YamlMap map, string name)
    {
        if (!map.Has(name))
        {
            return null;
        }

        if (map.Quantity(name) is { } text && AmountText.TryBytes(text, out var bytes) && bytes > 0)
        {
            return bytes;
        }

        map.Error(name, "must be an amount of memory above 0 such as 512Mi or 16Gi");
        return null;
    }
}

/// <summary>The names that Kubernetes takes.</summary>
internal static class KubernetesName
{
    public const string Rule = "use lower-case letters, digits and '-', at most 50 characters, beginning and ending with a letter or digit";

    /// <summary>Leaves room in the 63 characters of a label for the numbers that controllers append.</summary>
    private const int MaxLength = 50;

    public static bool IsValid(string name) =>
        name.Length is >= 1 and <= MaxLength
        && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-')
        && name[0] != '-' && name[^1] != '-';
}
