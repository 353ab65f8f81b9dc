using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <summary>A pod that is not queued, and what has to change.</summary>
internal sealed record BlockedPod(PodRecord Pod, string Reason, string Message);

/// <summary>Makes one workload of its pods. Pure, but for what it is given.</summary>
internal static class WorkloadAssembly
{
    public const string InvalidReason = "InvalidPod";
    public const string PodGroupMissingReason = "PodGroupMissing";

    /// <summary>What surrounds the pods of a workload.</summary>
    internal readonly record struct Surroundings(
        TenantId? Tenant, int? PodGroupMinMember, IReadOnlyCollection<string?> Succeeded, Func<PodId, PodPlacement?> AssumedPlacement,
        Func<PodId, DateTimeOffset?> AssumedAt, Func<PodId, DateTimeOffset?> HeldUntil, Func<PodId, Notice?> NoticeOf,
        Func<PodId, PodPlacement?> NominationOf, Func<PodRecord, string?> BudgetOf,
        Func<PodRecord, PodVolumes> VolumesOf,
        Func<PodId, ImmutableArray<NodeName>> RefusedNodesOf,
        Func<PodRecord, bool> IsIdle);

    /// <param name="id">The workload.</param>
    /// <param name="records">All its pods, in any order.</param>
    /// <param name="surroundings">What else is known.</param>
    /// <param name="blocked">Gets the pods that cannot be queued as they are.</param>
    /// <returns>Null if no pod of it is to be planned or holds room.</returns>
    public static Workload? Assemble(WorkloadId id, IReadOnlyList<PodRecord> records, in Surroundings surroundings, List<BlockedPod> blocked)
    {
        var minMember = MinMember(records, surroundings.PodGroupMinMember);
        var members = new List<(PodRecord Record, Pod Pod)>(records.Count);
        DateTimeOffset? heldUntil = null;
        DateTimeOffset? startedAt = null;
        string? volumePending = null;
        foreach (var record in records)
        {
            var placement = record.Placement ?? surroundings.AssumedPlacement(record.Id);
            if (placement is null && Block(record, minMember) is { } reason)
            {
                blocked.Add(reason);
                continue;
            }

            if (record.Disposition is PodDisposition.Gated or PodDisposition.Finished)
                continue;
            var pod = MakePod(record, placement, surroundings);
            var state = pod.State;
            members.Add((record, pod));
            if (state == PodState.Pending)
            {
                heldUntil = Later(heldUntil, surroundings.HeldUntil(record.Id));
                volumePending ??= surroundings.VolumesOf(record).Pending;
            }
            else
                startedAt = Earlier(startedAt, record.StartedAt ?? surroundings.AssumedAt(record.Id));
        }

        if (members.Count == 0)
            return null;
        var needed = StillNeeded(minMember ?? members.Count, records, surroundings.Succeeded);
        return Make(id, members, surroundings, needed, startedAt, heldUntil, volumePending);
    }

    private static Pod MakePod(PodRecord record, PodPlacement? placement, in Surroundings surroundings)
    {
        var state = placement is null ? PodState.Pending : record.Disposition == PodDisposition.Leaving ? PodState.Leaving : PodState.Placed;
        return new Pod
        {
            Id = record.Id,
            Name = record.Name,
            Shape = surroundings.VolumesOf(record).AddTo(
                placement is null ? NodeRefusals.Without(record.Shape, surroundings.RefusedNodesOf(record.Id)) : record.Shape),
            Labels = record.Labels,
            State = state,
            IsIdle = state == PodState.Placed && surroundings.IsIdle(record),
            Placement = placement,
            Nomination = state == PodState.Pending ? surroundings.NominationOf(record.Id) : null,
            Notice = state == PodState.Placed && surroundings.NoticeOf(record.Id) is { } notice
                ? new PreemptionNotice(new WorkloadId(notice.Beneficiary), notice.Deadline)
                : null,
        };
    }

