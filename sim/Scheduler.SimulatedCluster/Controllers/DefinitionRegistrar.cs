using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>Serves custom resources when their definitions come and change, and removes their objects when the definition goes.</summary>
internal sealed class DefinitionRegistrar(ObjectService objects, ObjectDeletion deletion)
{
    public const string StorageName = "customresourcedefinitions.apiextensions.k8s.io";
    private readonly Lock _sync = new();

    public void Changed(StoredObject stored, bool isGone)
    {
        lock (_sync)
        {
            var definition = stored.Parse();
            var group = definition.StringAt("spec", "group")!;
            var plural = definition.StringAt("spec", "names", "plural")!;
            if (isGone)
            {
                RemoveObjects(group, plural);
                objects.Registry.ReplaceCustom(group, plural, []);
                return;
            }

            // Two changes may arrive here in the wrong order; what is stored now is the truth.
            var current = objects.Find(objects.Registry.Require("apiextensions.k8s.io", "customresourcedefinitions"), stored.Key);
            if (current is not null && !objects.Registry.IsBuiltIn(group, plural))
                objects.Registry.ReplaceCustom(group, plural, CustomResourceDefinitionStrategy.Serve(current.Parse()));
        }
    }

    private void RemoveObjects(string group, string plural)
    {
        if (objects.Registry.All.FirstOrDefault(t => t.IsCustom && t.Group == group && t.Plural == plural) is not { } type)
            return;
        foreach (var obj in objects.Bucket(type).Snapshot(null).ToList())
        {
            // Nobody can serve their finalizers any more once the kind is gone.
            objects.Update(type, obj.Key, o => { o.Child("metadata").Remove("finalizers"); return o; }, UpdateScope.Internal, WriteOptions.Default);
            if (objects.Find(type, obj.Key) is not null)
                deletion.Delete(type, obj.Key, DeleteOptions.Now);
        }
    }
}
