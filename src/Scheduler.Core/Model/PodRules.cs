using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>A port that a pod takes on its node.</summary>
/// <param name="Port">From 1 to 65535.</param>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="Address">The node's address that it is bound to; <see cref="AnyAddress"/> for all of them.</param>
public readonly record struct HostPort(int Port, string Protocol = "TCP", string Address = HostPort.AnyAddress)
{
    /// <summary>All addresses of the node.</summary>
    public const string AnyAddress = "0.0.0.0";

    /// <summary>Whether two pods with these ports cannot be on one node.</summary>
    public bool ConflictsWith(in HostPort other) =>
        Port == other.Port && Protocol == other.Protocol
        && (Address == other.Address || Address == AnyAddress || other.Address == AnyAddress);
}

/// <summary>A volume that must be attached to the node of a pod.</summary>
/// <param name="Driver">The CSI driver, which limits how many a node takes.</param>
/// <param name="Handle">Which volume: two pods of a node that use the same one count once.</param>
public readonly record struct AttachedVolume(string Driver, string Handle);

/// <summary>The most volumes of a CSI driver that a node takes.</summary>
public readonly record struct AttachLimit(string Driver, int Count);

/// <summary>
/// What a pod says about the pods beside it: ports, affinity, spread, attached volumes. Whether a node is right depends on
/// what else is placed, there and elsewhere. Equality is by <see cref="Key"/>.
/// </summary>
public sealed class PodRules : IEquatable<PodRules>
{
    private PodRules(string key) => Key = key;

    /// <summary>Canonical text: equal rules have equal keys, in every process.</summary>
    public string Key { get; }

    /// <summary>Ports on the node, sorted.</summary>
    public ImmutableArray<HostPort> HostPorts { get; private init; }

    /// <summary>Volumes, sorted.</summary>
    public ImmutableArray<AttachedVolume> Volumes { get; private init; }

    /// <summary>Required: near a pod that all of these select.</summary>
    public ImmutableArray<PodTerm> Affinity { get; private init; }

    /// <summary>Required: not near a pod that any of these selects, and no such pod comes near this one later.</summary>
    public ImmutableArray<PodTerm> AntiAffinity { get; private init; }

    /// <summary>Wished for.</summary>
    public ImmutableArray<PreferredPodTerm> Preferred { get; private init; }

    /// <summary>Topology spread.</summary>
    public ImmutableArray<SpreadConstraint> Spread { get; private init; }

    /// <summary>The pod's namespace.</summary>
    public string Namespace { get; private init; } = "";

    /// <summary>Those of the pod's labels that its own rules look at: they decide whether it counts for itself.</summary>
    public LabelSet Labels { get; private init; } = LabelSet.Empty;

    /// <summary>Whether any rule only makes a node better or worse.</summary>
    public bool HasWishes { get; private init; }

    /// <summary>Whether two pods with these rules keep each other off a node: by a port, or by anti-affinity to their like.</summary>
    public bool IsAlone { get; private init; }

    /// <summary>Makes rules; null if there are none.</summary>
    public static PodRules? Create(
        string @namespace,
        LabelSet labels,
        IEnumerable<HostPort>? hostPorts = null,
        IEnumerable<AttachedVolume>? volumes = null,
        ImmutableArray<PodTerm> affinity = default,
        ImmutableArray<PodTerm> antiAffinity = default,
        ImmutableArray<PreferredPodTerm> preferred = default,
        ImmutableArray<SpreadConstraint> spread = default)
    {
        ImmutableArray<HostPort> ports = [.. (hostPorts ?? []).Distinct()
            .OrderBy(port => port.Port).ThenBy(port => port.Protocol, StringComparer.Ordinal).ThenBy(port => port.Address, StringComparer.Ordinal)];
        ImmutableArray<AttachedVolume> attached = [.. (volumes ?? []).Distinct()
            .OrderBy(volume => volume.Driver, StringComparer.Ordinal).ThenBy(volume => volume.Handle, StringComparer.Ordinal)];
        affinity = affinity.IsDefault ? [] : affinity;
        antiAffinity = antiAffinity.IsDefault ? [] : antiAffinity;
        preferred = preferred.IsDefault ? [] : preferred;
        spread = spread.IsDefault ? [] : spread;
        if (ports.IsEmpty && attached.IsEmpty && affinity.IsEmpty && antiAffinity.IsEmpty && preferred.IsEmpty && spread.IsEmpty)
        {
            return null;
        }

        var keys = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var selector in affinity.Concat(antiAffinity).Select(term => term.Selector).Concat(spread.Select(constraint => constraint.Selector)))
        {
            keys.UnionWith(selector.Requirements.Select(requirement => requirement.Key));
        }

