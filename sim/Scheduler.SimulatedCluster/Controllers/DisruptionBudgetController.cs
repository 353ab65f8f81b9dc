using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>Writes the status of disruption budgets for readers. Evictions count afresh and do not depend on it.</summary>
internal sealed class DisruptionBudgetController
{
    // Counting reads every pod of the namespace, so bursts of pod changes are answered once.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    private readonly ObjectService _objects;
    private readonly DisruptionBudgets _budgets;
    private readonly ResourceType _type;
    private readonly ChangeFeed _budgetFeed;
    private readonly ChangeFeed _podFeed;

    public DisruptionBudgetController(ObjectService objects, DisruptionBudgets budgets)
    {
        _objects = objects;
        _budgets = budgets;
        _type = objects.Registry.Require("policy", "poddisruptionbudgets");
        _budgetFeed = new ChangeFeed(objects, _type);
        _podFeed = new ChangeFeed(objects, objects.Registry.Require("", "pods"));
    }

    public async Task RunAsync(CancellationToken ct)
    {
        var changes = new List<Change>();
        while (true)
        {
            changes.Clear();
            _budgetFeed.Read(changes);
            _podFeed.Read(changes);
            if (changes.Count == 0)
            {
                await Waiting.ForAnyAsync(_objects.Clock, Timeout.InfiniteTimeSpan, ct, _budgetFeed.WaitAsync(), _podFeed.WaitAsync());
                continue;
            }

            var namespaces = changes.Select(c => c.Object.Key.Namespace).ToHashSet(StringComparer.Ordinal);
            foreach (var budget in _objects.Bucket(_type).Snapshot(null).Where(b => namespaces.Contains(b.Key.Namespace)))
                WriteStatus(budget);
            if (_objects.Bucket(_type).Count > 0)
                await Task.Delay(Pause, _objects.Clock, ct);
        }
    }

    private void WriteStatus(StoredObject stored)
    {
        var state = _budgets.Count(stored.Parse());
        try
        {
            _objects.Update(
                _type, stored.Key,
                budget =>
                {
                    var status = budget.Child("status");
                    status["observedGeneration"] = budget.LongAt("metadata", "generation");
                    status["expectedPods"] = state.Expected;
                    status["currentHealthy"] = state.Healthy;
                    status["desiredHealthy"] = state.Desired;
                    status["disruptionsAllowed"] = state.Allowed;
                    PodConditions.Set(budget, "DisruptionAllowed", state.Allowed > 0 ? "True" : "False", state.Allowed > 0 ? "SufficientPods" : "InsufficientPods", "", _objects.Clock.GetUtcNow());
                    return budget;
                },
                UpdateScope.Internal, WriteOptions.Default);
        }
        catch (Api.ApiException e) when (e.Code == 404)
        {
            // Deleted meanwhile.
        }
    }
}
