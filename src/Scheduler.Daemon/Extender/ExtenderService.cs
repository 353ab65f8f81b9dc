using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Extender;

internal sealed record ExtenderSettings
{
    /// <summary>How long an answer to filter may wait for the pod to be planned.</summary>
    public TimeSpan DecisionWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Bindings under way at once.</summary>
    public int BindConcurrency { get; init; } = 64;
}

/// <summary>An answer, with the word by which it is counted.</summary>
internal sealed record ExtenderAnswer<T>(T Body, string Result, string Text);

/// <summary>
/// Answers kube-scheduler. It plans nothing: the scheduling loop has decided, and each verb tells what was decided.
/// </summary>
/// <remarks>
/// Pods of kube-scheduler that ask for GPUs are in the same queue as Weir's own, so that quota, gangs and reclaim hold for them. The
/// plan's node for such a pod is a commitment (ClusterCache.Commitments.cs), and the one node that passes filter. Safe for concurrent use.
/// </remarks>
internal sealed class ExtenderService(
    ClusterCache cache, ReadModel cycles, ILeadership leadership, BindQueue binds, PodBinder binder, ExtenderSettings settings,
    Func<bool> isSynced, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>The best score that the protocol knows.</summary>
    public const long MaxScore = 10;

    // Other nodes that one request has looked for, when kube-scheduler does not offer those that were chosen.
    private const int MaxOtherNodes = 3;
    private static readonly TimeSpan DrainFor = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _bindSlots = new(settings.BindConcurrency);
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _cutOff = new();
    private int _underWay;

    public async Task<ExtenderAnswer<ExtenderFilterResult>> FilterAsync(ExtenderArgs args, CancellationToken cancellation)
    {
        var pod = AskedPod.Of(args.Pod);
        var offered = OfferedNodes.Of(args);
        using var limit = new CancellationTokenSource(settings.DecisionWait, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token, _stopping.Token);
        var (isNew, tries, needed, seen) = (true, 0, 0L, 0L);
        while (true)
        {
            if (NotAnswering() is { } why)
                return Failed(why);
            if (cache.FindPod(pod.Id) is { } record)
            {
                if (!record.IsThroughExtender)
                    return PassUnplanned(record, offered);
                if (record.HoldsRoom)
                    return None(pod, offered, "Bound", $"the pod is on {record.Placement!.Node} already");
                if (cache.Ask(pod.Id, isNew) is { } node)
                {
                    if (offered.Contains(node))
                        return Answer(pod, offered.PassOnly(node), "node", node.Value);
                    // A node that somebody nominated is tried alone first; all others come after it.
                    if (offered.Names is [var only] && only == pod.NominatedNode)
                        return None(pod, offered, "Committed", $"Weir keeps room for it on {node}");
                    if (tries >= MaxOtherNodes || !cache.RefuseNode(pod.Id, node))
                        return None(pod, offered, "NotOffered", $"Weir keeps room for it on {node}, which kube-scheduler's own filters refuse");
                    tries++;
                    needed = cache.Generation;
                }
                else if (WhyWaiting(record, needed) is { } waits)
                {
                    return None(pod, offered, waits.Reason, waits.Message);
                }

                isNew = false;
            }

            try
            {
                seen = (await cycles.WaitForNextAsync(seen, both.Token).ConfigureAwait(false)).Number;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return _stopping.IsCancellationRequested ? Failed("Weir stops") : Undecided(pod, offered);
            }
        }
    }

    public ExtenderAnswer<IReadOnlyList<HostPriority>> Prioritize(ExtenderArgs args)
    {
        var pod = AskedPod.Of(args.Pod);
        var offered = OfferedNodes.Of(args);
        var node = cache.NodeOf(pod.Id);
        HostPriority[] scores = [.. offered.Names.Select(name => new HostPriority { Host = name, Score = name == node?.Value ? MaxScore : 0 })];
        return new(scores, "ok", $"{node}");
    }

    /// <summary>
    /// Nobody goes without Weir's notice: for a pod that Weir plans there are no victims, because the plan has chosen its own and told
    /// them; for another pod no pod that Weir plans is a victim.
    /// </summary>
    public ExtenderAnswer<ExtenderPreemptionResult> Preempt(ExtenderPreemptionArgs args)
    {
        var pod = AskedPod.Of(args.Pod);
        var kept = new SortedDictionary<string, MetaVictims>(StringComparer.Ordinal);
        if (cache.FindPod(pod.Id) is { IsManaged: false })
        {
            foreach (var (node, victims) in VictimsOf(args))
            {
                if (victims.Pods!.Count > 0 && victims.Pods.TrueForAll(victim => cache.FindPod(new PodId(victim!.Uid!)) is { IsManaged: false }))
                    kept[node] = victims;
            }
        }

        return new(new ExtenderPreemptionResult { NodeNameToMetaVictims = kept }, kept.Count > 0 ? "pass" : "refused", $"{kept.Count} nodes");
    }

    public async Task<ExtenderAnswer<ExtenderBindingResult>> BindAsync(ExtenderBindingArgs args, CancellationToken cancellation)
    {
        var (pod, node) = (new PodId(Required(args.PodUid, "PodUID")), new NodeName(Required(args.Node, "Node")));
        var (@namespace, name) = (Required(args.PodNamespace, "PodNamespace"), Required(args.PodName, "PodName"));
        if (NotAnswering() is { } why)
            return Bound(why, "error");
        string? refusal;
        Task<BindOutcome>? binding;
        if (cache.FindPod(pod) is { IsManaged: false } other)
            (refusal, binding) = BindUnplanned(other, node);
        else
            refusal = cache.TryBeginBinding(pod, node, (request, term) => Task.Run(() => CarryOutAsync(request, term), CancellationToken.None), out binding);
        if (refusal is not null)
            return Bound(refusal, "refused");
        // It goes on if kube-scheduler does not wait for it; when asked again, the same binding is joined.
        var outcome = await binding!.WaitAsync(cancellation).ConfigureAwait(false);
        return outcome.Result == BindResult.Bound
            ? Bound("", "bound")
            : Bound($"binding {@namespace}/{name} to {node}: {outcome.Result}: {outcome.Message}", "refused");
    }

    /// <summary>Runs until <paramref name="stop"/> is cancelled; then takes no more, and lets the bindings that are under way end.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _stopping.CancelAsync().ConfigureAwait(false);
        _cutOff.CancelAfter(DrainFor);
        // Every slot taken means that nobody else has one.
        for (var slot = 0; slot < settings.BindConcurrency; slot++)
            await _bindSlots.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        _bindSlots.Release(settings.BindConcurrency);
        if (_cutOff.IsCancellationRequested)
            Log.BindingsCutOff(logger, Volatile.Read(ref _underWay), DrainFor.TotalSeconds);
    }

    public void Dispose()
    {
        _bindSlots.Dispose();
        _stopping.Dispose();
        _cutOff.Dispose();
    }

    /// <summary>Why this replica answers nothing now; null if it does.</summary>
    public string? NotAnswering()
    {
        if (_stopping.IsCancellationRequested)
            return "Weir stops";
        if (!isSynced())
            return "Weir has not read the cluster yet; it is asked again";
        return leadership.Term is { IsHeld: true }
            ? null
            : $"this replica of Weir stands by, {leadership.Holder ?? "nobody yet"} leads; the connection is closed, so that another is asked";
    }

    /// <summary>What the last cycle said about the pod, if it has seen it waiting, and everything up to a generation.</summary>
    private (string Reason, string Message)? WhyWaiting(PodRecord record, long needed)
    {
        if (cycles.Current is not { } cycle || cycle.Snapshot.Generation < needed)
            return null;
        if (cycle.FindWaiting(record.Workload) is { } entry)
        {
            return entry.Workload.Pods.Any(pod => pod.Id == record.Id && pod.State == PodState.Pending)
                ? (entry.Reason.ToString(), entry.Message)
                : null;
        }

        return cycle.Unqueued.FirstOrDefault(pod => pod.Name == record.Name && pod.Namespace == record.Namespace) is { } blocked
            ? (blocked.Reason, blocked.Message)
            : null;
    }

    private ExtenderAnswer<ExtenderFilterResult> PassUnplanned(PodRecord record, OfferedNodes offered)
    {
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        if (record.Shape.Gpu.IsAny)
        {
            foreach (var name in offered.Names)
            {
                if (cache.RefusalOn(new NodeName(name), record.Shape) is { } refusal)
                    reasons[name] = $"Weir: {refusal}";
            }
        }

        var passing = offered.Names.Where(name => !reasons.ContainsKey(name)).ToList();
        return new(offered.Pass(passing, name => reasons[name]), "pass", $"not planned here; {passing.Count} of {offered.Names.Count} nodes pass");
    }

    private (string? Refusal, Task<BindOutcome>? Binding) BindUnplanned(PodRecord pod, NodeName node)
    {
        if (leadership.Term is not { } term)
            return ("the lease was lost", null);
        var request = new BindRequest(pod.Id, pod.Namespace, pod.Name, node, [], pod.Workload);
        return (null, Task.Run(
            () => InSlotAsync(async stop =>
            {
                using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, term.Lost);
                return await binder.BindAsync(request, term, both.Token).ConfigureAwait(false);
            }), CancellationToken.None));
    }

    private Task<BindOutcome> CarryOutAsync(BindRequest request, LeadershipTerm term) => InSlotAsync(stop => binds.CarryOutAsync(request, term, stop));

    private async Task<BindOutcome> InSlotAsync(Func<CancellationToken, Task<BindOutcome>> bind)
    {
        await _bindSlots.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        Interlocked.Increment(ref _underWay);
        try
        {
            return await bind(_cutOff.Token).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
            _bindSlots.Release();
        }
    }

    private static IEnumerable<(string Node, MetaVictims Victims)> VictimsOf(ExtenderPreemptionArgs args)
    {
        if (args.NodeNameToMetaVictims is { } names)
        {
            foreach (var (node, victims) in names)
            {
                if ((victims?.Pods ?? []).Exists(pod => string.IsNullOrEmpty(pod?.Uid)))
                    throw new BadExtenderRequestException($"NodeNameToMetaVictims.{node} has a pod without UID");
                yield return (node, new MetaVictims { Pods = victims?.Pods ?? [], NumPdbViolations = victims?.NumPdbViolations ?? 0 });
            }

            yield break;
        }

        foreach (var (node, victims) in args.NodeNameToVictims ?? [])
        {
            yield return (node, new MetaVictims
            {
                Pods = [.. (victims?.Pods ?? []).Select(pod => new MetaPod
                {
                    Uid = JsonText.Of(pod, "metadata", "uid") is { Length: > 0 } uid
                        ? uid
                        : throw new BadExtenderRequestException($"NodeNameToVictims.{node} has a pod without metadata.uid"),
                })],
                NumPdbViolations = victims?.NumPdbViolations ?? 0,
            });
        }
    }

    private static string Required(string? text, string field) =>
        string.IsNullOrEmpty(text) ? throw new BadExtenderRequestException($"{field} is not there, or empty") : text;

    private ExtenderAnswer<ExtenderFilterResult> Undecided(AskedPod pod, OfferedNodes offered) => cache.FindPod(pod.Id) is null
        ? Failed($"Weir does not know pod {pod.Namespace}/{pod.Name} ({pod.Id}) yet; it is asked again")
        : None(pod, offered, "Undecided", "Weir has not planned it yet; it is asked again");

    private ExtenderAnswer<ExtenderFilterResult> None(AskedPod pod, OfferedNodes offered, string reason, string message) =>
        Answer(pod, offered.PassNone(reason, message), "wait", reason);

    private ExtenderAnswer<ExtenderFilterResult> Answer(AskedPod pod, ExtenderFilterResult body, string result, string text)
    {
        Log.ExtenderAnswered(logger, "filter", pod.Namespace, pod.Name, text);
        return new(body, result, text);
    }

    private static ExtenderAnswer<ExtenderFilterResult> Failed(string error) => new(new ExtenderFilterResult { Error = error }, "error", error);

    private static ExtenderAnswer<ExtenderBindingResult> Bound(string error, string result) => new(new ExtenderBindingResult { Error = error }, result, error);
}
