using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using YamlDotNet.RepresentationModel;

namespace Scheduler.Input;

/// <summary>What the files given to <c>weir validate</c>, <c>up</c> or <c>run</c> configure.</summary>
/// <param name="Tenants">As written.</param>
/// <param name="Tree">The tree of them; empty if there are none.</param>
/// <param name="Policy">The policy, or null if no file has one.</param>
internal sealed record Configuration(ImmutableArray<Tenant> Tenants, TenantTree Tree, SchedulingPolicy? Policy);

/// <summary>
/// Reads Tenant and SchedulingPolicy documents from YAML files, and checks them together: fields and types here, what makes
/// tenants a tree in the core. Each mistake gets the line that it is on.
/// </summary>
/// <param name="errors">Gets the mistakes.</param>
/// <param name="otherKind">A kind of document that may stand beside them, which somebody else reads; null if none may.</param>
internal sealed class ConfigurationReader(FileErrors errors, string? otherKind = null)
{
    private const string ApiVersion = "weir.scheduler/v1";

    private readonly List<YamlMap> _others = [];

    private readonly List<Tenant> _tenants = [];
    private readonly Dictionary<TenantId, YamlFile> _fileOf = [];
    private SchedulingPolicy? _policy;
    private string? _policyFile;

    /// <summary>Reads files. Mistakes are in the errors; the result is null if there are any.</summary>
    public static Configuration? Read(IEnumerable<string> paths, FileErrors errors, IReadOnlyDictionary<FlavorId, long>? capacity = null)
    {
        var reader = new ConfigurationReader(errors);
        foreach (var path in paths)
        {
            reader.ReadFile(path);
        }

        return reader.Finish(capacity);
    }

    /// <summary>Takes YAML that is not in a file.</summary>
    public static Configuration? OfText(string name, string text, FileErrors errors)
    {
        var reader = new ConfigurationReader(errors);
        reader.ReadDocuments(YamlFile.OfText(name, text, errors));
        return reader.Finish(capacity: null);
    }

    /// <summary>Documents of the other kind, of which only the envelope was looked at.</summary>
    public IReadOnlyList<YamlMap> Others => _others;

    private void ReadFile(string path)
    {
        var before = errors.Count;
        var file = YamlFile.Read(path, errors);
        if (file.Documents.IsEmpty && errors.Count == before)
        {
            errors.Add(path, 0, "", "is empty; it should have Tenant or SchedulingPolicy documents");
        }

        ReadDocuments(file);
    }

    /// <summary>Reads all documents of a file.</summary>
    public void ReadDocuments(YamlFile file)
    {
        foreach (var document in file.Documents)
        {
            ReadDocument(file, document);
        }
    }

    private void ReadDocument(YamlFile file, YamlNode document)
    {
        if (YamlMap.Of(file, document, "") is not { } map)
        {
            return;
        }

        // Fields of the envelope are read only to tell what it is; each kind reads its own again.
        switch (map.Text("kind"))
        {
            case "Tenant":
                CheckApiVersion(map, ApiVersion);
                ReadTenant(file, map);
                break;
            case "SchedulingPolicy":
                CheckApiVersion(map, ApiVersion);
                ReadPolicy(map);
                break;
            case "List":
                foreach (var (item, _) in map.List("items"))
                {
                    ReadDocument(file, item);
                }

                break;
            case "Namespace":
                break;
            case { } kind when kind == otherKind:
                CheckApiVersion(map, ApiVersion);
                _others.Add(map);
                break;
            case null when !map.Has("kind"):
                map.Missing("kind", otherKind is null ? "Tenant or SchedulingPolicy" : $"{otherKind}, Tenant or SchedulingPolicy");
                break;
            case { } other:
                map.Error("kind", $"'{other}' does not belong here; write Tenant or SchedulingPolicy, and keep other objects in files of their own");
                break;
            default:
                break;
        }
    }

    private static void CheckApiVersion(YamlMap map, string expected)
    {
        if (map.RequiredText("apiVersion", expected) is { Length: > 0 } version && version != expected)
        {
            map.Error("apiVersion", $"is '{version}'; it must be {expected}");
        }
    }

    private void ReadTenant(YamlFile file, YamlMap map)
    {
        var name = "";
        if (map.Map("metadata") is { } metadata)
        {
            name = metadata.RequiredText("name", "the tenant's name");
            metadata.Ignore(
                "labels", "annotations", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields",
                "ownerReferences", "finalizers", "selfLink");
            metadata.Rename(name.Length > 0 ? $"tenant/{name}.metadata" : "metadata");
            metadata.RefuseUnknown();
        }
        else
        {
            map.Missing("metadata", "where the tenant's name stands");
        }

        map.Ignore("status");
        map.Rename(name.Length > 0 ? $"tenant/{name}" : "tenant");
        var tenant = new Tenant { Id = new TenantId(name) };
        if (!map.Has("spec"))
        {
            map.Missing("spec", "where namespaces and quotas stand");
        }
        else if (map.Map("spec") is { } spec)
        {
            spec.Rename(map.Path);
            tenant = ReadSpec(spec, tenant.Id);
        }

        map.RefuseUnknown();
        if (name.Length > 0)
        {
            _tenants.Add(tenant);
            _fileOf.TryAdd(tenant.Id, file);
        }
    }

