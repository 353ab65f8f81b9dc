using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <content>Disruption budgets, and which pods they cover.</content>
internal sealed partial class ClusterCache
{
    private readonly Dictionary<string, SortedDictionary<string, BudgetRecord>> _budgets = new(StringComparer.Ordinal);

    public IReflectorSink<BudgetRecord> Budgets { get; }

    /// <summary>The budget that covers a pod. Of several the first by name: the API server evicts such a pod in no case.</summary>
    private string? BudgetOf(PodRecord pod)
    {
        if (_budgets.TryGetValue(pod.Namespace, out var budgets))
        {
            foreach (var budget in budgets.Values)
            {
                if (budget.Selection.Selects(pod.Labels))
                    return budget.Key;
            }
        }

        return null;
    }

    private sealed class BudgetSink(ClusterCache cache) : IReflectorSink<BudgetRecord>
    {
        public void Replace(IReadOnlyList<BudgetRecord> items) => cache.Write(() =>
        {
            var changed = false;
            var present = items.Select(item => item.Key).ToHashSet(StringComparer.Ordinal);
            foreach (var gone in cache._budgets.Values.SelectMany(budgets => budgets.Values).Where(budget => !present.Contains(budget.Key)).ToList())
                changed |= Remove(gone);
            foreach (var item in items)
                changed |= Set(item);
            return changed;
        });

        public void Upsert(BudgetRecord item) => cache.Write(() => Set(item));

        public void Delete(BudgetRecord item) => cache.Write(() => Remove(item));

        private bool Set(BudgetRecord item)
        {
            if (!cache._budgets.TryGetValue(item.Namespace, out var budgets))
                cache._budgets[item.Namespace] = budgets = new(StringComparer.Ordinal);
            var before = budgets.GetValueOrDefault(item.Name);
            if (before == item)
                return false;
            budgets[item.Name] = item;
            if (before is null || !before.Selection.Equals(item.Selection))
                cache._pods.MarkNamespaceDirty(item.Namespace);
            return true;
        }

        private bool Remove(BudgetRecord item)
        {
            if (!cache._budgets.TryGetValue(item.Namespace, out var budgets) || !budgets.Remove(item.Name))
                return false;
            if (budgets.Count == 0)
                cache._budgets.Remove(item.Namespace);
            cache._pods.MarkNamespaceDirty(item.Namespace);
            return true;
        }
    }
}
