using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>
/// Runs the pods of a job until enough have succeeded. A pod that was deleted or evicted before its end is replaced and does not
/// count as a failure; a pod that failed does.
/// </summary>
internal sealed class JobController : ReconcileLoop
{
    private const string IndexLabel = "batch.kubernetes.io/job-completion-index";
    private readonly ObjectDeletion _deletion;
    private readonly EventRecorder _events;
    private readonly PodFields _fields;

    // Pods that ended count for good, even if somebody deletes them afterwards.
    private readonly Dictionary<string, Tally> _tallies = new(StringComparer.Ordinal);

    private sealed class Tally
    {
        public HashSet<string> Succeeded { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Failed { get; } = new(StringComparer.Ordinal);

        public HashSet<string> SucceededIndexes { get; } = new(StringComparer.Ordinal);
    }

    public JobController(ObjectService objects, ObjectDeletion deletion, EventRecorder events)
        : base(objects, objects.Registry.Require("batch", "jobs"), objects.Registry.Require("", "pods"))
    {
        _deletion = deletion;
        _events = events;
        _fields = new PodFields(objects.Bucket(OwnedType));
    }

    protected override void OnOwned(Change change)
    {
        var pod = change.Object;
        foreach (var owner in pod.OwnerUids)
            Count(TallyOf(owner), pod);
    }

    protected override void OnOwnerGone(StoredObject owner) => _tallies.Remove(owner.Uid);

    private Tally TallyOf(string uid)
    {
        if (!_tallies.TryGetValue(uid, out var tally))
            _tallies[uid] = tally = new Tally();
        return tally;
    }

    private void Count(Tally tally, StoredObject pod)
    {
        switch (_fields.Phase(pod))
        {
            case "Succeeded":
                tally.Succeeded.Add(pod.Uid);
                if (pod.Labels.TryGetValue(IndexLabel, out var index))
                    tally.SucceededIndexes.Add(index);
                break;
            case "Failed":
                tally.Failed.Add(pod.Uid);
                break;
        }
    }

