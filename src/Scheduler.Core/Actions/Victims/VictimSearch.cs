using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>Whom to preempt for a workload, and where it goes once they are gone.</summary>
internal sealed record VictimPlan(
    IReadOnlyList<VictimUnit> Victims, IReadOnlyList<(WaitingPod Pod, NodeState Node)> Placements, int Priority, VictimCost Cost,
    int NodesConsidered);

/// <summary>
/// Finds a minimal set of victims for a workload: with any one of them spared, it would not fit. Among the minimal sets it
/// looks for the cheapest: by the highest priority touched, then by <see cref="VictimCost"/>.
/// </summary>
/// <remarks>
/// Victims up to the lowest priority first, then up to the next, until there is room. A single pod goes to the node where
/// room is cheapest, which is exact as far as <see cref="NodeVictims"/> is. A gang is given room node by node, in two
/// ways: least cost first, and least cost for each pod gained first; from both what is superfluous is spared, and the
/// better one is kept. Where few units are open, <see cref="ExactVictims"/> looks for the optimum.
/// </remarks>
internal sealed class VictimSearch(Session session, VictimMarket market, VictimProblem problem)
{
    /// <summary>Steps of branch and bound on a node: enough for all subsets of a dozen units, at worst a millisecond.</summary>
    private const int StepsForOne = 4096;
    private const int StepsForEach = 256;

    private readonly NodeVictims _onNode = new(session);
    private readonly Scenario _scenario = new();
    private readonly List<VictimUnit> _open = [];
    private readonly VictimRule _rule = problem.Rule;
    private SortedSet<int>? _special;
    private int _ceiling;
    private int _considered;

    /// <summary>Whether the beneficiary fits once everything that leaves already is gone.</summary>
    public static bool IsSolvedByWaiting(Session session, VictimProblem problem)
    {
        if (session.PartedNodes.Count == 0)
        {
            return false;
        }

        var empty = new Scenario();
        foreach (var (kind, pods) in problem.Groups)
        {
            // It does not fit now: at least one pod must find room where something leaves.
            if (session.PartedNodes.Any(node => problem.IsAllowed(node, kind) && PodRoom.Count(node.Later, kind.Request) > 0))
            {
                return problem.IsWithinQuota([])
                    && (problem.Groups.Count == 1 && !kind.HasNeighbours ? problem.CountRoom(empty, kind, pods) >= pods : problem.Place(empty) is not null);
            }
        }

        return false;
    }

    /// <summary>The best set found, or null if nothing that may be taken is enough.</summary>
    public VictimPlan? Find()
    {
        var hasRoom = problem.Applicant.Missing == 1 && problem.CountRoom(_scenario, problem.Groups[0].Kind, needed: 1) > 0;
        foreach (var priority in market.Catalogue.Priorities)
        {
            if (_rule.Scope == VictimScope.Priority && priority >= problem.Applicant.Workload.Priority)
            {
                break;
            }

            _ceiling = priority;
            var plan = problem.Applicant.Missing == 1 ? ForOne(hasRoom) : ForGang();
            _scenario.Clear();
            if (plan is not null)
            {
                return plan;
            }
        }

        return null;
    }

    private VictimPlan? ForOne(bool hasRoom)
    {
        var kind = problem.Groups[0].Kind;
        if (hasRoom)
        {
            // Room is there: it is quota that somebody has to make way for.
            return MeetQuota() ? Finish(isExact: false) : null;
        }

        var best = default((NodeState Node, NodeOption Option)?);
        var special = _special ??= market.SpecialNodes(_rule, problem.Applicant.Tenant);
        foreach (var node in special)
        {
            Consider(session.Nodes[node]);
        }

        if (_rule.Scope != VictimScope.Priority && problem.Applicant.HasGpu)
        {
            foreach (var (atLeast, node) in market.Prices(_rule, _ceiling, kind.Request.Shape.Gpu).InOrder())
            {
                if (best is { } found && atLeast.CompareTo(found.Option.Cost) >= 0)
                {
                    break;
                }

                if (!special.Contains(node.Index))
                {
                    Consider(node);
                }
            }
        }

        if (best is not { } chosen)
        {
            return null;
        }

        foreach (var unit in chosen.Option.Units)
        {
            _scenario.Take(unit);
        }

        // The best on the best node is the best of all, unless quota asked for more.
        return MeetQuota() ? Finish(isExact: _scenario.Units.Count == chosen.Option.Units.Length) : null;

        void Consider(NodeState node)
        {
            if (problem.IsAllowed(node, kind) && _onNode.Find(node, node.Later, kind.Request, OpenOn(node), StepsForOne) is { } option
                && IsAffordable(option) && (best is null || option.Cost.CompareTo(best.Value.Option.Cost) < 0))
            {
                best = (node, option);
            }
        }
    }

