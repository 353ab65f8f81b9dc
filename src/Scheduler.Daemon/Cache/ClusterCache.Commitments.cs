using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <summary>How a commitment ended.</summary>
internal enum CommitmentEnd
{
    /// <summary>The pod is bound, by the extender or by somebody else.</summary>
    Bound,

    /// <summary>kube-scheduler did not offer the node.</summary>
    Refused,

    /// <summary>kube-scheduler did not bind the pod in time.</summary>
    Expired,

    /// <summary>The planner wants the room for another.</summary>
    Revoked,

    /// <summary>Binding failed.</summary>
    Failed,

    /// <summary>The lease was lost: another replica decides.</summary>
    Fenced,

    /// <summary>The pod is gone.</summary>
    Gone,
}

/// <summary>Is told, under the cache's lock, what becomes of commitments. Must be quick.</summary>
internal interface ICommitmentObserver
{
    /// <param name="request">What was committed.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="attempts">How often kube-scheduler has asked about the pod so far.</param>
    void Ended(BindRequest request, CommitmentEnd end, int attempts);
}

/// <summary>A commitment that kube-scheduler has not asked about, and what its pod should say so that it does.</summary>
internal sealed record CommitmentNews(PodRecord Pod, string Room);

/// <content>
/// Nodes that were decided for pods that kube-scheduler binds. The protocol of the extender has no way to take an answer back, so a
/// decision is kept until something ends it:
/// <code>
///              Commit (a Bind of the plan)         TryBeginBinding              FinishBinding
///   (waiting) ─────────────────────────► committed ───────────────► binding ────────────────► as any other binding
///       ▲                                    │                         │ Forget: it failed
///       │                                    │                         │
///       └────────────────────────────────────┴─────────────────────────┘
///         RefuseNode: kube-scheduler did not offer it · it was not bound in time · Revoke: the planner wants the room for another
///         · Follow: the lease was lost · the pod is gone
/// </code>
/// While committed, the pod is assumed (<see cref="Assumptions"/>): its room and its quota are taken. Unlike an assumption whose
/// binding was sent, a commitment may run out by time, because nothing was written.
/// </content>
internal sealed partial class ClusterCache
{
    /// <summary>How long kube-scheduler may take to ask about a new pod, before it is told that there is an answer.</summary>
    private static readonly TimeSpan AsksWithin = TimeSpan.FromSeconds(1);

    // And before it is told again.
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(15);

    private readonly Dictionary<PodId, Commitment> _commitments = [];

    // All run out after the same time, so the queue is sorted by itself.
    private readonly Queue<Commitment> _running = new();
    private readonly Dictionary<PodId, int> _attempts = [];

    /// <summary>Told what becomes of commitments; null for nobody.</summary>
    public ICommitmentObserver? CommitmentObserver { get; set; }

    public int CommitmentCount
    {
        get
        {
            lock (_gate)
                return _commitments.Count;
        }
    }

    /// <summary>Keeps an assumed pod for kube-scheduler to bind. Nothing happens if it is gone in the meantime.</summary>
    public void Commit(BindRequest request, LeadershipTerm term)
    {
        lock (_gate)
        {
            if (_assumptions.PlacementOf(request.Pod) is not { } placement || placement.Node != request.Node)
                return;
            var commitment = new Commitment(request, term, _time.GetUtcNow());
            _commitments[request.Pod] = commitment;
            _running.Enqueue(commitment);
        }
    }

    /// <summary>
    /// kube-scheduler asks about the pod.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="isNew">Whether it counts as another attempt.</param>
    /// <returns>Its node, bound or decided; null if it has none.</returns>
    public NodeName? Ask(PodId pod, bool isNew)
    {
        lock (_gate)
        {
            if (_pods.Find(pod) is not { } record)
                return null;
            if (isNew && !record.HoldsRoom)
                _attempts[pod] = _attempts.GetValueOrDefault(pod) + 1;
            if (_commitments.TryGetValue(pod, out var commitment))
                commitment.AskedAt = _time.GetUtcNow();
            return (record.Placement ?? _assumptions.PlacementOf(pod))?.Node;
        }
    }

