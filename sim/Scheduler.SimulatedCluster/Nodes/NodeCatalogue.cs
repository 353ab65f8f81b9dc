using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Nodes;
using Scheduler.SimulatedCluster.Strategies;

namespace Scheduler.SimulatedCluster;

/// <summary>
/// Reads nodes from files. The YAML form lists groups under <c>nodes</c>; everything but a name is optional:
/// <code>
/// nodes:
/// - namePrefix: a100-          # a100-0, a100-1, …; or name: for a single node
///   count: 16                  # default 1
///   cpu: 96                    # quantity, default 96
///   memory: 1Ti                # quantity, default 1Ti
///   pods: 110                  # default 110
///   gpus: 8                    # default 0
///   gpuModel: NVIDIA-A100-SXM4-80GB
///   mig: {1g.5gb: 7}           # instances per profile
///   labels: {topology.kubernetes.io/zone: a}
///   taints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]
/// </code>
/// The CSV form is the node list of the openb trace: <c>sn,cpu_milli,memory_mib,gpu,model</c>.
/// </summary>
public static class NodeCatalogue
{
    /// <summary>The most nodes that one file may describe.</summary>
    public const int MaxNodes = 100_000;

    private static readonly string[] KnownFields = ["name", "namePrefix", "count", "cpu", "memory", "pods", "gpus", "gpuModel", "mig", "labels", "taints"];
    private static readonly string[] Effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

    /// <summary>Reads the YAML form.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="CatalogueException">The file is wrong; every error is reported with its place.</exception>
    public static IReadOnlyList<SimulatedNode> ParseYaml(string yaml, string source)
    {
        var errors = new List<string>();
        var nodes = new List<SimulatedNode>();
        try
        {
            var documents = YamlDocuments.Parse(yaml);
            if (documents.Count != 1 || documents[0] is not JsonObject root)
                errors.Add("the file must be one object with the member nodes");
            else
                ReadRoot(root, nodes, errors);
        }
        catch (FormatException e)
        {
            errors.Add(e.Message);
        }

        foreach (var twice in nodes.GroupBy(n => n.Name, StringComparer.Ordinal).Where(g => g.Count() > 1))
            errors.Add($"nodes: {twice.Count()} nodes are named {twice.Key}");
        if (errors.Count > 0)
            throw new CatalogueException([.. errors.Select(e => $"{source}: {e}")]);
        return nodes;
    }

    private static void ReadRoot(JsonObject root, List<SimulatedNode> nodes, List<string> errors)
    {
        foreach (var (name, _) in root.Where(m => m.Key != "nodes"))
            errors.Add($"{name}: unknown field");
        if (root.ArrayAt("nodes") is not { } groups)
        {
            errors.Add("nodes: must be a list");
            return;
        }

        for (var i = 0; i < groups.Count; i++)
        {
            if (groups[i] is JsonObject group)
                new GroupReader(group, $"nodes[{i}]", errors).Read(nodes);
            else
                errors.Add($"nodes[{i}]: must be an object");
        }
    }

    private sealed class GroupReader(JsonObject group, string at, List<string> errors)
    {
        public void Read(List<SimulatedNode> nodes)
        {
            var before = errors.Count;
            foreach (var (name, _) in group.Where(m => !KnownFields.Contains(m.Key)))
                errors.Add($"{at}.{name}: unknown field (known: {string.Join(", ", KnownFields)})");
            var count = Integer("count", 1, 1, MaxNodes);
            var template = new SimulatedNode
            {
                Name = "",
                CpuMillis = (long)(Amount("cpu", 96) * 1000),
                MemoryBytes = (long)Amount("memory", 1L << 40),
                Pods = Integer("pods", 110, 1, 10_000),
                Gpus = Integer("gpus", 0, 0, 1024),
                GpuModel = Text("gpuModel"),
                MigProfiles = Profiles(),
                Labels = Labels(),
                Taints = Taints(),
            };
            var names = Names(count);
            if (nodes.Count + names.Count > MaxNodes)
                errors.Add($"{at}.count: more than {MaxNodes} nodes in all");
            if (errors.Count == before)
                nodes.AddRange(names.Select(name => template with { Name = name }));
        }