        var own = labels.Only(keys);
        var looksAtPods = !affinity.IsEmpty || !antiAffinity.IsEmpty || !spread.IsEmpty;
        return new PodRules(MakeKey(looksAtPods ? @namespace : "", own, ports, attached, affinity, antiAffinity, preferred, spread))
        {
            Namespace = @namespace,
            Labels = own,
            HostPorts = ports,
            Volumes = attached,
            Affinity = affinity,
            AntiAffinity = antiAffinity,
            Preferred = preferred,
            Spread = spread,
            IsAlone = !ports.IsEmpty
                || antiAffinity.Any(term => term.Selector.Matches(own) && term.Namespaces.Contains(@namespace, StringComparer.Ordinal)),
            HasWishes = !preferred.IsEmpty || spread.Any(constraint => !constraint.IsRequired),
        };
    }

    /// <summary>The same with other volumes.</summary>
    public static PodRules? WithVolumes(PodRules? rules, IEnumerable<AttachedVolume> volumes) => rules is null
        ? Create("", LabelSet.Empty, volumes: volumes)
        : Create(rules.Namespace, rules.Labels, rules.HostPorts, volumes, rules.Affinity, rules.AntiAffinity, rules.Preferred, rules.Spread);

    /// <inheritdoc />
    public bool Equals(PodRules? other) =>
        ReferenceEquals(this, other) || (other is not null && string.Equals(Key, other.Key, StringComparison.Ordinal));

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as PodRules);

    /// <summary>For use in dictionaries only; never enters an order.</summary>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Key);

    private static string MakeKey(
        string @namespace, LabelSet labels, ImmutableArray<HostPort> ports, ImmutableArray<AttachedVolume> volumes,
        ImmutableArray<PodTerm> affinity, ImmutableArray<PodTerm> antiAffinity, ImmutableArray<PreferredPodTerm> preferred,
        ImmutableArray<SpreadConstraint> spread)
    {
        var key = new KeyBuilder().Add(@namespace);
        labels.AppendTo(key);
        key.Add(ports.Length);
        foreach (var port in ports)
        {
            key.Add(port.Port).Add(port.Protocol).Add(port.Address);
        }

        key.Add(volumes.Length);
        foreach (var (driver, handle) in volumes)
        {
            key.Add(driver).Add(handle);
        }

        key.Add(affinity.Length);
        foreach (var term in affinity)
        {
            key.Add(term.Key);
        }

        key.Add(antiAffinity.Length);
        foreach (var term in antiAffinity)
        {
            key.Add(term.Key);
        }

        key.Add(preferred.Length);
        foreach (var (weight, term) in preferred)
        {
            key.Add(weight).Add(term.Key);
        }

        key.Add(spread.Length);
        foreach (var constraint in spread)
        {
            constraint.AppendTo(key);
        }

        return key.ToString();
    }
}

/// <summary>A pod of another scheduler that asks for no GPU: it is in no workload, but others look at it.</summary>
/// <param name="Id">UID.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Rules">What it says about the pods beside it; null if nothing.</param>
/// <param name="IsLeaving">Whether it is being deleted.</param>
public sealed record OtherPod(PodId Id, string Namespace, LabelSet Labels, PodRules? Rules, bool IsLeaving);
