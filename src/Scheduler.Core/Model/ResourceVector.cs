using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>
/// What a pod asks for, or a node has, besides GPUs. Integers only.
/// </summary>
/// <param name="MilliCpu">CPU in thousandths of a core.</param>
/// <param name="MemoryBytes">Memory in bytes.</param>
/// <param name="EphemeralStorageBytes">Local ephemeral storage in bytes.</param>
public readonly record struct ResourceVector(long MilliCpu, long MemoryBytes, long EphemeralStorageBytes = 0)
{
    /// <summary>Nothing.</summary>
    public static readonly ResourceVector Zero;

    /// <summary>Sum, component by component.</summary>
    public static ResourceVector operator +(ResourceVector a, ResourceVector b) =>
        new(a.MilliCpu + b.MilliCpu, a.MemoryBytes + b.MemoryBytes, a.EphemeralStorageBytes + b.EphemeralStorageBytes);

    /// <summary>Difference, component by component; may be negative.</summary>
    public static ResourceVector operator -(ResourceVector a, ResourceVector b) =>
        new(a.MilliCpu - b.MilliCpu, a.MemoryBytes - b.MemoryBytes, a.EphemeralStorageBytes - b.EphemeralStorageBytes);

    /// <summary>
    /// Whether this request fits into <paramref name="free"/>. What is not asked for always fits, even where
    /// <paramref name="free"/> is negative because somebody else over-committed the node.
    /// </summary>
    public bool FitsIn(in ResourceVector free) =>
        (MilliCpu <= 0 || MilliCpu <= free.MilliCpu)
        && (MemoryBytes <= 0 || MemoryBytes <= free.MemoryBytes)
        && (EphemeralStorageBytes <= 0 || EphemeralStorageBytes <= free.EphemeralStorageBytes);
}

/// <summary>
/// An amount of an extended resource other than GPUs, such as <c>rdma/hca</c> or <c>hugepages-2Mi</c>.
/// </summary>
/// <param name="Name">The resource name as the API writes it.</param>
/// <param name="Amount">Amount in the resource's own unit.</param>
public readonly record struct ScalarResource(string Name, long Amount)
{
    /// <summary>Sorts by name, adds up equal names and drops what is zero.</summary>
    public static ImmutableArray<ScalarResource> Normalise(IEnumerable<ScalarResource> resources)
    {
        var sums = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var resource in resources)
        {
            sums[resource.Name] = sums.GetValueOrDefault(resource.Name) + resource.Amount;
        }

        return [.. sums.Where(pair => pair.Value != 0).Select(pair => new ScalarResource(pair.Key, pair.Value))];
    }
}
