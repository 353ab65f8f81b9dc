using Scheduler.Core.Feasibility;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Places a gang inside one topology domain: the narrowest level first, and there the domain that it fills best, so that
/// the wide ones stay whole for bigger gangs.
/// </summary>
internal sealed class GangTopology(Session session)
{
    private readonly Dictionary<(RequestClass Kind, TopologyLevel Level), DomainRooms> _rooms = [];

    /// <summary>
    /// Tries to place the core of a gang in one domain, and leaves it placed in the statement. False if no domain has room,
    /// or if domains mean nothing to it.
    /// </summary>
    public bool TryPlaceInDomain(Applicant applicant, Standing standing, Statement statement, Admission admission)
    {
        if (applicant.Missing < 2 && applicant.Workload.Topology is not { IsRequired: true })
        {
            return false;
        }

        foreach (var label in session.Topology.LevelsFor(applicant.Workload).Concat(CompanyLevels(applicant)))
        {
            var level = session.Topology.Level(label);
            foreach (var domain in ByRoom(applicant, level))
            {
                statement.Clear();
                admission.Open(applicant, standing, isSurplus: false);
                if (TryPlace(applicant, level.Domains[domain], statement, admission))
                {
                    return true;
                }

                statement.RollBack();
            }
        }

        return false;
    }

    /// <summary>Where the affinity of a gang's pods to each other holds it together: the first pod must not go where the others find no room.</summary>
    private IEnumerable<string> CompanyLevels(Applicant applicant) =>
        applicant.Pending[0].Kind is { HasNeighbours: true } kind && applicant.Workload.Topology is not { IsRequired: true }
        && session.Neighbours.RulesOf(kind) is { IsOwnCompany: true } rules
            ? rules.Own!.Affinity.Select(term => term.TopologyKey).Distinct(StringComparer.Ordinal)
            : [];

    /// <summary>
    /// Domains with room, the tightest first. Where part of the gang runs already, the rest must join it. The smallest pod tells the
    /// most that can fit; where pods are unequal, the trial tells the rest.
    /// </summary>
    private List<int> ByRoom(Applicant applicant, TopologyLevel level)
    {
        var joined = applicant.Running is { Pods.Count: > 0 } running ? level.DomainOf(running.Pods[0].Node.Index) : -1;
        var rooms = RoomsOf(applicant.Pending[^1].Kind, level).Now();
        var candidates = new List<(long Room, int Domain)>();
        for (var domain = 0; domain < rooms.Length; domain++)
        {
            if ((joined < 0 || domain == joined) && rooms[domain] >= applicant.Missing)
            {
                candidates.Add((rooms[domain], domain));
            }
        }

        candidates.Sort();
        return candidates.ConvertAll(candidate => candidate.Domain);
    }

    private DomainRooms RoomsOf(RequestClass kind, TopologyLevel level)
    {
        if (!_rooms.TryGetValue((kind, level), out var rooms))
        {
            _rooms.Add((kind, level), rooms = new DomainRooms(session, kind, level));
        }

        return rooms;
    }

    private bool TryPlace(Applicant applicant, IReadOnlyList<NodeState> nodes, Statement statement, Admission admission)
    {
        var scores = new long[nodes.Count];
        var kind = default(RequestClass);
        foreach (var pod in applicant.Pending)
        {
            if (statement.Count == applicant.Missing)
            {
                break;
            }

            if (pod.Kind != kind)
            {
                kind = pod.Kind;
                for (var index = 0; index < nodes.Count; index++)
                {
                    scores[index] = Score(nodes[index], kind);
                }
            }

            var best = BestAllowed(nodes, scores, pod.Pod.Shape.Gpu.MilliGpu, admission);
            if (best < 0)
            {
                if (applicant.IsUniform)
                {
                    return false;
                }

                continue;
            }

            if (nodes[best].Flavor >= 0)
            {
                admission.Add(nodes[best].Flavor, pod.Pod.Shape.Gpu.MilliGpu);
            }

            statement.Place(pod.Pod, nodes[best], nodes[best].Bindable, kind.Request, applicant);
            scores[best] = Score(nodes[best], kind);

            // What is placed on one node can decide on all the others: the next pod looks at them anew.
            kind = kind.HasNeighbours ? null : kind;
        }

        return statement.Count == applicant.Missing;
    }

    private static int BestAllowed(IReadOnlyList<NodeState> nodes, long[] scores, long milliGpu, Admission admission)
    {
        var best = -1;
        for (var index = 0; index < nodes.Count; index++)
        {
            if (scores[index] != long.MinValue && (best < 0 || scores[index] > scores[best])
                && (milliGpu == 0 || admission.Allows(nodes[index].Flavor, milliGpu)))
            {
                best = index;
            }
        }

        return best;
    }

    private long Score(NodeState node, RequestClass kind) =>
        kind.Heap.StaticRejection(node) is null && NodeFilters.PassesDynamic(node.Bindable, kind.Request) && session.Neighbours.Allows(node, kind)
            ? session.Candidates.Score(node, node.Bindable, kind)
            : long.MinValue;
}
