using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>Keeps as many pods as a replica set asks for.</summary>
internal sealed class ReplicaSetController : ReconcileLoop
{
    private readonly ObjectDeletion _deletion;
    private readonly EventRecorder _events;
    private readonly PodFields _fields;

    public ReplicaSetController(ObjectService objects, ObjectDeletion deletion, EventRecorder events)
        : base(objects, objects.Registry.Require("apps", "replicasets"), objects.Registry.Require("", "pods"))
    {
        _deletion = deletion;
        _events = events;
        _fields = new PodFields(objects.Bucket(OwnedType));
    }

    protected override void Reconcile(StoredObject owner)
    {
        var set = owner.Parse();
        var wanted = (int)(set.LongAt("spec", "replicas") ?? 1);
        var active = OwnedBy(owner).Where(_fields.IsActive).ToList();
        for (var i = active.Count; i < wanted; i++)
        {
            var pod = Objects.Create(OwnedType, owner.Key.Namespace, PodTemplates.Pod(set, set.ObjectAt("spec", "template")!), WriteOptions.Default);
            _events.Record(set, "Normal", "SuccessfulCreate", $"Created pod: {pod.Key.Name}", "replicaset-controller");
        }

        // Pods that cost least to lose go first: not bound, then not running, then running.
        foreach (var pod in active.OrderBy(_fields.CostOfLoss).ThenBy(p => p.Key.Name, StringComparer.Ordinal).Take(Math.Max(0, active.Count - wanted)))
        {
            _deletion.Delete(OwnedType, pod.Key, new DeleteOptions { Uid = pod.Uid });
            _events.Record(set, "Normal", "SuccessfulDelete", $"Deleted pod: {pod.Key.Name}", "replicaset-controller");
        }

        WriteStatus(owner);
    }

    private void WriteStatus(StoredObject owner)
    {
        var pods = OwnedBy(owner).Where(_fields.IsActive).ToList();
        var ready = pods.Count(_fields.IsRunning);
        Objects.Update(
            OwnerType, owner.Key,
            set =>
            {
                var status = set.Child("status");
                status["replicas"] = pods.Count;
                status["fullyLabeledReplicas"] = pods.Count;
                status["readyReplicas"] = ready;
                status["availableReplicas"] = ready;
                status["observedGeneration"] = set.LongAt("metadata", "generation");
                return set;
            },
            UpdateScope.Status, WriteOptions.Default);
    }

    protected override void OnRefused(StoredObject owner, ApiException refusal)
    {
        if (refusal.Code is 403 or 422)
            _events.Record(owner.Parse(), "Warning", "FailedCreate", $"Error creating: {refusal.Message}", "replicaset-controller");
    }
}

/// <summary>What controllers ask of a stored pod without parsing it.</summary>
internal sealed class PodFields(ResourceBucket pods)
{
    private readonly int _phase = pods.SelectableFields.ToList().IndexOf("status.phase");
    private readonly int _node = pods.SelectableFields.ToList().IndexOf("spec.nodeName");

    public string Phase(StoredObject pod) => pod.FieldValues[_phase];

    public bool IsActive(StoredObject pod) => !pod.IsDeleting && Phase(pod) is not ("Succeeded" or "Failed");

    public bool IsRunning(StoredObject pod) => !pod.IsDeleting && Phase(pod) == "Running";

    public int CostOfLoss(StoredObject pod) => pod.FieldValues[_node].Length == 0 ? 0 : Phase(pod) == "Running" ? 2 : 1;
}
