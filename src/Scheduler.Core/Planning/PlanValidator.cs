using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning.Validation;

namespace Scheduler.Core.Planning;

/// <summary>
/// Checks a plan against the invariants, by plain sums over the snapshot and with none of the planner's working state, so
/// that a fault of the planner cannot hide itself. Runs on every plan, in production too.
/// </summary>
/// <remarks>
/// Exact for W1, W2, W8, W15 and W16. For W3 to W7 and W13 it reports what is certain: a plan does not tell in which order a
/// cycle came to it, and where that decides, or where pods of a gang differ, nothing is said. What was over-committed
/// before the plan (by others, or by a lowered quota) is no fault of the plan, as long as the plan adds nothing to it.
/// </remarks>
public static class PlanValidator
{
    /// <summary>Every violation, in a stable order; empty for a good plan.</summary>
    public static ImmutableArray<InvariantViolation> Check(ClusterSnapshot snapshot, SchedulingPolicy policy, Plan plan)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(plan);
        var violations = ImmutableArray.CreateBuilder<InvariantViolation>();
        var books = new PlanBooks(snapshot, policy, plan, violations);
        var views = new NodeViews(books);
        var quota = new QuotaBooks(books);
        var standing = new StandingCheck(books, quota);
        DecisionCheck.Check(books);
        views.Check();
        new RulesCheck(books).Check();
        quota.Check();
        if (violations.Count > 0)
        {
            // Where the sums are wrong already, the rest would only repeat it in other words.
            return violations.ToImmutable();
        }

        new GuaranteeCheck(books, quota, views, standing).Check();
        new VictimCheck(books, quota, views, standing).Check();
        new ConservationCheck(books, quota, views).Check();
        new ReservationCheck(books, quota, standing).Check();
        return violations.ToImmutable();
    }
}
