using System.Globalization;
using System.Text;
using Scheduler.Core.Planning;

namespace Scheduler.TestKit.Clusters;

/// <summary>A plan as canonical text: equal exactly if the plans are.</summary>
public static class PlanText
{
    public static string Write(Plan plan)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"generation {plan.Generation}");
        foreach (var decision in plan.Decisions)
        {
            text.AppendLine(decision switch
            {
                Bind bind => $"bind {bind.Workload} {bind.Standing} left={bind.PodsLeftWaiting}: "
                    + string.Join("; ", bind.Pods.Select(pod => $"{pod.Pod} → {pod.Node}[{string.Join(',', pod.Devices)}]")),
                Wait wait => $"wait {wait.Workload} {wait.Reason} {wait.Place}: {wait.Message} "
                    + string.Join(", ", wait.Explanation.Rejections) + $" {wait.Explanation.FreeMilliGpu}/{wait.Explanation.NeededMilliGpu}",
                Evict evict => $"evict {evict.Workload} for {evict.Beneficiary} ({evict.Cause}) by {evict.Deadline:O} losing {evict.LostMilliGpuSeconds}: "
                    + string.Join(", ", evict.Pods),
                Withdraw withdraw => $"withdraw {withdraw.Workload}: " + string.Join(", ", withdraw.Pods),
                Reserve reserve => $"reserve {reserve.Workload} from {reserve.From:O}: "
                    + string.Join("; ", reserve.Pods.Select(pod => $"{pod.Pod} → {pod.Node}[{string.Join(',', pod.Devices)}]")),
                _ => decision.ToString(),
            });
        }

        foreach (var account in plan.Accounts)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"account {account.Tenant} pending={account.PendingWorkloads}: {string.Join("; ", account.Flavors)}");
        }

        return text.ToString();
    }
}
