using Scheduler.Core.Planning;
using Scheduler.Core.Planning.Neighbours;

namespace Scheduler.Core.Scoring;

/// <summary>
/// Wishes about other pods: preferred affinity and anti-affinity, and topology spread with ScheduleAnyway. Half the range is a
/// node that nothing is said about; each pod that should be near moves it up, each that should not moves it down, ever less.
/// Asked only about pods with such wishes: all other scores depend on the node alone (docs/adr/0007-candidate-heaps.md).
/// </summary>
internal static class NeighbourScorer
{
    private const long Half = INodeScorer.Max / 2;

    /// <summary>What a pod beyond the fewest of a domain weighs, and a domain that cannot be told.</summary>
    private const int SpreadWeight = 50;

    /// <summary>The sum that goes half of the way to the end of the range: the greatest weight of a single wish.</summary>
    private const int HalfWay = 100;

    public static long Score(NodeState node, NeighbourRules rules)
    {
        var sum = 0L;
        foreach (var (count, weight) in rules.Preferred)
        {
            if (count.DomainOf(node.Index) is >= 0 and var domain)
            {
                sum += (long)weight * count.Present(domain);
            }
        }

        foreach (var count in rules.SpreadWishes)
        {
            sum -= count.DomainOf(node.Index) is >= 0 and var domain
                ? (long)SpreadWeight * Math.Max(0, count.Most(domain) - Math.Min(count.Fewest, count.Most(domain)))
                : SpreadWeight;
        }

        return Half + (Half * sum / (Math.Abs(sum) + HalfWay));
    }
}
