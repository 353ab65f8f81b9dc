using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>
/// What a pod takes on its node, as the kubelet counts it: the containers and sidecars together, or the largest init step with
/// the sidecars started before it, whichever is more; plus the overhead. A limit without a request is a request.
/// </summary>
internal static class PodRequests
{
    /// <summary>
    /// The most that a pod may ask for of one resource, in whole units (CPU: thousandths): 2⁵⁰, more than any node has, and so
    /// little that the sums over all pods of a node stay far within 64 bits.
    /// </summary>
    internal const long MaxUnits = 1L << 50;

    public static Dictionary<string, Quantity> Total(PodSpec spec, List<PodError> errors)
    {
        var running = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Containers ?? [])
            Add(running, Requests(container.Resources, $"container {container.Name}", errors));

        var sidecars = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        var largestInit = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.InitContainers ?? [])
        {
            var requests = Requests(container.Resources, $"init container {container.Name}", errors);
            if (container.RestartPolicy == "Always")
            {
                Add(running, requests);
                Add(sidecars, requests);
                Raise(largestInit, sidecars);
            }
            else
            {
                Add(requests, sidecars);
                Raise(largestInit, requests);
            }
        }

        Raise(running, largestInit);
        foreach (var (name, quantity) in Requests(spec.Resources, "pod", errors))
            running[name] = quantity;
        Add(running, ParseAll(spec.Overhead, "overhead", errors));
        // One by one they are in range; together they may not be.
        foreach (var (name, sum) in running.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToList())
        {
            var most = Most(name);
            if (sum.Nano <= most.Nano)
                continue;
            errors.Add(TooMuch($"resources.{name}", sum.ToString(), most));
            running[name] = most;
        }

        return running;
    }

    private static Quantity Most(string resource) => new((Int128)MaxUnits * (resource == "cpu" ? 1_000_000 : 1_000_000_000));

    private static PodError TooMuch(string field, string value, Quantity most) =>
        new(field, value, $"is more than any node has; the most is {most.UnitsCeiling}");

    private static Dictionary<string, Quantity> Requests(ResourceRequirements? resources, string where, List<PodError> errors)
    {
        var requests = ParseAll(resources?.Requests, $"{where}: requests", errors);
        foreach (var (name, limit) in ParseAll(resources?.Limits, $"{where}: limits", errors))
            requests.TryAdd(name, limit);
        return requests;
    }

    private static Dictionary<string, Quantity> ParseAll(Dictionary<string, QuantityText>? texts, string where, List<PodError> errors)
    {
        var parsed = new Dictionary<string, Quantity>(texts?.Count ?? 0, StringComparer.Ordinal);
        foreach (var (name, text) in texts ?? [])
        {
            if (!Quantity.TryParse(text.Text, out var quantity) || quantity.Nano < 0)
                errors.Add(new PodError($"{where}.{name}", text.Text, "is not a quantity of 0 or more, such as 500m, 2 or 1.5Gi"));
            else if (quantity.Nano > Most(name).Nano)
                errors.Add(TooMuch($"{where}.{name}", text.Text, Most(name)));
            else
                parsed[name] = quantity;
        }

        return parsed;
    }

    private static void Add(Dictionary<string, Quantity> sums, Dictionary<string, Quantity> more)
    {
        foreach (var (name, quantity) in more)
            sums[name] = sums.GetValueOrDefault(name) + quantity;
    }

    private static void Raise(Dictionary<string, Quantity> most, Dictionary<string, Quantity> other)
    {
        foreach (var (name, quantity) in other)
            most[name] = Quantity.Max(most.GetValueOrDefault(name), quantity);
    }

    /// <summary>CPU, memory and storage; nvidia.com/gpu; MIG instances by profile; and everything else, by name.</summary>
    public static (ResourceVector Vector, long Gpus, ImmutableArray<(string Profile, long Count)> Mig, List<ScalarResource> Scalars) Split(
        Dictionary<string, Quantity> total)
    {
        var vector = new ResourceVector(
            total.GetValueOrDefault("cpu").MilliCeiling,
            total.GetValueOrDefault("memory").UnitsCeiling,
            total.GetValueOrDefault("ephemeral-storage").UnitsCeiling);
        var mig = ImmutableArray.CreateBuilder<(string, long)>();
        var scalars = new List<ScalarResource>();
        foreach (var (name, quantity) in total.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (name is "cpu" or "memory" or "ephemeral-storage" or "pods" or Annotations.GpuResource || quantity.Nano == 0)
                continue;
            if (name.StartsWith(Annotations.MigResourcePrefix, StringComparison.Ordinal))
                mig.Add((name[Annotations.MigResourcePrefix.Length..], quantity.UnitsCeiling));
            else
                scalars.Add(new ScalarResource(name, quantity.UnitsCeiling));
        }

        return (vector, total.GetValueOrDefault(Annotations.GpuResource).UnitsCeiling, mig.ToImmutable(), scalars);
    }
}
