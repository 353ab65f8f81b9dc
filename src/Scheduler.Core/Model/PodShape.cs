using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>
/// Everything about a pod that decides on which nodes it can run. Replicas have equal shapes; the planner evaluates a
/// node once per shape, not once per pod. Equality is by <see cref="Key"/>.
/// </summary>
public sealed class PodShape : IEquatable<PodShape>
{
    private readonly int _hashCode;
    private PodShape? _base;

    private PodShape(string key)
    {
        Key = key;
        _hashCode = StringComparer.Ordinal.GetHashCode(key);
    }

    /// <summary>Canonical text of the shape: equal shapes have equal keys, in every process.</summary>
    public string Key { get; }

    /// <summary>CPU, memory and local storage.</summary>
    public ResourceVector Requests { get; private init; }

    /// <summary>GPUs.</summary>
    public GpuRequest Gpu { get; private init; }

    /// <summary>Other extended resources, sorted by name, none of them zero.</summary>
    public ImmutableArray<ScalarResource> Scalars { get; private init; }

    /// <summary>Labels that the node must carry (<c>spec.nodeSelector</c>), sorted by key.</summary>
    public ImmutableArray<KeyValuePair<string, string>> NodeSelector { get; private init; }

    /// <summary>Required node affinity: one of these terms must match. Empty: no requirement.</summary>
    public ImmutableArray<NodeSelectorTerm> RequiredTerms { get; private init; }

    /// <summary>Preferred node affinity.</summary>
    public ImmutableArray<PreferredTerm> PreferredTerms { get; private init; }

    /// <summary>Tolerations.</summary>
    public ImmutableArray<Toleration> Tolerations { get; private init; }

    /// <summary>Node affinity of its volumes: of each of these, one term must match.</summary>
    public ImmutableArray<ImmutableArray<NodeSelectorTerm>> VolumeTerms { get; private init; } = [];

    /// <summary>What it says about the pods beside it; null if nothing.</summary>
    public PodRules? Rules { get; private init; }

    /// <summary>The same without <see cref="Rules"/>: what decides on a node by itself. This one, if there are none.</summary>
    public PodShape Base => _base ?? this;

    /// <summary>Makes a shape. Unset lists are empty.</summary>
    public static PodShape Create(
        ResourceVector requests,
        GpuRequest gpu,
        IEnumerable<ScalarResource>? scalars = null,
        IEnumerable<KeyValuePair<string, string>>? nodeSelector = null,
        ImmutableArray<NodeSelectorTerm> requiredTerms = default,
        ImmutableArray<PreferredTerm> preferredTerms = default,
        ImmutableArray<Toleration> tolerations = default,
        ImmutableArray<ImmutableArray<NodeSelectorTerm>> volumeTerms = default,
        PodRules? rules = null)
    {
        var sortedScalars = ScalarResource.Normalise(scalars ?? []);
        ImmutableArray<KeyValuePair<string, string>> selector =
            [.. (nodeSelector ?? []).OrderBy(pair => pair.Key, StringComparer.Ordinal)];
        requiredTerms = requiredTerms.IsDefault ? [] : requiredTerms;
        preferredTerms = preferredTerms.IsDefault ? [] : preferredTerms;
        tolerations = tolerations.IsDefault ? [] : tolerations;
        volumeTerms = volumeTerms.IsDefault ? [] : volumeTerms;

        var key = MakeKey(requests, gpu, sortedScalars, selector, requiredTerms, preferredTerms, tolerations, volumeTerms);
        return new PodShape(key)
        {
            Requests = requests,
            Gpu = gpu,
            Scalars = sortedScalars,
            NodeSelector = selector,
            RequiredTerms = requiredTerms,
            PreferredTerms = preferredTerms,
            Tolerations = tolerations,
            VolumeTerms = volumeTerms,
        }.With(rules);
    }

    /// <summary>The same with other rules.</summary>
    public PodShape With(PodRules? rules) => Equals(Rules, rules) ? this : rules is null ? Base : Copy(Base, Base.Key + rules.Key, rules);

    /// <summary>The same with the node affinity of its volumes.</summary>
    public PodShape WithVolumeTerms(ImmutableArray<ImmutableArray<NodeSelectorTerm>> terms) => terms.IsEmpty && VolumeTerms.IsEmpty
        ? this
        : Create(Requests, Gpu, Scalars, NodeSelector, RequiredTerms, PreferredTerms, Tolerations, terms, Rules);

    private static PodShape Copy(PodShape shape, string key, PodRules rules) => new(key)
    {
        _base = shape,
        Requests = shape.Requests,
        Gpu = shape.Gpu,
        Scalars = shape.Scalars,
        NodeSelector = shape.NodeSelector,
        RequiredTerms = shape.RequiredTerms,
        PreferredTerms = shape.PreferredTerms,
        Tolerations = shape.Tolerations,
        VolumeTerms = shape.VolumeTerms,
        Rules = rules,
    };

    /// <inheritdoc />
    public bool Equals(PodShape? other) =>
        ReferenceEquals(this, other) || (other is not null && string.Equals(Key, other.Key, StringComparison.Ordinal));

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as PodShape);

    /// <summary>For use in dictionaries only; never enters an order.</summary>
    public override int GetHashCode() => _hashCode;

    private static string MakeKey(
        ResourceVector requests,
        GpuRequest gpu,
        ImmutableArray<ScalarResource> scalars,
        ImmutableArray<KeyValuePair<string, string>> selector,
        ImmutableArray<NodeSelectorTerm> required,
        ImmutableArray<PreferredTerm> preferred,
        ImmutableArray<Toleration> tolerations,
        ImmutableArray<ImmutableArray<NodeSelectorTerm>> volumeTerms)
    {
        var key = new KeyBuilder()
            .Add(requests.MilliCpu).Add(requests.MemoryBytes).Add(requests.EphemeralStorageBytes)
            .Add((int)gpu.Kind).Add(gpu.Count).Add(gpu.MilliEach).Add(gpu.MigProfile ?? "");

        key.Add(scalars.Length);
        foreach (var scalar in scalars)
        {
            key.Add(scalar.Name).Add(scalar.Amount);
        }

        key.Add(selector.Length);
        foreach (var (name, value) in selector)
        {
            key.Add(name).Add(value);
        }

        key.Add(required.Length);
        foreach (var term in required)
        {
            term.AppendTo(key);
        }

        key.Add(preferred.Length);
        foreach (var (weight, term) in preferred)
        {
            term.AppendTo(key.Add(weight));
        }

        key.Add(tolerations.Length);
        foreach (var toleration in tolerations)
        {
            key.Add(toleration.Key).Add(toleration.MatchesAnyValue ? 1 : 0).Add(toleration.Value)
                .Add(toleration.Effect is { } effect ? (int)effect : -1);
        }

        key.Add(volumeTerms.Length);
        foreach (var terms in volumeTerms)
        {
            key.Add(terms.Length);
            foreach (var term in terms)
            {
                term.AppendTo(key);
            }
        }

        return key.ToString();
    }
}
