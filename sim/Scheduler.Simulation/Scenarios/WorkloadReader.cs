using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Input;
using Scheduler.Simulation.Randomness;
using YamlDotNet.RepresentationModel;

namespace Scheduler.Simulation.Scenarios;

/// <summary>Reads what is submitted in a scenario.</summary>
/// <param name="spec">The scenario.</param>
/// <param name="horizon">When it ends; null if it does not say.</param>
/// <param name="tenants">The tenants that it may name; null if those are wrong.</param>
/// <param name="levels">The labels that name topology domains; default if the policy is wrong.</param>
internal sealed class WorkloadReader(YamlMap spec, TimeSpan? horizon, TenantTree? tenants, ImmutableArray<string> levels)
{
    private const int MostPods = 10_000;
    /// <summary>Of one workload; a job takes about 3 KB.</summary>
    private const int MostJobs = 3_000_000;

    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);

    /// <summary>The generators; those with mistakes are left out.</summary>
    public ImmutableArray<JobGenerator> Read()
    {
        if (!spec.Has("workloads"))
        {
            spec.Missing("workloads", "a list of what is submitted");
        }

        return [.. spec.Maps("workloads").Select(ReadOne).OfType<JobGenerator>()];
    }

    private JobGenerator? ReadOne(YamlMap map)
    {
        var name = map.RequiredText("name", "what the jobs are called by, before their number");
        if (name.Length > 0 && !KubernetesName.IsValid(name))
        {
            map.Error("name", $"'{name}' is not a name; {KubernetesName.Rule}");
        }
        else if (name.Length > 0 && !_names.TryAdd(name, YamlFile.LineOf(map.Node)))
        {
            map.Error("name", $"'{name}' is taken by the workload on line {_names[name]}; give each its own name");
        }

        var tenant = ReadTenant(map);
        var arrivals = ReadArrivals(map);
        var mix = map.Has("mix") ? map.Choice("mix", [.. KnownMixes.Names]) : null;
        var seconds = DistributionReader.Read(map, "duration", isRequired: !map.Has("mix"));
        var shapes = ReadShapes(map, mix, keepsOwnSeconds: seconds is null);
        var generator = new JobGenerator
        {
            Name = name,
            Tenant = tenant?.Id ?? default,
            Namespace = ReadNamespace(map, tenant),
            Arrivals = arrivals ?? new Arrivals.Burst(0),
            Seconds = seconds ?? new Distribution.Fixed(1),
            Shapes = shapes,
            Priority = (int)(map.Integer("priority", -1_000_000_000, 1_000_000_000) ?? 0),
            IsPreemptible = map.Boolean("preemptible") ?? true,
            PreemptionGrace = map.Duration("grace") ?? TimeSpan.Zero,
            MinRuntime = map.Duration("minRuntime") ?? TimeSpan.Zero,
            Topology = TopologyField.Read(map, levels),
            CheckpointEvery = map.Duration("checkpointEvery", isZeroAllowed: false),
            CheckpointOnNotice = map.Duration("checkpointOnNotice"),
            RestartTime = map.Duration("restartTime") ?? TimeSpan.Zero,
            SpreadSlowdown = (double?)map.Decimal("spreadSlowdown", "a number from 1 to 100, how many times as long it takes on more nodes than needed", value => value is >= 1 and <= 100),
            DeclaredSigma = ReadDeclared(map),
            Applications = (int)(map.Integer("applications", 0, 1_000_000) ?? 0),
        };
        if (generator.CheckpointEvery < TimeSpan.FromSeconds(1))
        {
            map.Error("checkpointEvery", "is less than a second");
        }

        map.RefuseUnknown();
        return tenant is null || arrivals is null || shapes.IsEmpty ? null : generator;
    }

    private Tenant? ReadTenant(YamlMap map)
    {
        var name = map.RequiredText("tenant", "who submits it");
        if (name.Length == 0 || tenants is null)
        {
            return null;
        }

        if (tenants.TryGet(new TenantId(name), out var node) && node.IsLeaf)
        {
            return node.Tenant;
        }

        var leaves = tenants.Nodes.Where(known => known.IsLeaf).Select(known => known.Id.Value).ToArray();
        map.Error("tenant", node is not null ? $"'{name}' owns tenants, not workloads; name one below it"
            : $"there is no tenant '{name}'; " + (Suggestion.Nearest(name, leaves) is { } nearest ? $"did you mean '{nearest}'?" : $"the tenants are {string.Join(", ", leaves)}"));
        return null;
    }

    private static string ReadNamespace(YamlMap map, Tenant? tenant)
    {
        var given = map.Text("namespace");
        if (given is not null && tenant is not null && !tenant.Namespaces.Contains(given))
        {
            map.Error("namespace", $"'{given}' does not belong to tenant '{tenant.Id}', which has {string.Join(", ", tenant.Namespaces)}");
        }
        else if (given is null && tenant is { Namespaces.IsEmpty: true })
        {
            map.Error("tenant", $"'{tenant.Id}' has no namespace; add one to its namespaces");
        }

        return given ?? tenant?.Namespaces.FirstOrDefault() ?? "";
    }

    /// <summary><c>declares: exactly</c>, <c>declares: nothing</c>, or by how much owners are off.</summary>
    private static double? ReadDeclared(YamlMap map)
    {
        const string Expected = "exactly, nothing, or a number above 0: the standard deviation of the logarithm by which owners are off";
        if (map.Quantity("declares") is not { } text)
        {
            if (map.Has("declares"))
            {
                map.Error("declares", $"must be {Expected}");
            }

            return 0;
        }

        if (text is "exactly" or "nothing")
        {
            return text == "exactly" ? 0 : null;
        }

        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var sigma) && sigma is > 0 and <= 10)
        {
            return sigma;
        }

        map.Error("declares", $"is '{text}'; it must be {Expected}");
        return null;
    }

    private Arrivals? ReadArrivals(YamlMap owner)
    {
        if (owner.Map("arrivals") is not { } map)
        {
            if (!owner.Has("arrivals"))
            {
                owner.Missing("arrivals", "when jobs come, such as {pattern: poisson, perHour: 6}");
            }

            return null;
        }

        var pattern = map.Choice("pattern", "poisson", "regular", "burst");
        if (pattern is null && !map.Has("pattern"))
        {
            map.Missing("pattern", "poisson, regular or burst");
        }

        var from = map.Duration("from") ?? TimeSpan.Zero;
        var until = map.Duration("until");
        var count = (int?)map.Integer("count", 1, MostJobs);
        Arrivals? arrivals = pattern switch
        {
            "poisson" => ReadPoisson(map),
            "regular" => ReadRegular(map),
            "burst" => ReadBurst(map, count),
            _ => null,
        };
        if (pattern is not null)
        {
            map.RefuseUnknown();
        }

        if (arrivals is not null and not Arrivals.Burst && count is null && until is null && horizon is null && !spec.Has("horizon"))
        {
            map.Missing("count", "how many jobs there are; without it, until or a horizon of the scenario they would come for ever");
        }

        arrivals = arrivals is null ? null : arrivals with { From = from, Until = until, Count = count };
        if (arrivals?.Expected(horizon) is { } expected && expected > MostJobs)
        {
            map.Error("pattern", string.Create(
                NumberFormatInfo.InvariantInfo, $"brings about {expected:0} jobs, and at most {MostJobs} can be simulated; let fewer come, or end sooner with until or count"));
        }

        return arrivals;
    }

    private static Arrivals.Poisson? ReadPoisson(YamlMap map)
    {
        var perHour = map.Decimal("perHour", "a number above 0, at most 1000000", value => value is > 0 and <= 1_000_000);
        if (perHour is null && !map.Has("perHour"))
        {
            map.Missing("perHour", "how many jobs come in an hour");
        }

        var (byHour, byWeekday) = (Factors(map, "byHour", 24), Factors(map, "byWeekday", 7));
        return perHour is null ? null : new Arrivals.Poisson((double)perHour, byHour, byWeekday);
    }

    private static Arrivals.Regular? ReadRegular(YamlMap map)
    {
        var every = map.Duration("every", isZeroAllowed: false);
        if (every is null && !map.Has("every"))
        {
            map.Missing("every", "the time between two jobs");
        }

        return every is { } time ? new Arrivals.Regular(time) : null;
    }

    private static Arrivals.Burst? ReadBurst(YamlMap map, int? count)
    {
        if (count is null && !map.Has("count"))
        {
            map.Missing("count", "how many jobs come at once");
        }

        return count is { } jobs ? new Arrivals.Burst(jobs) : null;
    }

    private static ImmutableArray<double> Factors(YamlMap map, string name, int count)
    {
        var factors = ImmutableArray.CreateBuilder<double>();
        foreach (var (node, path) in map.List(name))
        {
            if (node is YamlScalarNode { Value: { } text } && double.TryParse(text, NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var factor) && factor <= 1000)
            {
                factors.Add(factor);
            }
            else
            {
                map.File.Error(node, path, "must be a number from 0 to 1000");
                return [];
            }
        }

        if (factors.Count > 0 && (factors.Count != count || factors.Max() <= 0))
        {
            map.Error(name, $"has {factors.Count} factors; it must have {count}, one of them above 0");
            return [];
        }

        return factors.ToImmutable();
    }

    private static ImmutableArray<JobShape> ReadShapes(YamlMap map, string? mix, bool keepsOwnSeconds)
    {
        if (mix is not null)
        {
            if (map.Has("shapes"))
            {
                map.Error("shapes", "stands beside mix, which says what the jobs look like; keep one");
            }

            var known = KnownMixes.Shapes(mix);
            return keepsOwnSeconds ? known : [.. known.Select(shape => shape with { Seconds = null })];
        }

        if (!map.Has("shapes"))
        {
            if (!map.Has("mix"))
            {
                map.Missing("shapes", "a list of what the jobs ask for, such as [{gpus: 1, cpu: 4, memory: 16Gi}]; or mix names a known one");
            }

            return [];
        }

        return [.. map.Maps("shapes").Select(ReadShape)];
    }

    private static JobShape ReadShape(YamlMap map)
    {
        var weight = (double)(map.Decimal("weight", "a number above 0, how often it is drawn", value => value is > 0 and <= 1_000_000) ?? 1);
        var pods = (int)(map.Integer("pods", 1, MostPods) ?? 1);
        var minMember = (int)(map.Integer("minMember", 1, MostPods) ?? pods);
        if (minMember > pods)
        {
            map.Error("minMember", $"is {minMember}, more than the {pods} of pods; it could never start");
        }

        var shape = ShapeFields.Read(map);
        map.RefuseUnknown();
        return new JobShape(weight, pods, minMember, shape);
    }
}
