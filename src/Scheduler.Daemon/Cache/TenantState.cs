using System.Collections.Immutable;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <summary>What became of one Tenant object; written into its condition Accepted.</summary>
/// <param name="Record">The object.</param>
/// <param name="IsAccepted">Whether the planner works with exactly this version of it.</param>
/// <param name="Reason">Accepted, Invalid or SetRefused.</param>
/// <param name="Message">Every error with its path, or why it is not in force.</param>
internal sealed record TenantVerdict(TenantRecord Record, bool IsAccepted, string Reason, string Message);

/// <summary>
/// The tenants in force. A set with any error changes nothing: the last accepted set stays. Before the first accepted set (after
/// a restart) the tenants that no error names are taken, so that one mistake does not leave everybody without a tenant.
/// Not safe for concurrent use: ClusterCache holds its lock.
/// </summary>
internal sealed class TenantState
{
    private readonly SortedDictionary<string, TenantRecord> _records = new(StringComparer.Ordinal);
    private Dictionary<string, TenantRecord> _accepted = [];
    private bool _wasAccepted;

    public TenantTree Tree { get; private set; } = TenantTree.Empty;

    public ImmutableArray<TenantVerdict> Verdicts { get; private set; } = [];

    /// <summary>Every error of the present set; empty if it is in force.</summary>
    public ImmutableArray<ConfigurationError> Errors { get; private set; } = [];

    /// <summary>True if the tree in force changed.</summary>
    public bool Replace(IEnumerable<TenantRecord> records)
    {
        var present = records.ToList();
        var isSame = present.Count == _records.Count && present.All(IsKnown);
        _records.Clear();
        foreach (var record in present)
            _records[record.Name] = record;
        if (!isSame)
            return Evaluate();
        NoteStatuses();
        return false;
    }

    /// <inheritdoc cref="Replace"/>
    public bool Upsert(TenantRecord record)
    {
        var isSame = IsKnown(record);
        _records[record.Name] = record;
        if (!isSame)
            return Evaluate();
        NoteStatuses();
        return false;
    }

    /// <inheritdoc cref="Replace"/>
    public bool Delete(TenantRecord record) => _records.Remove(record.Name) && Evaluate();

    private bool IsKnown(TenantRecord record) =>
        record.Generation != 0 && _records.TryGetValue(record.Name, out var known) && known.Generation == record.Generation && known.Uid == record.Uid;

    // A write to a status, our own above all, changes no tenant; only what it carries now is noted.
    private void NoteStatuses() => Verdicts = [.. Verdicts.Select(verdict => verdict with { Record = _records[verdict.Record.Name] })];

    private bool Evaluate()
    {
        Errors = Check(_records.Values, out var tree);
        if (tree is not null)
        {
            _wasAccepted = true;
            return Accept(tree, _records.Values);
        }

        var changed = false;
        if (!_wasAccepted)
        {
            var (partial, taken) = LargestValidPart();
            changed = Accept(partial, taken);
        }

        Verdicts = [.. _records.Values.Select(Judge)];
        return changed;
    }

    private bool Accept(TenantTree tree, IEnumerable<TenantRecord> records)
    {
        // A new generation with the old content, an edit that was taken back say, is no new tree.
        var isNew = tree.Nodes.Length != Tree.Nodes.Length
            || !tree.Nodes.Zip(Tree.Nodes).All(pair => ModelComparison.AreEqual(pair.First.Tenant, pair.Second.Tenant));
        if (isNew)
            Tree = tree;
        _accepted = records.ToDictionary(record => record.Name, StringComparer.Ordinal);
        Verdicts = [.. _records.Values.Select(Judge)];
        return isNew;
    }

    private (TenantTree Tree, List<TenantRecord> Taken) LargestValidPart()
    {
        var left = _records.Values.ToList();
        // Each round drops at least one, so this ends.
        while (left.Count > 0)
        {
            var errors = Check(left, out var tree);
            if (tree is not null)
                return (tree, left);
            if (left.RemoveAll(record => errors.Any(error => Concerns(error, record.Name))) == 0)
                break;
        }

        return (TenantTree.Empty, []);
    }

    private static ImmutableArray<ConfigurationError> Check(IEnumerable<TenantRecord> records, out TenantTree? tree)
    {
        var all = records.ToList();
        TenantTree.TryCreate(all.Select(record => record.Tenant), out tree, out var errors);
        var own = all.SelectMany(record => record.Errors).ToImmutableArray();
        if (!own.IsEmpty)
            tree = null;
        return own.AddRange(errors);
    }

    private TenantVerdict Judge(TenantRecord record)
    {
        var own = Errors.Where(error => Concerns(error, record.Name)).ToList();
        if (own.Count > 0)
            return new TenantVerdict(record, false, "Invalid", string.Join("; ", own));
        var isInForce = _accepted.TryGetValue(record.Name, out var accepted) && accepted.Uid == record.Uid && accepted.Generation == record.Generation;
        if (isInForce)
            return new TenantVerdict(record, true, "Accepted", "in force");
        var culprits = _records.Keys.Where(name => Errors.Any(error => Concerns(error, name)));
        return new TenantVerdict(record, false, "SetRefused",
            $"not in force yet: the tenants are taken over together, and {string.Join(", ", culprits)} has errors");
    }

    private bool Concerns(ConfigurationError error, string tenant) => string.Equals(Concerned(error), tenant, StringComparison.Ordinal);

    // Names may contain dots, like the paths: the longest name that fits is the one that is meant.
    private string? Concerned(ConfigurationError error) =>
        _records.Keys.Where(name => IsPathOf(error.Path, name)).MaxBy(name => name.Length);

    private static bool IsPathOf(string path, string tenant)
    {
        const string Prefix = "tenant/";
        return path.StartsWith(Prefix, StringComparison.Ordinal)
            && path.AsSpan(Prefix.Length).StartsWith(tenant, StringComparison.Ordinal)
            && (path.Length == Prefix.Length + tenant.Length || path[Prefix.Length + tenant.Length] is '.' or '[');
    }
}
