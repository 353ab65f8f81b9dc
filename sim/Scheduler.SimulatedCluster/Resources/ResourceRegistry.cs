namespace Scheduler.SimulatedCluster.Resources;

/// <summary>What the server serves now. Reads see one immutable table; definitions of custom resources replace it.</summary>
internal sealed class ResourceRegistry
{
    private readonly Lock _sync = new();
    private volatile Table _table;

    private sealed record Table(
        IReadOnlyDictionary<(string Group, string Version, string Plural), ResourceType> ByPath,
        IReadOnlyList<ResourceType> All);

    public ResourceRegistry(IEnumerable<ResourceType> builtIn)
    {
        _table = Build([.. builtIn]);
    }

    public IReadOnlyList<ResourceType> All => _table.All;

    public ResourceType? Find(string group, string version, string plural) =>
        _table.ByPath.GetValueOrDefault((group, version, plural));

    public ResourceType? FindKind(string apiVersion, string kind) =>
        _table.All.FirstOrDefault(t => t.ApiVersion == apiVersion && t.Kind == kind);

    public ResourceType Require(string group, string plural) =>
        _table.All.First(t => t.Group == group && t.Plural == plural);

    /// <summary>Replaces all versions of one custom resource; none removes it.</summary>
    public void ReplaceCustom(string group, string plural, IReadOnlyList<ResourceType> versions)
    {
        lock (_sync)
            _table = Build([.. _table.All.Where(t => !(t.IsCustom && t.Group == group && t.Plural == plural)), .. versions]);
    }

    public bool IsBuiltIn(string group, string plural) => _table.All.Any(t => !t.IsCustom && t.Group == group && t.Plural == plural);

    private static Table Build(IReadOnlyList<ResourceType> all) =>
        new(all.ToDictionary(t => (t.Group, t.Version, t.Plural)), all);
}
