using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions.Victims;

/// <summary>What a set of victims must achieve: room for every pod of the beneficiary's core, within what quota allows.</summary>
internal sealed class VictimProblem
{
    private readonly Session _session;
    private readonly bool[] _allowedFlavors;
    private readonly TopologyLevel? _level;
    private readonly int _domain;
    private readonly long _needMilliGpu;

    /// <param name="session">The cluster.</param>
    /// <param name="applicant">Who needs room.</param>
    /// <param name="rule">Who may be taken.</param>
    /// <param name="allowedFlavors">What quota lets it use.</param>
    /// <param name="level">Topology level whose domain it must keep to; null if it may be anywhere.</param>
    /// <param name="domain">That domain.</param>
    public VictimProblem(Session session, Applicant applicant, VictimRule rule, bool[] allowedFlavors, TopologyLevel? level, int domain)
    {
        (_session, _allowedFlavors, _level, _domain) = (session, allowedFlavors, level, domain);
        (Applicant, Rule) = (applicant, rule);
        _needMilliGpu = applicant.CoreMilliGpu;
        var groups = new List<(RequestClass Kind, int Pods)>();
        for (var pod = 0; pod < applicant.Missing; pod++)
        {
            var kind = applicant.Pending[pod].Kind;
            if (groups.Count > 0 && groups[^1].Kind == kind)
            {
                groups[^1] = (kind, groups[^1].Pods + 1);
            }
            else
            {
                groups.Add((kind, 1));
            }
        }

        Groups = groups;
    }

    /// <summary>Who needs room.</summary>
    public Applicant Applicant { get; }

    /// <summary>Who may be taken.</summary>
    public VictimRule Rule { get; }

    /// <summary>Pods that must be placed, equal ones together, the biggest first.</summary>
    public IReadOnlyList<(RequestClass Kind, int Pods)> Groups { get; }

    /// <summary>
    /// Whether quota, topology, the reservations of those before and everything that cannot change within the cycle let a
    /// node have a request. A reservation beyond a guarantee gives way to what is inside one.
    /// </summary>
    public bool IsAllowed(NodeState node, RequestClass kind) =>
        (!kind.Request.Shape.Gpu.IsAny || (node.Flavor >= 0 && _allowedFlavors[node.Flavor]))
        && (_level is null || _level.DomainOf(node.Index) == _domain)
        && (node.Reservation is not { } reservation || reservation.Holder == Applicant || (Rule.IsInsideGuarantee && !reservation.IsInsideGuarantee))
        && kind.Heap.StaticRejection(node) is null
        && _session.Neighbours.Allows(node, kind);

    /// <summary>Whether quota is no obstacle once the victims are gone.</summary>
    public bool IsWithinQuota(IReadOnlyCollection<VictimUnit> victims) => OverQuota(victims) is null;

    /// <summary>
    /// Inside a tenant, the beneficiary takes the place of its victims: with them gone it must be within the limits, and on
    /// burst leave alone what is not lent. A tenant that is above its limit gets no more, not even less than it gives back.
    /// Across tenants its own limit is no question, but those of its parents are: others below them may have filled them.
    /// </summary>
    /// <returns>Below which tenant more must make way; null if nobody has to.</returns>
    public TenantNode? OverQuota(IReadOnlyCollection<VictimUnit> victims)
    {
        if (_needMilliGpu == 0 || (Rule.Scope != VictimScope.Priority && Applicant.Tenant.Parent is null))
        {
            return null;
        }

        var over = default(TenantNode);
        for (var flavor = 0; flavor < _allowedFlavors.Length; flavor++)
        {
            if (_allowedFlavors[flavor])
            {
                if (OverQuotaOf(flavor, victims) is not { } first)
                {
                    return null;
                }

                over ??= first;
            }
        }

        return over ?? Applicant.Tenant;
    }

