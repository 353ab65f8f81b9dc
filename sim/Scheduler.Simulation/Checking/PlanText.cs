using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Checking;

/// <summary>A plan as text: equal exactly if the plans are.</summary>
internal static class PlanText
{
    public static string Write(Plan plan)
    {
        var text = new StringBuilder();
        foreach (var decision in plan.Decisions)
        {
            text.Append(CultureInfo.InvariantCulture, $"{decision.GetType().Name} {decision.Workload}: ");
            text.AppendLine(decision switch
            {
                Bind bind => $"{bind.Standing}, {bind.PodsLeftWaiting} left; {Places(bind.Pods)}",
                Evict evict => string.Create(CultureInfo.InvariantCulture, $"{evict.Cause} of {evict.Beneficiary} by {evict.Deadline:O}, {evict.LostMilliGpuSeconds} lost; {string.Join(' ', evict.Pods)}"),
                Withdraw withdraw => string.Join(' ', withdraw.Pods),
                Reserve reserve => string.Create(CultureInfo.InvariantCulture, $"{reserve.Kind} from {reserve.From:O}; {Places(reserve.Pods)}"),
                Wait wait => $"{wait.Reason}, {wait.Place}, {wait.Message}",
                _ => "",
            });
        }

        foreach (var account in plan.Accounts)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{account.Tenant}, {account.PendingWorkloads} wait: {string.Join("; ", account.Flavors)}");
        }

        return text.ToString();
    }

    /// <summary>The first line in which two plans differ, as each has it.</summary>
    public static (string First, string Second) Difference(string first, string second)
    {
        var (a, b) = (first.Split('\n'), second.Split('\n'));
        for (var line = 0; line < Math.Max(a.Length, b.Length); line++)
        {
            var (x, y) = (a.ElementAtOrDefault(line) ?? "nothing", b.ElementAtOrDefault(line) ?? "nothing");
            if (x != y)
            {
                return (x, y);
            }
        }

        return ("", "");
    }

    private static string Places(ImmutableArray<PodBinding> pods) =>
        string.Join(' ', pods.Select(pod => $"{pod.Pod}@{pod.Node}[{string.Join(',', pod.Devices)}]"));
}
