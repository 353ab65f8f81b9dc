using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>
/// Keeps one replica set per pod template. A changed template is rolled out by recreation whatever the strategy says: the old
/// pods go, then the new ones come, so that a full cluster cannot block the rollout.
/// </summary>
internal sealed class DeploymentController : ReconcileLoop
{
    private const string HashLabel = "pod-template-hash";
    private const string RevisionAnnotation = "deployment.kubernetes.io/revision";
    private const string HashAlphabet = "bcdfghjklmnpqrstvwxz2456789";

    private readonly EventRecorder _events;

    public DeploymentController(ObjectService objects, EventRecorder events)
        : base(objects, objects.Registry.Require("apps", "deployments"), objects.Registry.Require("apps", "replicasets"))
    {
        _events = events;
    }

    protected override void Reconcile(StoredObject owner)
    {
        var deployment = owner.Parse();
        if (deployment.BoolAt("spec", "paused") == true)
            return;
        var wanted = deployment.LongAt("spec", "replicas") ?? 1;
        var hash = Hash(deployment.ObjectAt("spec", "template")!);
        var sets = OwnedBy(owner).Select(s => s.Parse()).ToList();
        var current = sets.FirstOrDefault(s => s.StringAt("metadata", "labels", HashLabel) == hash) ?? CreateSet(deployment, sets, hash);
        var old = sets.Where(s => s.StringAt("metadata", "labels", HashLabel) != hash).ToList();
        foreach (var set in old)
            ScaleTo(deployment, set, 0);
        if (old.All(s => (s.LongAt("status", "replicas") ?? 0) == 0 && (s.LongAt("spec", "replicas") ?? 0) == 0))
            ScaleTo(deployment, current, wanted);
        WriteStatus(owner, current, old);
    }

    private JsonObject CreateSet(JsonObject deployment, List<JsonObject> sets, string hash)
    {
        var revision = 1 + sets.Select(s => long.TryParse(s.StringAt("metadata", "annotations", RevisionAnnotation), CultureInfo.InvariantCulture, out var r) ? r : 0).DefaultIfEmpty(0).Max();
        var template = deployment.ObjectAt("spec", "template")!.DeepClone().AsObject();
        template.Child("metadata").Child("labels")[HashLabel] = hash;
        var selector = deployment.ObjectAt("spec", "selector")!.DeepClone().AsObject();
        selector.Child("matchLabels")[HashLabel] = hash;
        var set = new JsonObject
        {
            ["apiVersion"] = "apps/v1",
            ["kind"] = "ReplicaSet",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{deployment.StringAt("metadata", "name")}-{hash}",
                ["labels"] = template.ObjectAt("metadata", "labels")!.DeepClone(),
                ["annotations"] = new JsonObject { [RevisionAnnotation] = revision.ToString(CultureInfo.InvariantCulture) },
                ["ownerReferences"] = new JsonArray(PodTemplates.OwnerReference(deployment)),
            },
            ["spec"] = new JsonObject { ["replicas"] = 0, ["selector"] = selector, ["template"] = template },
        };
        return Objects.Create(OwnedType, deployment.StringAt("metadata", "namespace")!, set, WriteOptions.Default).Parse();
    }

    private void ScaleTo(JsonObject deployment, JsonObject set, long replicas)
    {
        if (set.LongAt("spec", "replicas") == replicas)
            return;
        var key = new ObjectKey(set.StringAt("metadata", "namespace")!, set.StringAt("metadata", "name")!);
        Objects.Update(OwnedType, key, s => { s.Child("spec")["replicas"] = replicas; return s; }, UpdateScope.Main, WriteOptions.Default);
        var direction = replicas > (set.LongAt("spec", "replicas") ?? 0) ? "up" : "down";
        _events.Record(deployment, "Normal", "ScalingReplicaSet", $"Scaled {direction} replica set {key.Name} to {replicas}", "deployment-controller");
    }

    private void WriteStatus(StoredObject owner, JsonObject current, List<JsonObject> old)
    {
        var updated = current.LongAt("status", "replicas") ?? 0;
        var ready = current.LongAt("status", "readyReplicas") ?? 0;
        var total = updated + old.Sum(s => s.LongAt("status", "replicas") ?? 0);
        Objects.Update(
            OwnerType, owner.Key,
            deployment =>
            {
                var wanted = deployment.LongAt("spec", "replicas") ?? 1;
                var status = deployment.Child("status");
                status["observedGeneration"] = deployment.LongAt("metadata", "generation");
                status["replicas"] = total;
                status["updatedReplicas"] = updated;
                status["readyReplicas"] = ready;
                status["availableReplicas"] = ready;
                status["unavailableReplicas"] = Math.Max(0, wanted - ready);
                var isAvailable = ready >= wanted;
                PodConditions.Set(deployment, "Available", isAvailable ? "True" : "False", isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable", isAvailable ? "Deployment has minimum availability." : "Deployment does not have minimum availability.", Now);
                PodConditions.Set(deployment, "Progressing", "True", isAvailable ? "NewReplicaSetAvailable" : "ReplicaSetUpdated", $"ReplicaSet \"{current.StringAt("metadata", "name")}\" {(isAvailable ? "has successfully progressed" : "is progressing")}.", Now);
                deployment.Child("metadata").Child("annotations").CopyFrom(current.ObjectAt("metadata", "annotations"), RevisionAnnotation);
                return deployment;
            },
            UpdateScope.Status, WriteOptions.Default);
    }

    /// <summary>Ten letters and digits that depend on the template only.</summary>
    private static string Hash(JsonObject template)
    {
        var digest = SHA256.HashData(PreparedObject.ToBytes(template));
        return string.Concat(digest.Take(10).Select(b => HashAlphabet[b % HashAlphabet.Length]));
    }
}