    private TenantNode? OverQuotaOf(int flavor, IReadOnlyCollection<VictimUnit> victims)
    {
        for (var tenant = Rule.Scope == VictimScope.Priority ? Applicant.Tenant : Applicant.Tenant.Parent; tenant is not null; tenant = tenant.Parent)
        {
            // Without quotas by flavor only the total counts.
            var total = _needMilliGpu - _session.GoingMilliGpu(tenant.Index) - VictimUnit.MilliGpuOf(victims, tenant);
            var ofFlavor = !_session.Ledger.HasFlavorQuotas ? total
                : _needMilliGpu - _session.GoingMilliGpu(tenant.Index, flavor) - VictimUnit.MilliGpuOf(victims, tenant, flavor);
            if (_session.Ledger.IsOverLimit(tenant.Index, flavor, ofFlavor, total)
                || (tenant == Applicant.Tenant && !Rule.IsInsideGuarantee && !BurstPool.LeavesUnlent(_session, tenant, flavor, ofFlavor, total)))
            {
                return tenant;
            }
        }

        return null;
    }

    /// <summary>
    /// Where the pods go once the victims of a scenario are gone; null if they do not all fit. For equal pods this is exact:
    /// how many fit on a node does not depend on the others. Nodes that are made free come first, so that they are used.
    /// </summary>
    public List<(WaitingPod Pod, NodeState Node)>? Place(Scenario scenario)
    {
        var placements = new List<(WaitingPod Pod, NodeState Node)>(Applicant.Missing);
        var isComplete = TryPlace(scenario, placements);
        foreach (var (pod, node) in placements)
        {
            Note(pod, node, sign: -1);
        }

        return isComplete ? placements : null;
    }

    /// <summary>While the pods are placed they see each other.</summary>
    private void Note(in WaitingPod pod, NodeState node, int sign) =>
        _session.Neighbours.Change(Applicant.Workload.Namespace, pod.Pod, node, isKept: false, sign);

    private bool TryPlace(Scenario scenario, List<(WaitingPod Pod, NodeState Node)> placements)
    {
        var nodes = scenario.ChangedNodes.Concat(_session.Nodes.Where(node => !scenario.IsChanged(node)));
        var planes = new Dictionary<int, NodePlane>();
        var next = 0;
        foreach (var (kind, pods) in Groups)
        {
            var end = next + pods;
            foreach (var node in nodes)
            {
                if (next == end)
                {
                    break;
                }

                if (!IsAllowed(node, kind))
                {
                    continue;
                }

                var plane = planes.GetValueOrDefault(node.Index, scenario.PlaneOf(node));
                var room = Math.Min(end - next, PodRoom.Count(plane, kind.Request));
                if (room > 0 && !planes.ContainsKey(node.Index))
                {
                    planes.Add(node.Index, plane = plane.Clone());
                }

                for (; room > 0 && _session.Neighbours.Allows(node, kind); room--)
                {
                    plane.Occupy(kind.Request.Shape, DeviceAllocator.Choose(plane, kind.Request), kind.Request.DeviceOwner, sign: 1);
                    placements.Add((Applicant.Pending[next++], node));
                    Note(placements[^1].Pod, node, sign: 1);
                }
            }

            if (next < end)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Pods of a kind that fit the allowed nodes of a scenario, counted no further than needed.</summary>
    public int CountRoom(Scenario scenario, RequestClass kind, int needed) => CountRoom(scenario, kind, needed, isElsewhere: false);

    /// <summary>The same on nodes that the scenario does not change.</summary>
    public int CountRoomElsewhere(Scenario scenario, RequestClass kind, int needed) => CountRoom(scenario, kind, needed, isElsewhere: true);

    private int CountRoom(Scenario scenario, RequestClass kind, int needed, bool isElsewhere)
    {
        var room = 0;
        foreach (var node in _session.Nodes)
        {
            if (!(isElsewhere && scenario.IsChanged(node)) && IsAllowed(node, kind))
            {
                room += Math.Min(needed, PodRoom.Count(scenario.PlaneOf(node), kind.Request));
                if (room >= needed)
                {
                    break;
                }
            }
        }

        return room;
    }
}
