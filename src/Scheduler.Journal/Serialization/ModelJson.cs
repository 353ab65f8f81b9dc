using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Core.Scoring;

namespace Scheduler.Journal.Serialization;

/// <summary>How the planner's model is written as JSON: every settable member, by its name.</summary>
internal static class ModelJson
{
    /// <summary>Options for one segment: shapes are numbered in it, so they must not be used for another.</summary>
    public static JsonSerializerOptions ForSegment()
    {
        var options = new JsonSerializerOptions
        {
            IgnoreReadOnlyProperties = true,
            // What is absent is null when it is read; a default that is not null has to be written.
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            // Nothing of it gets into a web page.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            Converters =
            {
                new ShapeTable(),
                new SurrogateConverter<KeyValuePair<string, string>, string[]>(
                    pair => [pair.Key, pair.Value],
                    parts => parts is [var key, var value] ? KeyValuePair.Create(key, value) : throw new JsonException("a pair has two parts")),
                Id(id => id.Value, text => new NodeName(text)),
                Id(id => id.Value, text => new PodId(text)),
                Id(id => id.Value, text => new WorkloadId(text)),
                Id(id => id.Value, text => new TenantId(text)),
                Id(id => id.Value, text => new FlavorId(text)),
                new SurrogateConverter<GpuRequest, GpuSurrogate>(GpuSurrogate.Of, surrogate => surrogate.Make()),
                new SurrogateConverter<PodTerm, TermSurrogate>(TermSurrogate.Of, surrogate => surrogate.Make()),
                new SurrogateConverter<PodRules, RulesSurrogate>(RulesSurrogate.Of, surrogate => surrogate.Make()),
                new SurrogateConverter<LabelSet, ImmutableArray<KeyValuePair<string, string>>>(labels => labels.Labels, pairs => LabelSet.Of(pairs)),
                new SurrogateConverter<ShapeMix, ImmutableArray<long>>(mix => mix.ToFigures(), figures => ShapeMix.FromFigures(figures.AsSpan())),
                new SurrogateConverter<TenantTree, ImmutableArray<Tenant>>(tree => [.. tree.Nodes.Select(node => node.Tenant)], Tree),
                new OrdinalDictionaryConverter<string>(),
                new OrdinalDictionaryConverter<int>(),
                new OrdinalDictionaryConverter<LabelSet>(),
                new JsonStringEnumConverter(),
            },
        };
        return options;
    }

    private static SurrogateConverter<T, string> Id<T>(Func<T, string> toText, Func<string, T> make) => new(toText, make);

    private static TenantTree Tree(ImmutableArray<Tenant> tenants) => TenantTree.TryCreate(tenants, out var tree, out var errors)
        ? tree
        : throw new JsonException($"the tenants are not acceptable to this version: {errors[0]}");
}
