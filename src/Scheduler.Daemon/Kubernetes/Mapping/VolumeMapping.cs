using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Wire;
using NodeSelectorTerm = Scheduler.Core.Model.NodeSelectorTerm;
using SelectorRequirement = Scheduler.Core.Model.SelectorRequirement;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>A PersistentVolumeClaim as read.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uid">UID.</param>
/// <param name="Volume">The PersistentVolume that it is bound to; null while it is not.</param>
/// <param name="StorageClass">Its class; null if it names none.</param>
/// <param name="SelectedNode">The node that a scheduler chose for its first pod; null if none did.</param>
/// <param name="IsLeaving">Whether it is being deleted.</param>
internal sealed record ClaimRecord(
    string Namespace, string Name, string Uid, string? Volume, string? StorageClass, string? SelectedNode, bool IsLeaving);

/// <summary>A PersistentVolume as read.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Claim">Whose it is.</param>
/// <param name="Attached">What it is to its CSI driver; null for others, which set no limit.</param>
/// <param name="Terms">Its node affinity: one must match; empty for none.</param>
internal sealed record VolumeRecord(string Name, (string Namespace, string Name)? Claim, AttachedVolume? Attached, ImmutableArray<NodeSelectorTerm> Terms);

/// <summary>A StorageClass as read.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Provisioner">Who makes its volumes.</param>
/// <param name="WaitsForPod">volumeBindingMode: WaitForFirstConsumer.</param>
/// <param name="Terms">Where its volumes may be made; empty for anywhere.</param>
internal sealed record StorageClassRecord(string Name, string Provisioner, bool WaitsForPod, ImmutableArray<NodeSelectorTerm> Terms);

/// <summary>A CSINode as read: how many volumes of each driver the node takes.</summary>
internal sealed record AttachLimitsRecord(NodeName Node, ImmutableArray<AttachLimit> Limits);

/// <summary>A Namespace as read.</summary>
internal sealed record NamespaceRecord(string Name, LabelSet Labels);

/// <summary>From the objects around volumes to what the cache keeps of them. Pure.</summary>
internal static class VolumeMapping
{
    /// <summary>The annotation by which a scheduler asks for a volume on a node.</summary>
    public const string SelectedNode = "volume.kubernetes.io/selected-node";

    /// <summary>The provisioner of classes whose volumes somebody makes by hand.</summary>
    public const string NoProvisioner = "kubernetes.io/no-provisioner";

    public static ClaimRecord Map(ClaimObject claim) => new(
        claim.Metadata.Namespace ?? "", claim.Metadata.Name ?? "", claim.Metadata.Uid ?? "",
        claim.Status.Phase == "Bound" && !string.IsNullOrEmpty(claim.Spec.VolumeName) ? claim.Spec.VolumeName : null,
        string.IsNullOrEmpty(claim.Spec.StorageClassName) ? null : claim.Spec.StorageClassName,
        claim.Metadata.Annotations?.GetValueOrDefault(SelectedNode) is { Length: > 0 } node ? node : null,
        claim.Metadata.DeletionTimestamp is not null);

    /// <summary>A node affinity that cannot be read matches no node: the pod stays away rather than be stranded.</summary>
    public static VolumeRecord Map(VolumeObject volume)
    {
        var errors = new List<PodError>();
        var terms = NodeConstraintMapping.Required(volume.Spec.NodeAffinity?.Required, errors);
        return new VolumeRecord(
            volume.Metadata.Name ?? "",
            volume.Spec.ClaimRef is { Name: { } name } claim ? (claim.Namespace ?? "", name) : null,
            volume.Spec.Csi is { Driver: { } driver, VolumeHandle: { } handle } ? new AttachedVolume(driver, handle) : null,
            errors.Count > 0 ? [new NodeSelectorTerm([], [])] : terms);
    }

    public static StorageClassRecord Map(StorageClassObject source) => new(
        source.Metadata.Name ?? "", source.Provisioner ?? "", source.VolumeBindingMode == "WaitForFirstConsumer",
        [.. (source.AllowedTopologies ?? []).Select(term => new NodeSelectorTerm(
            [.. (term.MatchLabelExpressions ?? []).Select(requirement =>
                new SelectorRequirement(requirement.Key ?? "", SelectorOperator.In, [.. requirement.Values ?? []]))], []))]);

    public static AttachLimitsRecord Map(CsiNodeObject node) => new(
        new NodeName(node.Metadata.Name ?? ""),
        [.. (node.Spec.Drivers ?? []).Where(driver => driver.Allocatable?.Count is not null)
            .Select(driver => new AttachLimit(driver.Name ?? "", driver.Allocatable!.Count!.Value))
            .OrderBy(limit => limit.Driver, StringComparer.Ordinal)]);

    public static NamespaceRecord Map(NamespaceObject source) => new(source.Metadata.Name ?? "", LabelSet.Of(source.Metadata.Labels));
}
