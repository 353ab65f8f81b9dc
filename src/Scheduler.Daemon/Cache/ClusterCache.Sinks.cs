using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <content>What the watches write.</content>
internal sealed partial class ClusterCache
{
    private void Write(Func<bool> change)
    {
        bool hasChanged;
        PodOutcome[] outcomes;
        lock (_gate)
        {
            hasChanged = change();
            _generation += hasChanged ? 1 : 0;
            outcomes = TakeOutcomes();
        }

        foreach (var outcome in outcomes)
            PodSettled?.Invoke(outcome);
        if (hasChanged)
            Changed?.Invoke();
    }

    private void UpsertPod(PodRecord record)
    {
        var known = _pods.Find(record.Id);
        ObserveOutcome(known, record);
        var isNew = known is null && record.Disposition != PodDisposition.Finished;
        if (_pods.Upsert(record) is { } replaced)
            DropTraces(replaced);
        if (isNew)
            _shapes.Arrived(record.Shape);
        if (record.Disposition != PodDisposition.Pending)
        {
            ForgetCommitment(record.Id, record.HoldsRoom ? CommitmentEnd.Bound : CommitmentEnd.Gone);
            Confirm(record.Id);
        }

        if (record.HoldsRoom)
            DropAttempts(record.Id);
        if (record.Disposition == PodDisposition.Finished)
        {
            DropTraces(record.Id);
            return;
        }

        ObserveNotice(record);
        ObserveNomination(record);
    }

    private void DropTraces(PodId id)
    {
        ForgetCommitment(id, CommitmentEnd.Gone);
        Confirm(id);
        _backoffs.Clear(id);
        DropNotice(id);
        DropNomination(id);
        DropAttempts(id);
    }

    private void Confirm(PodId id)
    {
        Unassume(id, _assumptions.PlacementOf(id));
        _assumptions.Confirm(id);
    }

    /// <summary>Whether a new state of the pod can change a plan. A status update of a running pod cannot, and there are many.</summary>
    private bool Matters(PodRecord record)
    {
        var known = _pods.Find(record.Id);
        if (known is null)
            return record.Disposition != PodDisposition.Finished;
        // The binding that was assumed, seen at last: it is planned with already.
        var placement = known.Placement ?? _assumptions.PlacementOf(record.Id);
        if (!ModelComparison.AreEqual(placement, record.Placement) || !known.Errors.SequenceEqual(record.Errors))
            return true;
        // Condition, notice and reservation are our own answers, and planned with already; they must not wake the loop that wrote
        // them. The start is known from the assumption.
        var comparable = known with
        {
            UnscheduledBecause = record.UnscheduledBecause,
            Reservation = record.Reservation,
            ReservedRoom = record.ReservedRoom,
            PreemptBy = record.PreemptBy,
            PreemptedFor = record.PreemptedFor,
            Errors = record.Errors,
            Claims = known.Claims.SequenceEqual(record.Claims) ? record.Claims : known.Claims,
            HasRun = record.HasRun,
            Placement = record.Placement,
            StartedAt = record.StartedAt,
            Disposition = known.Placement is null && record.Placement is not null ? record.Disposition : known.Disposition,
        };
        return comparable != record;
    }

    private sealed class PodSink(ClusterCache cache) : IReflectorSink<PodRecord>
    {
        public void Replace(IReadOnlyList<PodRecord> items) => cache.Write(() =>
        {
            var present = items.Select(item => item.Id).ToHashSet();
            foreach (var gone in cache._pods.Ids.Concat(cache._pods.SucceededIds).Where(id => !present.Contains(id)).ToList())
            {
                cache._pods.Remove(gone);
                cache.DropTraces(gone);
            }

            foreach (var item in items)
                cache.UpsertPod(item);
            return true;
        });

        public void Upsert(PodRecord item) => cache.Write(() =>
        {
            var matters = cache.Matters(item);
            var notice = cache._notices.GetValueOrDefault(item.Id);
            cache.UpsertPod(item);
            return matters || notice != cache._notices.GetValueOrDefault(item.Id);
        });

        public void Delete(PodRecord item) => cache.Write(() =>
        {
            cache.DropTraces(item.Id);
            return cache._pods.Remove(item.Id);
        });
    }

    private sealed class NodeSink(ClusterCache cache) : IReflectorSink<Node>
    {
        public void Replace(IReadOnlyList<Node> items) => cache.Write(() =>
        {
            var present = items.Select(item => item.Name).ToHashSet();
            foreach (var gone in cache._declared.Keys.Where(name => !present.Contains(name)).ToList())
                Remove(gone);
            foreach (var item in items)
                Set(item);
            return true;
        });

        public void Upsert(Node item) => cache.Write(() => Set(item));

        public void Delete(Node item) => cache.Write(() => Remove(item.Name));

        private bool Set(Node node)
        {
            cache._declared[node.Name] = node;
            return cache.SetPlanned(node);
        }