    protected override void Reconcile(StoredObject owner)
    {
        var job = owner.Parse();
        if (PodConditions.IsTrue(job, "Complete") || PodConditions.IsTrue(job, "Failed"))
        {
            DeleteWhenOld(job, owner);
            return;
        }

        var tally = TallyOf(owner.Uid);
        var pods = OwnedBy(owner);
        pods.ForEach(p => Count(tally, p));
        var active = pods.Where(_fields.IsActive).ToList();
        var isIndexed = job.StringAt("spec", "completionMode") == "Indexed";
        var succeeded = isIndexed ? tally.SucceededIndexes.Count : tally.Succeeded.Count;
        var completions = job.LongAt("spec", "completions");
        if (tally.Failed.Count > (job.LongAt("spec", "backoffLimit") ?? 6))
        {
            Stop(active);
            Finish(owner, job, tally, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
            return;
        }

        if (completions is { } needed ? succeeded >= needed : succeeded > 0 && active.Count == 0)
        {
            Finish(owner, job, tally, "Complete", "CompletionsReached", "Reached expected number of succeeded pods");
            return;
        }

        var isSuspended = job.BoolAt("spec", "suspend") == true;
        var parallelism = job.LongAt("spec", "parallelism") ?? 1;
        var wanted = isSuspended ? 0 : completions is { } goal ? Math.Min(parallelism, goal - succeeded) : succeeded > 0 ? Math.Min(parallelism, active.Count) : parallelism;
        if (active.Count > wanted)
            Stop(active.OrderBy(_fields.CostOfLoss).ThenBy(p => p.Key.Name, StringComparer.Ordinal).Take((int)(active.Count - wanted)));
        else
            CreatePods(job, owner, active, tally, (int)(wanted - active.Count), isIndexed);
        WriteStatus(owner, tally, status =>
        {
            if (isSuspended)
                status.Remove("startTime");
            else
                status.SetDefault("startTime", Timestamps.Seconds(Now));
        });
    }

    private void CreatePods(JsonObject job, StoredObject owner, List<StoredObject> active, Tally tally, int count, bool isIndexed)
    {
        var taken = active.Select(p => p.Labels.GetValueOrDefault(IndexLabel)).Concat(tally.SucceededIndexes).ToHashSet(StringComparer.Ordinal);
        var next = 0L;
        for (var i = 0; i < count; i++)
        {
            var pod = PodTemplates.Pod(job, job.ObjectAt("spec", "template")!);
            if (isIndexed)
            {
                while (taken.Contains(Text(next)))
                    next++;
                if (next >= job.LongAt("spec", "completions"))
                    return;
                SetIndex(job, pod, Text(next++));
            }

            var created = Objects.Create(OwnedType, owner.Key.Namespace, pod, WriteOptions.Default);
            _events.Record(job, "Normal", "SuccessfulCreate", $"Created pod: {created.Key.Name}", "job-controller");
        }
    }

    private static void SetIndex(JsonObject job, JsonObject pod, string index)
    {
        var metadata = pod.Child("metadata");
        metadata["generateName"] = $"{job.StringAt("metadata", "name")}-{index}-";
        metadata.Child("labels")[IndexLabel] = index;
        metadata.Child("annotations")[IndexLabel] = index;
        pod.Child("spec")["hostname"] = $"{job.StringAt("metadata", "name")}-{index}";
        foreach (var container in pod.ObjectsAt("spec", "containers"))
            container.ChildArray("env").Add((JsonNode)new JsonObject { ["name"] = "JOB_COMPLETION_INDEX", ["value"] = index });
    }

    private void Stop(IEnumerable<StoredObject> pods)
    {
        foreach (var pod in pods)
            _deletion.Delete(OwnedType, pod.Key, new DeleteOptions { Uid = pod.Uid });
    }

    private void Finish(StoredObject owner, JsonObject job, Tally tally, string condition, string reason, string message)
    {
        WriteStatus(owner, tally, status =>
        {
            if (condition == "Complete")
                status["completionTime"] = Timestamps.Seconds(Now);
            var conditions = status.ChildArray("conditions");
            conditions.Add((JsonNode)new JsonObject
            {
                ["type"] = condition,
                ["status"] = "True",
                ["lastProbeTime"] = Timestamps.Seconds(Now),
                ["lastTransitionTime"] = Timestamps.Seconds(Now),
                ["reason"] = reason,
                ["message"] = message,
            });
        });
        var isComplete = condition == "Complete";
        _events.Record(job, isComplete ? "Normal" : "Warning", isComplete ? "Completed" : reason, isComplete ? "Job completed" : message, "job-controller");
    }

    private void WriteStatus(StoredObject owner, Tally tally, Action<JsonObject> more)
    {
        var active = OwnedBy(owner).Where(_fields.IsActive).ToList();
        Objects.Update(
            OwnerType, owner.Key,
            job =>
            {
                var status = job.Child("status");
                SetCount(status, "active", active.Count);
                status["ready"] = active.Count(_fields.IsRunning);
                SetCount(status, "succeeded", job.StringAt("spec", "completionMode") == "Indexed" ? tally.SucceededIndexes.Count : tally.Succeeded.Count);
                SetCount(status, "failed", tally.Failed.Count);
                if (tally.SucceededIndexes.Count > 0)
                    status["completedIndexes"] = Ranges(tally.SucceededIndexes);
                more(status);
                return job;
            },
            UpdateScope.Status, WriteOptions.Default);
    }

    private static void SetCount(JsonObject status, string name, int count)
    {
        if (count == 0)
            status.Remove(name);
        else
            status[name] = count;
    }

    /// <summary>Indexes as Kubernetes spells them: "0-3,5".</summary>
    private static string Ranges(IEnumerable<string> indexes)
    {
        var sorted = indexes.Select(i => int.Parse(i, CultureInfo.InvariantCulture)).Order().ToList();
        var parts = new List<string>();
        for (var i = 0; i < sorted.Count;)
        {
            var end = i;
            while (end + 1 < sorted.Count && sorted[end + 1] == sorted[end] + 1)
                end++;
            parts.Add(end == i ? Text(sorted[i]) : $"{Text(sorted[i])}-{Text(sorted[end])}");
            i = end + 1;
        }

        return string.Join(',', parts);
    }

    private void DeleteWhenOld(JsonObject job, StoredObject owner)
    {
        if (job.LongAt("spec", "ttlSecondsAfterFinished") is not { } ttl)
            return;
        var finished = job.ObjectsAt("status", "conditions").Select(c => Timestamps.Parse(c.StringAt("lastTransitionTime"))).Max() ?? Now;
        var left = finished.AddSeconds(ttl) - Now;
        if (left <= TimeSpan.Zero)
            _deletion.Delete(OwnerType, owner.Key, new DeleteOptions { Uid = owner.Uid });
        else
            ReconcileAfter(left, owner.Key);
    }

    protected override void OnRefused(StoredObject owner, ApiException refusal)
    {
        if (refusal.Code is 403 or 422)
            _events.Record(owner.Parse(), "Warning", "FailedCreate", $"Error creating: {refusal.Message}", "job-controller");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