        private List<string> Names(int count)
        {
            var (name, prefix) = (Text("name"), Text("namePrefix"));
            if (name is null == prefix is null)
                errors.Add($"{at}: needs either name or namePrefix");
            else if (name is not null && count != 1)
                errors.Add($"{at}.count: {count} nodes cannot share one name; use namePrefix");
            else
            {
                List<string> names = name is not null ? [name] : [.. Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"{prefix}{i}"))];
                if (NameRules.Subdomain(names[0]) is { } wrong)
                    errors.Add($"{at}.{(name is null ? "namePrefix" : "name")}: {wrong}");
                return names;
            }

            return [];
        }

        private string? Text(string name)
        {
            if (group.At(name) is null)
                return null;
            if (group.StringAt(name) is { Length: > 0 } text)
                return text;
            errors.Add($"{at}.{name}: must be a text");
            return null;
        }

        private int Integer(string name, int byDefault, int least, int most)
        {
            if (group.At(name) is null)
                return byDefault;
            if (group.LongAt(name) is { } value && value >= least && value <= most)
                return (int)value;
            errors.Add($"{at}.{name}: must be an integer from {least} to {most}");
            return byDefault;
        }

        private decimal Amount(string name, decimal byDefault)
        {
            if (group.At(name) is not { } node)
                return byDefault;
            if (Quantity.TryParse(PodDefaults.Text(node), out var value) && value > 0 && value < 1L << 60)
                return value;
            errors.Add($"{at}.{name}: must be a quantity above 0, such as 96 or 512Gi");
            return byDefault;
        }

        private Dictionary<string, int> Profiles()
        {
            var profiles = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var (profile, node) in Map("mig"))
            {
                if (JsonAccess.AsLong(node) is >= 1 and <= 10_000 and var count)
                    profiles[profile] = (int)count;
                else
                    errors.Add($"{at}.mig.{profile}: must be an integer from 1 to 10000");
                if (NameRules.QualifiedName("nvidia.com/mig-" + profile) is not null)
                    errors.Add($"{at}.mig.{profile}: is no MIG profile such as 1g.5gb");
            }

            return profiles;
        }

        private Dictionary<string, string> Labels()
        {
            var labels = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (key, node) in Map("labels"))
            {
                var value = node.StringAt();
                if (NameRules.QualifiedName(key) is { } wrongKey)
                    errors.Add($"{at}.labels.{key}: {wrongKey}");
                else if (value is null)
                    errors.Add($"{at}.labels.{key}: must be a text (put it into quotes)");
                else if (NameRules.LabelValue(value) is { } wrong)
                    errors.Add($"{at}.labels.{key}: {wrong}");
                else
                    labels[key] = value;
            }

            return labels;
        }

        private JsonObject Map(string name)
        {
            if (group.At(name) is null or JsonObject)
                return group.ObjectAt(name) ?? [];
            errors.Add($"{at}.{name}: must be an object");
            return [];
        }

        private List<SimulatedTaint> Taints()
        {
            var taints = new List<SimulatedTaint>();
            if (group.At("taints") is not (null or JsonArray))
                errors.Add($"{at}.taints: must be a list");
            var index = 0;
            foreach (var node in group.ArrayAt("taints") ?? [])
            {
                var place = $"{at}.taints[{index++}]";
                foreach (var (name, _) in (node as JsonObject ?? []).Where(m => m.Key is not ("key" or "value" or "effect")))
                    errors.Add($"{place}.{name}: unknown field");
                var (key, effect) = (node.StringAt("key"), node.StringAt("effect"));
                if (key is null || NameRules.QualifiedName(key) is not null)
                    errors.Add($"{place}.key: must be a qualified name");
                else if (effect is null || !Effects.Contains(effect))
                    errors.Add($"{place}.effect: must be one of {string.Join(", ", Effects)}");
                else
                    taints.Add(new SimulatedTaint(key, node.StringAt("value") ?? "", effect));
            }

            return taints;
        }
    }

    /// <summary>Reads the CSV form.</summary>
    /// <param name="csv">The text, its first line the header.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="CatalogueException">The file is wrong; every error is reported with its line.</exception>
    public static IReadOnlyList<SimulatedNode> ParseOpenb(string csv, string source) => OpenbNodes.Parse(csv, source);
}
