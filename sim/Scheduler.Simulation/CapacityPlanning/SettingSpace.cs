using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Input;
using Scheduler.Simulation.Scenarios;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>All settings of a few knobs on a scenario.</summary>
/// <param name="scenario">What it is without them.</param>
/// <param name="knobs">The knobs; checked before.</param>
internal sealed class SettingSpace(Scenario scenario, ImmutableArray<Knob> knobs)
{
    private const int DigitsOfNumber = 5;

    /// <summary>How many settings there are.</summary>
    public decimal Count => knobs.Aggregate(1m, (product, knob) => product * knob.Count);

    /// <summary>Whether each knob turns something that the scenario has; one mistake for each that does not.</summary>
    public IEnumerable<GrammarError> Check()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var knob in knobs)
        {
            if (Mistake(knob) is { } message)
            {
                yield return new GrammarError(knob.Text, knob.TargetColumn, message);
            }
            else if (!names.Add(knob.Name))
            {
                yield return new GrammarError(knob.Text, 1, $"{knob.Name} is turned twice; give each knob once");
            }
        }
    }

    /// <summary>Every setting, the cheapest first: by installed GPUs, then by the values in the order of the knobs.</summary>
    public ImmutableArray<Setting> All()
    {
        IEnumerable<ImmutableArray<decimal>> combinations = [[]];
        foreach (var knob in knobs)
        {
            combinations = combinations.SelectMany(values => Enumerable.Range(0, knob.Count).Select(index => values.Add(knob.Value(index)))).ToArray();
        }

        // The combinations are in the order of their values, and the sort is stable.
        return [.. combinations.Select(Make).OrderBy(setting => setting.Gpus)];
    }

    private Setting Make(ImmutableArray<decimal> values)
    {
        var nodes = scenario.Nodes;
        var tenants = scenario.Tenants.Nodes.ToDictionary(node => node.Id, node => node.Tenant);

        // A factor is of the guarantee that is tried, and gives way to a burst that is tried for one tenant.
        foreach (var (knob, value) in knobs.Zip(values).OrderBy(pair => pair.First.Kind switch { KnobKind.Burst => 2, KnobKind.BurstFactor => 1, _ => 0 }))
        {
            if (knob.Kind == KnobKind.Nodes)
            {
                nodes = Resize(nodes, knob.Target, (int)value);
                continue;
            }

            foreach (var tenant in tenants.Values.ToArray())
            {
                if (knob.Kind == KnobKind.BurstFactor || tenant.Id.Value == knob.Target)
                {
                    tenants[tenant.Id] = Turn(tenant, knob, value);
                }
            }
        }

        var isTree = TenantTree.TryCreate(tenants.Values, out var tree, out var errors);
        if (isTree)
        {
            var capacity = nodes.Where(node => node.HasGpus).GroupBy(node => node.Flavor).ToDictionary(group => group.Key, group => group.Sum(node => node.InstalledMilliGpu));
            errors = tree!.CheckCapacity(capacity);
        }

        return new Setting
        {
            Values = values,
            Nodes = nodes,
            Tenants = tree ?? TenantTree.Empty,
            Gpus = nodes.Sum(node => node.Devices.Length),
            WhyImpossible = errors.IsEmpty ? null : errors[0].ToString(),
        };
    }

    private static Tenant Turn(Tenant tenant, Knob knob, decimal value) => tenant with
    {
        Quotas = [.. tenant.Quotas.Select(quota => knob switch
        {
            { Kind: KnobKind.BurstFactor } => quota with { BurstMilliGpu = (long)decimal.Round(quota.GuaranteedMilliGpu * value) },
            { Flavor: { } flavor } when quota.Flavor.Value != flavor => quota,
            { Kind: KnobKind.Guaranteed } => quota with { GuaranteedMilliGpu = (long)(value * 1000) },
            _ => quota with { BurstMilliGpu = (long)(value * 1000) },
        })],
    };

    /// <summary>The scenario's nodes with so many in a group: the last go, or more like the last come behind it.</summary>
    private static ImmutableArray<Node> Resize(ImmutableArray<Node> nodes, string group, int count)
    {
        var resized = ImmutableArray.CreateBuilder<Node>(nodes.Length);
        var have = 0;
        var total = nodes.Count(node => GroupOf(node) == group);
        foreach (var node in nodes)
        {
            if (GroupOf(node) != group)
            {
                resized.Add(node);
                continue;
            }

            have++;
            if (have <= count)
            {
                resized.Add(node);
            }

            for (var number = total + 1; have == total && number <= count; number++)
            {
                resized.Add(node with { Name = new NodeName(string.Create(CultureInfo.InvariantCulture, $"{group}-{number:00000}")) });
            }
        }

        return resized.ToImmutable();
    }

    /// <summary>A group's name is what its nodes are called by, before their number (see the scenario's reader); null for other nodes.</summary>
    private static string? GroupOf(Node node)
    {
        var name = node.Name.Value;
        var dash = name.LastIndexOf('-');
        return dash > 0 && name.Length - dash - 1 >= DigitsOfNumber && !name.AsSpan(dash + 1).ContainsAnyExceptInRange('0', '9') ? name[..dash] : null;
    }

    private string? Mistake(Knob knob) => knob.Kind switch
    {
        KnobKind.BurstFactor => null,
        KnobKind.Nodes => GroupMistake(knob),
        _ => TenantMistake(knob),
    };

    private string? GroupMistake(Knob knob)
    {
        var groups = scenario.Nodes.Select(GroupOf).OfType<string>().Distinct().ToArray();
        if (!groups.Contains(knob.Target))
        {
            return $"there is no node group '{knob.Target}'; " + Remedy(knob.Target, groups, "the groups are");
        }

        // A planned fault needs its node in every setting.
        foreach (var fault in scenario.Faults.Planned)
        {
            var node = scenario.Nodes.First(node => node.Name == fault.Node);
            if (GroupOf(node) == knob.Target)
            {
                var place = scenario.Nodes.Where(other => GroupOf(other) == knob.Target).TakeWhile(other => other != node).Count() + 1;
                if (place > knob.From)
                {
                    return $"a fault is planned for node {fault.Node}, so that there must be {place} nodes or more; begin at {place}, or plan the fault for another node";
                }
            }
        }

        return null;
    }

    private string? TenantMistake(Knob knob)
    {
        if (!scenario.Tenants.TryGet(new TenantId(knob.Target), out var tenant))
        {
            return $"there is no tenant '{knob.Target}'; " + Remedy(knob.Target, scenario.Tenants.Nodes.Select(node => node.Id.Value), "the tenants are");
        }

        var flavors = tenant.Tenant.Quotas.Select(quota => quota.Flavor.Value).ToArray();
        return (knob.Flavor, flavors.Length) switch
        {
            (_, 0) => $"tenant '{knob.Target}' has no quota that could be turned; give it one in the scenario",
            (null, > 1) => $"tenant '{knob.Target}' has several quotas; say which, as in {knob.Target}[{flavors[0]}]",
            ({ } flavor, _) when !flavors.Contains(flavor) => $"tenant '{knob.Target}' has no quota on '{flavor}'; " + Remedy(flavor, flavors, "it has"),
            _ => null,
        };
    }

    /// <summary>What to write instead of a name that there is not.</summary>
    public static string Remedy(string name, IEnumerable<string> known, string all)
    {
        var names = known.ToArray();
        return Suggestion.Nearest(name, names) is { } nearest ? $"did you mean '{nearest}'?" : $"{all} {string.Join(", ", names)}";
    }
}