    private VictimPlan? ForGang()
    {
        _special ??= market.SpecialNodes(_rule, problem.Applicant.Tenant);
        var byCost = Greedy((a, b) => a.Option.Cost.CompareTo(b.Option.Cost) is not 0 and var order ? order : a.Node.CompareTo(b.Node));
        if (byCost is null)
        {
            return null;
        }

        _scenario.Clear();
        var perGain = Greedy((a, b) => VictimCost.ComparePerGain(a.Option.Cost, a.Gain, b.Option.Cost, b.Gain) is not 0 and var order
            ? order
            : a.Node.CompareTo(b.Node));
        return perGain is null || byCost.Cost.CompareTo(perGain.Cost) <= 0 ? byCost : perGain;
    }

    /// <summary>Makes room for one group of equal pods after the other, in steps of the best option each.</summary>
    private VictimPlan? Greedy(Comparison<GangOption> order)
    {
        foreach (var (kind, pods) in problem.Groups)
        {
            var shared = market.Options(_rule, _ceiling, kind, StepsForEach);
            var step = new GangStep(session, market, problem, _scenario, kind, pods, order, node => OptionOn(node, kind, shared));
            if (!step.MakeRoom())
            {
                return null;
            }
        }

        return MeetQuota() ? Finish(isExact: false) : null;
    }

    /// <summary>Room is there, but the tenant, or one above it, may be over its limit until more of those below are gone.</summary>
    private bool MeetQuota()
    {
        while (problem.OverQuota(_scenario.Units) is { } over)
        {
            var taken = _scenario.Units.Count;
            var open = session.Snapshot.Tenants.Nodes.Where(tenant => tenant.IsLeaf && tenant.IsAtOrBelow(over))
                .SelectMany(tenant => market.Catalogue.OfTenant(tenant.Index))
                .Where(unit => unit.Priority <= _ceiling && unit.MilliGpu > 0 && _rule.MayTake(unit))
                .Order(Comparer<VictimUnit>.Create(NodeVictims.ByCost));
            foreach (var unit in open.TakeWhile(_ => problem.OverQuota(_scenario.Units) == over))
            {
                if (!Scenario.IsGone(unit) && (_rule.Scope != VictimScope.FairShare || _rule.IsAffordable([.. _scenario.Units, unit], unit)))
                {
                    _scenario.Take(unit);
                }
            }

            if (_scenario.Units.Count == taken)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Spares what is not needed, looks for the optimum where that is cheap, and says where the pods go.</summary>
    private VictimPlan? Finish(bool isExact)
    {
        var room = new VictimRoom(problem, _scenario);
        room.Spare();
        if (!isExact && ExactVictims.TryOpen(session, market, problem, _ceiling) is { } open)
        {
            new ExactVictims(session, problem, _scenario, open).Improve();
        }

        // Superfluous placements of an earlier group may have hidden room: then the set does not hold, and is no plan.
        return problem.Place(_scenario) is { } placements
            ? new VictimPlan([.. _scenario.Units], placements, HighestPriority(), VictimCost.Of(_scenario.Units, session), _considered)
            : null;
    }

    private int HighestPriority() => _scenario.Units.Count == 0 ? int.MinValue : _scenario.Units.Max(unit => unit.Priority);

    private bool IsAffordable(NodeOption option) => Array.TrueForAll(option.Units, unit => _rule.IsAffordable(option.Units, unit));

    /// <summary>
    /// What is the same for all tenants is shared: nodes that this search has not changed, without work of the own tenant.
    /// </summary>
    private NodeOption? OptionOn(NodeState node, RequestClass kind, NodeOptions shared)
    {
        if (_rule.Scope != VictimScope.Priority && !_rule.SparesBound && problem.Applicant.HasGpu && !_scenario.IsChanged(node) && !_special!.Contains(node.Index))
        {
            _considered++;
            return shared.On(node);
        }

        return _onNode.Find(node, _scenario.PlaneOf(node), kind.Request, OpenOn(node), StepsForEach);
    }

    private List<VictimUnit> OpenOn(NodeState node)
    {
        _open.Clear();
        _considered++;
        foreach (var unit in market.Catalogue.On(node.Index))
        {
            if (unit.Priority <= _ceiling && !Scenario.IsGone(unit) && _rule.MayTake(unit))
            {
                _open.Add(unit);
            }
        }

        return _open;
    }
}
