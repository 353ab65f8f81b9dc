using System.Text.Json;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Extender;

/// <summary>The nodes that kube-scheduler offers: those that passed its own filters. The answer has the form of the question.</summary>
internal sealed class OfferedNodes
{
    private readonly Dictionary<string, JsonElement>? _objects;
    private readonly NodeItems? _list;
    private readonly HashSet<string> _known;

    private OfferedNodes(List<string> names, NodeItems? list, Dictionary<string, JsonElement>? objects)
    {
        _known = new HashSet<string>(names, StringComparer.Ordinal);
        Names = [.. _known.Order(StringComparer.Ordinal)];
        _list = list;
        _objects = objects;
    }

    /// <summary>Their names, sorted, each once.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <exception cref="BadExtenderRequestException">No nodes, or one without a name.</exception>
    public static OfferedNodes Of(ExtenderArgs args)
    {
        // A nodeCacheCapable extender gets names, another one whole nodes; the other field is null.
        if (args.NodeNames is { } names)
        {
            return new OfferedNodes(
                [.. names.Select((name, index) => name is { Length: > 0 } ? name : throw Nameless($"NodeNames[{index}]"))], null, null);
        }

        if (args.Nodes is not { } list)
            throw new BadExtenderRequestException("names no nodes: NodeNames (nodeCacheCapable: true) or Nodes has to be there");
        var objects = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (node, index) in (list.Items ?? []).Select((node, index) => (node, index)))
        {
            objects[JsonText.Of(node, "metadata", "name") is { Length: > 0 } name ? name : throw Nameless($"Nodes.items[{index}].metadata.name")] = node;
        }

        return new OfferedNodes([.. objects.Keys], list, objects);
    }

    public bool Contains(NodeName node) => _known.Contains(node.Value);

    /// <summary>These of the nodes pass; each of the others fails with a reason.</summary>
    public ExtenderFilterResult Pass(IReadOnlyList<string> passing, Func<string, string> reasonOf) => Result(passing, reasonOf, isFinal: false);

    /// <summary>Only this node passes.</summary>
    public ExtenderFilterResult PassOnly(NodeName node) => Result([node.Value], _ => $"Weir has chosen {node}", isFinal: true);

    /// <summary>
    /// No node passes. kube-scheduler counts equal reasons: the whole message stands at one node, the others carry its first word, or
    /// an answer about a thousand nodes would say it a thousand times.
    /// </summary>
    public ExtenderFilterResult PassNone(string reason, string message) =>
        Result([], node => Names.Count > 0 && node == Names[0] ? $"{reason}: {message}" : reason, isFinal: true);

    private ExtenderFilterResult Result(IReadOnlyList<string> passing, Func<string, string> reasonOf, bool isFinal)
    {
        var passes = passing.ToHashSet(StringComparer.Ordinal);
        var failed = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in Names.Where(name => !passes.Contains(name)))
            failed[name] = reasonOf(name);
        return new ExtenderFilterResult
        {
            NodeNames = _objects is null ? passing : null,
            Nodes = _objects is null ? null : new NodeItems { Metadata = _list!.Metadata, Items = [.. passing.Select(name => _objects[name])] },
            FailedNodes = failed,
            // Taking from others is Weir's decision: kube-scheduler need not look for victims there.
            FailedAndUnresolvableNodes = isFinal ? failed : [],
        };
    }

    private static BadExtenderRequestException Nameless(string place) => new($"{place} is not the name of a node");
}
