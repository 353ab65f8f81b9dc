using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>A PodDisruptionBudget as read: which pods it covers, and how many more of them may be disrupted now.</summary>
internal sealed record BudgetRecord(string Namespace, string Name, LabelSelection Selection, int DisruptionsAllowed)
{
    /// <summary>Its name in a snapshot.</summary>
    public string Key => $"{Namespace}/{Name}";
}

/// <summary>From a PodDisruptionBudget of the API. Pure.</summary>
internal static class BudgetMapping
{
    /// <summary>One whose status nobody has worked out yet allows nothing, as in the API.</summary>
    public static BudgetRecord Map(DisruptionBudgetObject source) => new(
        source.Metadata.Namespace ?? "", source.Metadata.Name ?? "", new LabelSelection(source.Spec.Selector),
        Math.Max(0, source.Status.DisruptionsAllowed ?? 0));
}
