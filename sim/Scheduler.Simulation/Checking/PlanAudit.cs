using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Engine;

namespace Scheduler.Simulation.Checking;

/// <summary>
/// Checks each plan: W1 to W8, W13 and W15 by the validator; W11 (a planner that has lived on plans as one that has seen nothing,
/// from a snapshot made anew); W9 (asked again at once, it takes nothing more); bounds of W12. Of a baseline only W15.
/// </summary>
internal sealed class PlanAudit(SimulationState state, SchedulingPolicy? policy, Action<string, string> report)
{
    public void Planned(ClusterSnapshot snapshot, Plan plan)
    {
        if (policy is null)
        {
            CheckAnswers(snapshot, plan);
            return;
        }

        foreach (var violation in PlanValidator.Check(snapshot, policy, plan))
        {
            report(violation.Invariant, violation.Message);
        }

        var (lived, anew) = (PlanText.Write(plan), PlanText.Write(Planner.Compute(snapshot, policy)));
        if (lived != anew)
        {
            var (first, second) = PlanText.Difference(lived, anew);
            report("W11", $"a planner that has lived on decides \"{first}\", a new one \"{second}\"");
        }

        CheckShares(plan);
    }

    public void Applied()
    {
        if (policy is null)
        {
            return;
        }

        foreach (var decision in Planner.Compute(state.MakeSnapshot(), policy).Decisions)
        {
            if (decision is Evict evict)
            {
                report("W9", $"asked again at once, {evict.Workload} is evicted for {evict.Beneficiary} ({evict.Cause})");
            }
        }
    }

    /// <summary>A baseline does not say why somebody waits, but it decides about nobody twice.</summary>
    private void CheckAnswers(ClusterSnapshot snapshot, Plan plan)
    {
        var answers = plan.Decisions.Where(decision => decision is Bind or Wait).CountBy(decision => decision.Workload).ToDictionary();
        foreach (var workload in snapshot.Workloads)
        {
            if (workload.IsPending && answers.GetValueOrDefault(workload.Id) is > 1 and var count)
            {
                report("W15", $"{workload.Id} waits and gets {count} decisions");
            }
        }
    }

    /// <summary>Nobody is promised what is not there.</summary>
    private void CheckShares(Plan plan)
    {
        var (guaranteed, entitled) = (0L, 0L);
        foreach (var account in plan.Accounts)
        {
            if (state.Setup.Tenants.TryGet(account.Tenant, out var tenant) && tenant.Parent is null)
            {
                guaranteed += account.Total.GuaranteedMilliGpu;
                entitled += account.Total.EntitlementMilliGpu ?? 0;
            }
        }

        if (guaranteed > state.HealthyMilliGpu || entitled > state.HealthyMilliGpu)
        {
            report("W12", $"{guaranteed} milli-GPU are guaranteed and {entitled} are shared out, of {state.HealthyMilliGpu} that are healthy");
        }
    }
}