    /// <summary>The pod's node, bound or decided; null if it has none.</summary>
    public NodeName? NodeOf(PodId pod)
    {
        lock (_gate)
            return (_pods.Find(pod)?.Placement ?? _assumptions.PlacementOf(pod))?.Node;
    }

    /// <summary>
    /// kube-scheduler does not offer the node of a commitment: it ends, and the node is not chosen for the pod for a while. Of a gang
    /// of which nothing is bound yet, all commitments end, so that it is planned as a whole again.
    /// </summary>
    /// <returns>False if there is no such commitment, or its binding is under way.</returns>
    public bool RefuseNode(PodId pod, NodeName node)
    {
        lock (_gate)
        {
            if (!_commitments.TryGetValue(pod, out var commitment) || commitment.Binding is not null || commitment.Request.Node != node)
                return false;
            EndWithGang(commitment, CommitmentEnd.Refused);
        }

        Changed?.Invoke();
        return true;
    }

    /// <summary>Ends the commitments among these pods, whose room the planner wants for another. Nothing runs there yet.</summary>
    /// <returns>The pods that have no commitment, or whose binding is under way.</returns>
    public ImmutableArray<PodId> Revoke(ImmutableArray<PodId> pods)
    {
        var others = ImmutableArray.CreateBuilder<PodId>();
        lock (_gate)
        {
            foreach (var pod in pods)
            {
                if (_commitments.TryGetValue(pod, out var commitment) && commitment.Binding is null)
                    End(commitment, CommitmentEnd.Revoked);
                else
                    others.Add(pod);
            }
        }

        if (others.Count < pods.Length)
            Changed?.Invoke();
        return others.DrainToImmutable();
    }

    /// <summary>Begins a binding that kube-scheduler asks for, or joins the one that is under way.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="node">The node that kube-scheduler names; nothing else than what was decided is bound.</param>
    /// <param name="begin">Starts it, without waiting for anything.</param>
    /// <param name="binding">The binding.</param>
    /// <returns>Why it is refused, or null.</returns>
    public string? TryBeginBinding(
        PodId pod, NodeName node, Func<BindRequest, LeadershipTerm, Task<BindOutcome>> begin, out Task<BindOutcome>? binding)
    {
        binding = null;
        lock (_gate)
        {
            if (_pods.Find(pod) is not { } record)
                return $"pod {pod} is not known here; it is gone, or its watch event is late";
            if (record.Placement is { } placed)
            {
                binding = Task.FromResult(placed.Node == node
                    ? new BindOutcome(BindResult.Bound)
                    : new BindOutcome(BindResult.Conflict, $"it is on {placed.Node}"));
                return null;
            }

            if (!_commitments.TryGetValue(pod, out var commitment))
            {
                return _assumptions.PlacementOf(pod) is { } assumed
                    ? $"its binding to {assumed.Node} is written already; the API server's word is waited for"
                    : $"nothing is decided for {record.Namespace}/{record.Name} any more; it is planned again, ask filter";
            }

            if (commitment.Request.Node != node)
                return $"{record.Namespace}/{record.Name} goes to {commitment.Request.Node}, not to {node}; ask filter again";
            binding = commitment.Binding ??= begin(commitment.Request, commitment.Term);
            return null;
        }
    }

    /// <summary>Why a node has no room for a pod that Weir does not plan, by its books with all that was decided; null if it has.</summary>
    public string? RefusalOn(NodeName name, PodShape shape)
    {
        lock (_gate)
        {
            if (!_nodes.TryGetValue(name, out var node))
                return "Weir does not know this node yet";
            return RoomOn(node).RefusalOnAnyDevice(shape);
        }
    }

