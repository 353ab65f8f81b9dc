using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// What a set of victims must achieve: room for every pod of the beneficiary's core, within what quota allows.
/// </summary>
internal sealed class VictimProblem
{
    private readonly Session _session;
    private readonly Applicant _applicant;
    private readonly VictimRule _rule;
    private readonly bool[] _allowedFlavors;
    private readonly long _needMilliGpu;
    private readonly Dictionary<int, bool> _passesStatic = [];

    public VictimProblem(Session session, Applicant applicant, VictimRule rule, bool[] allowedFlavors)
    {
        (_session, _applicant, _rule, _allowedFlavors) = (session, applicant, rule, allowedFlavors);
        var pods = applicant.Pending.Take(applicant.Missing).ToArray();
        _needMilliGpu = pods.Sum(pod => pod.Shape.Gpu.MilliGpu);
        Groups =
        [
            .. pods.GroupBy(pod => pod.Shape)
                .Select(group => (Session.RequestFor(group.Key, applicant.Tenant), (IReadOnlyList<Pod>)[.. group])),
        ];
    }

    /// <summary>Pods that must be placed, equal ones together, the biggest first.</summary>
    public IReadOnlyList<(PlacementRequest Request, IReadOnlyList<Pod> Pods)> Groups { get; }

    /// <summary>Whose problem.</summary>
    public Quota.TenantNode Tenant => _applicant.Tenant;

    /// <summary>Whether any pod asks for GPUs.</summary>
    public bool HasGpu => _applicant.HasGpu;

    /// <summary>Counts whether victims can be spared.</summary>
    public VictimRoom RoomFor(VictimSet chosen) => new(_session, this, chosen);

    /// <summary>Whether quota and everything that cannot change within the cycle let a node have a request.</summary>
    public bool IsAllowed(NodeState node, PlacementRequest request)
    {
        if (request.Shape.Gpu.IsAny && (node.Flavor < 0 || !_allowedFlavors[node.Flavor]))
        {
            return false;
        }

        // Remembered for gangs of equal pods, which ask again and again.
        if (Groups.Count > 1)
        {
            return NodeFilters.PassesStatic(node.Later, request);
        }

        if (!_passesStatic.TryGetValue(node.Index, out var passes))
        {
            _passesStatic.Add(node.Index, passes = NodeFilters.PassesStatic(node.Later, request));
        }

        return passes;
    }

    /// <summary>Whether taking one more unit leaves its tenant what it is entitled to; of no interest but for fair share.</summary>
    public bool IsAffordable(VictimSet chosen, VictimUnit unit) =>
        _rule.Scope != VictimScope.FairShare
        || chosen.Freed(unit.Running.Tenant!.Index) + VictimSet.MilliOf(unit) <= _session.Excess(unit.Running.Tenant.Index);

    /// <summary>
    /// Whether the beneficiary fits once everything that leaves already is gone. It does not fit now: so at least one pod
    /// must find room on a node from which something leaves.
    /// </summary>
    public bool IsSolvedByWaiting()
    {
        foreach (var (request, pods) in Groups)
        {
            foreach (var node in _session.PartedNodes)
            {
                if (IsAllowed(node, request) && NodeFilters.PassesDynamic(node.Later, request))
                {
                    return pods.Count == 1 && Groups.Count == 1 ? IsWithinQuota(new VictimSet(_session, [])) : IsSolvedBy(new VictimSet(_session, []));
                }
            }
        }

        return false;
    }

    /// <summary>Whether the beneficiary fits once the victims are gone.</summary>
    public bool IsSolvedBy(VictimSet victims) =>
        victims.Units.All(unit => _rule.Scope != VictimScope.FairShare || victims.Freed(unit.Running.Tenant!.Index) <= _session.Excess(unit.Running.Tenant.Index))
        && IsWithinQuota(victims) && Count(victims, place: false) is not null;

    /// <summary>Where the pods go once the victims are gone, which must solve the problem.</summary>
    public IReadOnlyList<(Pod Pod, NodeState Node)> Place(VictimSet victims) =>
        Count(victims, place: true) ?? throw new InvalidOperationException($"{_applicant.Workload.Id} does not fit beside its victims");

    /// <summary>
    /// Fills nodes with the pods, one group after the other: nodes of victims first, so that what is freed is used. For
    /// equal pods this is exact: how many fit on a node does not depend on the others.
    /// </summary>
    private List<(Pod, NodeState)>? Count(VictimSet victims, bool place)
    {
        victims.ClearPlaced();
        var placements = new List<(Pod, NodeState)>();
        var first = victims.Nodes.Order().ToArray();
        foreach (var (request, pods) in Groups)
        {
            var next = 0;
            foreach (var node in InOrder(first))
            {
                if (next == pods.Count)
                {
                    break;
                }

                if (!IsAllowed(node, request))
                {
                    continue;
                }

                while (next < pods.Count && NodeFilters.PassesDynamic(victims.PlaneOf(node), request))
                {
                    victims.Place(node.Index, request);
                    if (place)
                    {
                        placements.Add((pods[next], node));
                    }

                    next++;
                }
            }

            if (next < pods.Count)
            {
                victims.ClearPlaced();
                return null;
            }
        }

        victims.ClearPlaced();
        return placements;
    }

    private IEnumerable<NodeState> InOrder(int[] first)
    {
        foreach (var index in first)
        {
            yield return _session.Nodes[index];
        }

        foreach (var node in _session.Nodes)
        {
            if (Array.BinarySearch(first, node.Index) < 0)
            {
                yield return node;
            }
        }
    }

    /// <summary>
    /// Inside a tenant, the beneficiary takes the place of its victims: what it adds must stay within the limits, and, if
    /// it may not burst, within the guarantee.
    /// </summary>
    public bool IsWithinQuota(VictimSet victims)
    {
        if (_rule.Scope != VictimScope.Priority || _needMilliGpu == 0)
        {
            return true;
        }

        var tenant = _applicant.Tenant.Index;
        var more = _needMilliGpu - victims.Freed(tenant) - _session.GoingMilliGpu(tenant);
        var ledger = _session.Ledger;
        if (!_applicant.MayBurst && ledger.UsedTotal(tenant) + more > ledger.GuaranteedTotal(tenant))
        {
            return false;
        }

        return more <= 0 || Enumerable.Range(0, _allowedFlavors.Length).Any(flavor =>
            _allowedFlavors[flavor] && new Admission(_session, _applicant, Standing.Burst, isSurplus: false).Allows(flavor, more));
    }
}