    private static Tenant ReadSpec(YamlMap spec, TenantId id)
    {
        var tenant = new Tenant
        {
            Id = id,
            Parent = spec.Text("parent") is { Length: > 0 } parent ? new TenantId(parent) : null,
            Namespaces = [.. spec.Texts("namespaces")],
            Weight = (int?)spec.Integer("weight", 1, 1_000_000),
            Order = spec.Choice("order", nameof(QueueOrder.Submitted), nameof(QueueOrder.ShortestExpected)) is nameof(QueueOrder.ShortestExpected)
                ? QueueOrder.ShortestExpected
                : QueueOrder.Submitted,
            IsSuspended = spec.Boolean("suspended") ?? false,
            SharesDevices = spec.Boolean("sharesDevices") ?? false,
            NodePool = spec.Pairs("nodePool").ToImmutableSortedDictionary(StringComparer.Ordinal),
            Quotas = [.. spec.Maps("quotas").Select(ReadQuota)],
        };
        spec.RefuseUnknown();
        return tenant;
    }

    private static FlavorQuota ReadQuota(YamlMap map)
    {
        const string Expected = "a number of GPUs such as 8, 0.5 or 500m, in steps of 0.001";
        var quota = new FlavorQuota
        {
            Flavor = new FlavorId(map.RequiredText("flavor", "a GPU product, or \"*\" for any GPU")),
            GuaranteedMilliGpu = map.Milli("guaranteed", Expected) ?? 0,
            BurstMilliGpu = map.Milli("burst", Expected),
            LendingLimitMilliGpu = map.Milli("lendingLimit", Expected),
        };
        map.RefuseUnknown();
        return quota;
    }

    private void ReadPolicy(YamlMap map)
    {
        if (_policyFile is not null)
        {
            map.Error("kind", $"there is a second SchedulingPolicy, the first is in {_policyFile}; keep one");
            return;
        }

        _policyFile = map.File.Name;
        map.Ignore("metadata");
        map.Rename("policy");
        var share = map.Decimal("maxShareOfCluster", "from 0.001 to 1, the most of the cluster that one tenant may use", value =>
            value is >= 0.001m and <= 1m && decimal.Truncate(value * 1000) == value * 1000);
        var scores = new ScoreWeights();
        if (map.Map("scores") is { } weights)
        {
            scores = new ScoreWeights
            {
                Fragmentation = (int?)weights.Integer("fragmentation", 0, 100) ?? scores.Fragmentation,
                Packing = (int?)weights.Integer("packing", 0, 100) ?? scores.Packing,
                Preference = (int?)weights.Integer("preference", 0, 100) ?? scores.Preference,
            };
            weights.RefuseUnknown();
        }

        var defaults = SchedulingPolicy.Default;
        _policy = new SchedulingPolicy
        {
            MaxShareOfClusterPermille = (int?)(share * 1000),
            RestartCost = WholeSeconds(map, "restartCost") ?? defaults.RestartCost,
            HasFairShareReclaim = map.Boolean("fairShareReclaim") ?? defaults.HasFairShareReclaim,
            ReservationsPerTenant = (int?)map.Integer("reservationsPerTenant", 0, 100) ?? defaults.ReservationsPerTenant,
            TopologyLevels = [.. map.Texts("topologyLevels")],
            BurstNodes = map.Pairs("burstNodes").ToImmutableSortedDictionary(StringComparer.Ordinal),
            Scores = scores,
        };
        map.RefuseUnknown();
        foreach (var error in _policy.Validate())
        {
            errors.Add(map.File.Name, map.File.LineOf(error.Path), error.Path, error.Message);
        }
    }

    private static TimeSpan? WholeSeconds(YamlMap map, string name)
    {
        var value = map.Duration(name);
        if (value is { } given && given.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            map.Error(name, "is not a number of whole seconds");
            return null;
        }

        return value;
    }

    /// <summary>Checks what was read as a whole; null if there are mistakes.</summary>
    /// <param name="capacity">Installed milli-GPU by flavor, if the guarantees are to fit into it.</param>
    public Configuration? Finish(IReadOnlyDictionary<FlavorId, long>? capacity)
    {
        if (!TenantTree.TryCreate(_tenants, out var tree, out var mistakes))
        {
            foreach (var mistake in mistakes)
            {
                Report(mistake);
            }
        }
        else if (capacity is not null)
        {
            foreach (var mistake in tree.CheckCapacity(capacity))
            {
                ReportCapacity(mistake);
            }
        }

        return errors.Any || tree is null ? null : new Configuration([.. _tenants], tree, _policy);
    }

    /// <summary>
    /// Shows a mistake of the tree at its line, unless it only follows from one that is told already: a value that could not
    /// be read, or a field that is not there because it is misspelt.
    /// </summary>
    private void Report(ConfigurationError mistake)
    {
        var name = mistake.Path["tenant/".Length..];
        var file = _fileOf
            .Where(pair => name == pair.Key.Value || (name.StartsWith(pair.Key.Value, StringComparison.Ordinal) && name[pair.Key.Value.Length] == '.'))
            .OrderByDescending(pair => pair.Key.Value.Length)
            .Select(pair => pair.Value)
            .First();
        var container = mistake.Path[..Math.Max(0, mistake.Path.LastIndexOf('.'))];
        var isMisspelt = !file.Has(mistake.Path) && errors.HasUnknownFieldIn(file.Name, container);
        if (!isMisspelt && !errors.Covers(file.Name, mistake.Path))
        {
            errors.Add(file.Name, file.LineOf(mistake.Path), mistake.Path, mistake.Message);
        }
    }

    /// <summary>Shows guarantees beyond the cluster at the first tenant at the top that has a part in them.</summary>
    private void ReportCapacity(ConfigurationError mistake)
    {
        var flavor = new FlavorId(mistake.Path["flavor/".Length..]);
        var tops = _tenants.Where(tenant => tenant.Parent is null).ToArray();
        var first = tops.FirstOrDefault(tenant => tenant.Quotas.Any(quota => quota.Flavor == flavor)) ?? tops[0];
        var file = _fileOf[first.Id];
        errors.Add(file.Name, file.LineOf($"tenant/{first.Id}.quotas"), mistake.Path, mistake.Message);
    }
}
