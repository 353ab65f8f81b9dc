using System.Diagnostics.CodeAnalysis;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Schedulers.Baselines;

namespace Scheduler.Simulation.Schedulers;

/// <summary>The schedulers that a simulation can be run with, by name.</summary>
public static class SchedulerCatalogue
{
    private static readonly SortedDictionary<string, Func<SchedulingPolicy, IScheduler>> Makers = new(StringComparer.Ordinal)
    {
        ["drf"] = _ => new DominantShare(),
        ["fifo"] = _ => new Fifo(),
        ["priority"] = _ => new PriorityPreemption(),
        ["static-partition"] = _ => new StaticPartition(),
        ["tiresias"] = _ => new Tiresias(),
        ["weir"] = policy => new WeirScheduler(policy),
        ["weir-shortest-first"] = policy => new ShortestFirst(new WeirScheduler(policy)),
    };

    static SchedulerCatalogue()
    {
        foreach (var placement in PlacementScheduler.Names)
        {
            Makers.Add(placement, _ => PlacementScheduler.Make(placement));
        }
    }

    /// <summary>All names, sorted.</summary>
    public static IReadOnlyCollection<string> Names => Makers.Keys;

    /// <summary>Makes a scheduler that has seen nothing yet.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="policy">The policy, as far as it follows one.</param>
    /// <param name="scheduler">The scheduler.</param>
    public static bool TryMake(string name, SchedulingPolicy policy, [NotNullWhen(true)] out IScheduler? scheduler)
    {
        scheduler = Makers.TryGetValue(name, out var make) ? make(policy) : null;
        return scheduler is not null;
    }
}