    /// <summary>Commitments whose pods kube-scheduler has to be told about now, each named again only after a while.</summary>
    public List<CommitmentNews> TakeCommitmentNews()
    {
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            var news = new List<CommitmentNews>();
            foreach (var commitment in _commitments.Values)
            {
                var id = commitment.Request.Pod;
                if (commitment.Binding is not null || _pods.Find(id) is not { } record || now < TellAt(commitment, record))
                    continue;
                commitment.ToldAt = now;
                news.Add(new CommitmentNews(record, Format(_assumptions.PlacementOf(id)!)));
            }

            news.Sort(static (a, b) => a.Pod.Id.CompareTo(b.Pod.Id));
            return news;
        }
    }

    /// <summary>A write of news failed: it is named again at once.</summary>
    public void KeepCommitmentNews(PodId pod)
    {
        lock (_gate)
        {
            if (_commitments.TryGetValue(pod, out var commitment))
                commitment.ToldAt = null;
        }
    }

    private DateTimeOffset TellAt(Commitment commitment, PodRecord record)
    {
        var last = commitment.ToldAt is { } told && !(commitment.AskedAt > told) ? told : commitment.AskedAt;
        if (last is { } at)
            return at + TellEvery;
        // It was sent away before, and sleeps until something about the pod changes.
        var isAsleep = record.UnscheduledBecause is not null || _attempts.ContainsKey(record.Id);
        return isAsleep ? commitment.At : commitment.At + AsksWithin;
    }

    private DateTimeOffset? NextCommitmentDue => _running.TryPeek(out var next) ? next.At + _commitFor : null;

    private void RunOutCommitments()
    {
        var now = _time.GetUtcNow();
        while (_running.TryPeek(out var next) && (next.HasEnded || next.At + _commitFor <= now))
        {
            _running.Dequeue();
            // A binding that is under way ends by itself.
            if (next.HasEnded || next.Binding is not null)
                continue;
            _backoffs.Failed(next.Request.Pod);
            EndWithGang(next, CommitmentEnd.Expired);
        }

        foreach (var pod in _refusals.TakeDue())
            Touch(pod);
    }

    /// <summary>Another replica decides from now on. What is being bound ends by itself.</summary>
    private void DropCommitments()
    {
        foreach (var commitment in _commitments.Values.Where(commitment => commitment.Binding is null).ToList())
            End(commitment, CommitmentEnd.Fenced);
    }

    private void EndWithGang(Commitment commitment, CommitmentEnd end)
    {
        var request = commitment.Request;
        _refusals.Refuse(request.Pod, request.Node);
        _nominations.Remove(request.Pod);
        var members = _pods.Of(request.Workload);
        if (members.Any(HasBegun))
        {
            End(commitment, end);
            return;
        }

        foreach (var member in members)
        {
            if (_commitments.TryGetValue(member, out var other))
                End(other, end);
        }
    }

    private bool HasBegun(PodId pod) =>
        _pods.Find(pod) is { HoldsRoom: true }
        || (_assumptions.PlacementOf(pod) is not null && !(_commitments.TryGetValue(pod, out var commitment) && commitment.Binding is null));

    /// <summary>Ends a commitment and gives its room back.</summary>
    private void End(Commitment commitment, CommitmentEnd end)
    {
        var pod = commitment.Request.Pod;
        ForgetCommitment(pod, end);
        Unassume(pod, _assumptions.PlacementOf(pod));
        _assumptions.Forget(pod);
        Touch(pod);
    }

    /// <summary>Ends a commitment whose room somebody else deals with.</summary>
    private void ForgetCommitment(PodId pod, CommitmentEnd end)
    {
        if (!_commitments.Remove(pod, out var commitment))
            return;
        commitment.HasEnded = true;
        CommitmentObserver?.Ended(commitment.Request, end, _attempts.GetValueOrDefault(pod));
    }

    private void DropAttempts(PodId pod)
    {
        _attempts.Remove(pod);
        _refusals.Clear(pod);
    }

    private sealed class Commitment(BindRequest request, LeadershipTerm term, DateTimeOffset at)
    {
        public BindRequest Request { get; } = request;
        public LeadershipTerm Term { get; } = term;
        public DateTimeOffset At { get; } = at;
        public DateTimeOffset? AskedAt { get; set; }
        public DateTimeOffset? ToldAt { get; set; }
        public Task<BindOutcome>? Binding { get; set; }
        public bool HasEnded { get; set; }
    }
}