        private bool Remove(NodeName name)
        {
            cache._pods.DirtyNodes.Add(name);
            cache._declared.Remove(name);
            return cache._nodes.Remove(name);
        }
    }

    private sealed class TenantSink(ClusterCache cache) : IReflectorSink<TenantRecord>
    {
        public void Replace(IReadOnlyList<TenantRecord> items) => Change(() => cache._tenants.Replace(items));

        public void Upsert(TenantRecord item) => Change(() => cache._tenants.Upsert(item));

        public void Delete(TenantRecord item) => Change(() => cache._tenants.Delete(item));

        // The loop is woken even if the tree stays: the verdict on a refused set has to reach its Tenants.
        private void Change(Func<bool> change)
        {
            cache.Write(() =>
            {
                var verdicts = cache._tenants.Verdicts;
                var isNewTree = change();
                if (isNewTree)
                    cache._pods.MarkAllDirty();
                return isNewTree || !verdicts.Select(Told).SequenceEqual(cache._tenants.Verdicts.Select(Told));
            });
        }

        // Not the status that the object carries: it is our own writing, and must not wake the loop that leads to it.
        private static (string, string, long, bool, string, string) Told(TenantVerdict verdict) => (
            verdict.Record.Name, verdict.Record.Uid, verdict.Record.Generation, verdict.IsAccepted, verdict.Reason, verdict.Message);
    }

    private sealed class WorkloadSink(ClusterCache cache) : IReflectorSink<WorkloadRecord>
    {
        public void Replace(IReadOnlyList<WorkloadRecord> items) => cache.Write(() =>
        {
            var changed = false;
            var present = items.Select(item => (item.Namespace, item.Name)).ToHashSet();
            foreach (var gone in cache._workloadGroups.Keys.Select(key => (key.Namespace, key.Workload)).Distinct().Where(key => !present.Contains(key)).ToList())
                changed |= Remove(gone.Namespace, gone.Workload);
            foreach (var item in items)
                changed |= Set(item);
            return changed;
        });

        public void Upsert(WorkloadRecord item) => cache.Write(() => Set(item));

        public void Delete(WorkloadRecord item) => cache.Write(() => Remove(item.Namespace, item.Name));

        private bool Set(WorkloadRecord item)
        {
            var before = Of(item.Namespace, item.Name).ToDictionary(key => key.PodGroup, key => cache._workloadGroups[key]);
            if (before.Count == item.Groups.Length && item.Groups.All(group => before.TryGetValue(group.PodGroup, out var known) && known == group.MinMember))
                return false;
            Remove(item.Namespace, item.Name);
            foreach (var (podGroup, minMember) in item.Groups)
                cache._workloadGroups[(item.Namespace, item.Name, podGroup)] = minMember;
            cache._pods.MarkNamespaceDirty(item.Namespace);
            return true;
        }

        private bool Remove(string @namespace, string name)
        {
            var groups = Of(@namespace, name);
            foreach (var group in groups)
                cache._workloadGroups.Remove(group);
            cache._pods.MarkNamespaceDirty(@namespace);
            return groups.Count > 0;
        }

        private List<(string Namespace, string Workload, string PodGroup)> Of(string @namespace, string name) =>
            [.. cache._workloadGroups.Keys.Where(key => key.Namespace == @namespace && key.Workload == name)];
    }

    private sealed class PodGroupSink(ClusterCache cache) : IReflectorSink<PodGroupRecord>
    {
        public void Replace(IReadOnlyList<PodGroupRecord> items) => cache.Write(() =>
        {
            // A list that says what is known, an empty one after an empty one above all, is no news.
            if (items.Count == cache._podGroups.Count
                && items.All(item => cache._podGroups.TryGetValue((item.Namespace, item.Name), out var known) && known == item.MinMember))
            {
                return false;
            }

            foreach (var (@namespace, name) in cache._podGroups.Keys.ToList())
                MarkDirty(@namespace, name);
            cache._podGroups.Clear();
            foreach (var item in items)
                Set(item);
            return true;
        });

        public void Upsert(PodGroupRecord item) => cache.Write(() => Set(item));

        public void Delete(PodGroupRecord item) => cache.Write(() =>
        {
            MarkDirty(item.Namespace, item.Name);
            return cache._podGroups.Remove((item.Namespace, item.Name));
        });

        private bool Set(PodGroupRecord item)
        {
            if (cache._podGroups.TryGetValue((item.Namespace, item.Name), out var known) && known == item.MinMember)
                return false;
            cache._podGroups[(item.Namespace, item.Name)] = item.MinMember;
            MarkDirty(item.Namespace, item.Name);
            return true;
        }

        private void MarkDirty(string @namespace, string name) =>
            cache._pods.DirtyWorkloads.Add(new WorkloadId($"{@namespace}/podgroup/{name}"));
    }
}