    /// <summary>
    /// Members that ended well need no room again: a late one that failed starts with those that are left. Only members of the same
    /// controller count, so that what is left over from an earlier run of the same name makes no gang smaller.
    /// </summary>
    private static int StillNeeded(int minMember, IReadOnlyList<PodRecord> records, IReadOnlyCollection<string?> succeeded) =>
        Math.Max(1, minMember - succeeded.Count(controller => records.Any(record => record.Controller == controller)));

    /// <summary>The PodGroup's word, else the largest that a pod says, else 1 for a single pod; null for a gang that nobody describes.</summary>
    private static int? MinMember(IReadOnlyList<PodRecord> records, int? podGroupMinMember)
    {
        if (records[0].Group is null || !records[0].IsManaged)
            return 1;
        return podGroupMinMember ?? records.Max(record => record.MinMember);
    }

    private static BlockedPod? Block(PodRecord record, int? minMember)
    {
        if (record.Disposition == PodDisposition.Invalid)
        {
            return new BlockedPod(record, InvalidReason,
                $"pod {record.Namespace}/{record.Name} is not scheduled until this is mended: {string.Join("; ", record.Errors)}");
        }

        if (record.Disposition == PodDisposition.Pending && minMember is null)
        {
            return new BlockedPod(record, PodGroupMissingReason,
                $"pod {record.Namespace}/{record.Name} belongs to the gang '{record.Group}', but there is no "
                + (record.WorkloadGroup is null
                    ? $"PodGroup of that name in its namespace; create one, or set {Annotations.MinMember} on the pods"
                    : $"Workload with that pod group in its namespace; create it, or set {Annotations.MinMember} on the pods"));
        }

        return null;
    }

    private static Workload Make(
        WorkloadId id, List<(PodRecord Record, Pod Pod)> members, in Surroundings surroundings, int minMember, DateTimeOffset? startedAt, DateTimeOffset? heldUntil,
        string? volumePending)
    {
        members.Sort(static (a, b) => a.Pod.Id.CompareTo(b.Pod.Id));
        var budgetOf = surroundings.BudgetOf;
        var first = members[0].Record;
        return new Workload
        {
            Id = id,
            Tenant = surroundings.Tenant,
            Namespace = first.Namespace,
            Name = first.IsManaged && first.Group is { } group ? group : first.Name,
            Pods = [.. members.Select(member => member.Pod)],
            MinMember = minMember,
            IsGang = first.IsManaged && first.Group is not null,
            // The least of its pods: one important pod does not carry a gang past others.
            Priority = members.Min(member => member.Record.Priority),
            SubmittedAt = members.Min(member => member.Record.CreatedAt),
            StartedAt = startedAt,
            // A gang takes as long as the longest pod that says how long, and its wishes for protection are those of its most careful pod.
            ExpectedDuration = members.Max(member => member.Record.ExpectedDuration),
            MinRuntime = members.Max(member => member.Record.MinRuntime),
            PreemptionGrace = members.Max(member => member.Record.PreemptionGrace),
            // Usually one pod writes the checkpoint of all.
            CheckpointedAt = members.Max(member => member.Record.CheckpointedAt),
            DisruptionBudget = members.Select(member => budgetOf(member.Record)).FirstOrDefault(budget => budget is not null),
            Topology = Topology(members),
            IsPreemptible = members.TrueForAll(member => member.Record.IsPreemptible),
            IsManaged = first.IsManaged,
            MayPreempt = members.TrueForAll(member => member.Record.MayPreempt),
            Hold = heldUntil is not null ? Hold.Backoff : volumePending is not null ? Hold.VolumePending : Hold.None,
            HoldDetail = heldUntil is null ? volumePending : null,
            HoldUntil = heldUntil,
        };
    }

    /// <summary>What one member requires, all get; a preference counts where nobody requires anything. Of several the first by name.</summary>
    private static TopologyRequest? Topology(List<(PodRecord Record, Pod Pod)> members) => members
        .Select(member => member.Record.Topology)
        .OfType<TopologyRequest>()
        .OrderByDescending(wish => wish.IsRequired)
        .ThenBy(wish => wish.Level, StringComparer.Ordinal)
        .FirstOrDefault();

    private static DateTimeOffset? Later(DateTimeOffset? a, DateTimeOffset? b) => a is null || b > a ? b : a;

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b : a;
}
