using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Core.Model;

namespace Scheduler.Journal.Serialization;

/// <summary>A <see cref="GpuRequest"/>.</summary>
internal sealed record GpuSurrogate(GpuRequestKind Kind, int Count, int MilliEach, string? MigProfile)
{
    public static GpuSurrogate Of(GpuRequest gpu) => new(gpu.Kind, gpu.Count, gpu.MilliEach, gpu.MigProfile);

    public GpuRequest Make() => Kind switch
    {
        GpuRequestKind.None => GpuRequest.None,
        GpuRequestKind.Whole => GpuRequest.Whole(Count),
        GpuRequestKind.Fraction => GpuRequest.Fraction(MilliEach),
        GpuRequestKind.Mig => GpuRequest.Mig(MigProfile ?? "", Count),
        _ => throw new JsonException($"{Kind} is no kind of GPU request"),
    };
}

/// <summary>A <see cref="PodTerm"/>.</summary>
internal sealed record TermSurrogate(string TopologyKey, PodSelector Selector, ImmutableArray<string> Namespaces, PodSelector? NamespaceSelector)
{
    public static TermSurrogate Of(PodTerm term) => new(term.TopologyKey, term.Selector, term.Namespaces, term.NamespaceSelector);

    public PodTerm Make() => new(TopologyKey, Selector, Namespaces, NamespaceSelector);
}

/// <summary><see cref="PodRules"/>.</summary>
internal sealed record RulesSurrogate(
    string Namespace, LabelSet Labels, ImmutableArray<HostPort> HostPorts, ImmutableArray<AttachedVolume> Volumes, ImmutableArray<PodTerm> Affinity,
    ImmutableArray<PodTerm> AntiAffinity, ImmutableArray<PreferredPodTerm> Preferred, ImmutableArray<SpreadConstraint> Spread)
{
    public static RulesSurrogate Of(PodRules rules) => new(
        rules.Namespace, rules.Labels, rules.HostPorts, rules.Volumes, rules.Affinity, rules.AntiAffinity, rules.Preferred, rules.Spread);

    public PodRules Make() => PodRules.Create(Namespace, Labels, HostPorts, Volumes, Affinity, AntiAffinity, Preferred, Spread)
        ?? throw new JsonException("these rules say nothing");
}

/// <summary>A <see cref="PodShape"/>.</summary>
internal sealed record ShapeSurrogate(
    ResourceVector Requests, GpuRequest Gpu, ImmutableArray<ScalarResource> Scalars, ImmutableArray<KeyValuePair<string, string>> NodeSelector,
    ImmutableArray<NodeSelectorTerm> RequiredTerms, ImmutableArray<PreferredTerm> PreferredTerms, ImmutableArray<Toleration> Tolerations,
    ImmutableArray<ImmutableArray<NodeSelectorTerm>> VolumeTerms, PodRules? Rules)
{
    public static ShapeSurrogate Of(PodShape shape) => new(
        shape.Requests, shape.Gpu, shape.Scalars, shape.NodeSelector, shape.RequiredTerms, shape.PreferredTerms, shape.Tolerations,
        shape.VolumeTerms, shape.Rules);

    public PodShape Make() => PodShape.Create(
        Requests, Gpu, Scalars, NodeSelector, RequiredTerms, PreferredTerms, Tolerations, VolumeTerms, Rules);
}
