using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Benchmarks.Clusters;

/// <summary>
/// A big cluster to which one thing happens at a time, and on which plans take effect. Touches only what a decision names,
/// so that keeping it up to date costs little beside planning.
/// </summary>
internal sealed class ChangingCluster
{
    private readonly SplitMix64 _random = new(20261124);
    private readonly Node[] _nodes;
    private readonly TenantTree _tenants;
    private readonly SortedDictionary<WorkloadId, Workload> _workloads;
    private readonly Queue<Workload> _arrivals;
    private readonly HashSet<WorkloadId> _noticed = [];
    private readonly HashSet<WorkloadId> _nominated = [];
    private readonly List<int> _outOfOrder = [];
    private readonly SortedSet<int> _changedNodes = [];
    private readonly SortedSet<WorkloadId> _changedWorkloads = [];
    private ClusterSnapshot? _last;
    private long _generation;

    /// <param name="nodes">The nodes.</param>
    /// <param name="tenants">The tenants.</param>
    /// <param name="workloads">What runs and waits.</param>
    /// <param name="arrivals">What arrives later, one by one.</param>
    public ChangingCluster(IEnumerable<Node> nodes, TenantTree tenants, IEnumerable<Workload> workloads, IEnumerable<Workload> arrivals)
    {
        _nodes = [.. nodes];
        _tenants = tenants;
        _workloads = new SortedDictionary<WorkloadId, Workload>(workloads.ToDictionary(workload => workload.Id));
        _arrivals = new Queue<Workload>(arrivals);
    }

    public DateTimeOffset Now { get; private set; } = SyntheticCluster.Now;

    /// <summary>The cluster as it is now, made of the last snapshot and what has changed since.</summary>
    public ClusterSnapshot Snapshot()
    {
        _last = _last is null
            ? new ClusterSnapshotBuilder { Now = Now, Generation = _generation }.Add(_nodes).Add(_workloads.Values).With(_tenants).Build()
            : _last.Next(_generation, Now, new SnapshotChanges
            {
                Nodes = [.. _changedNodes.Select(index => _nodes[index])],
                Workloads = [.. _changedWorkloads.Where(_workloads.ContainsKey).Select(id => _workloads[id])],
                RemovedWorkloads = [.. _changedWorkloads.Where(id => !_workloads.ContainsKey(id))],
            });
        _changedNodes.Clear();
        _changedWorkloads.Clear();
        return _last;
    }

    /// <summary>A second passes and one thing happens: mostly something ends or arrives, at times hardware fails or is mended.</summary>
    public void Change()
    {
        Now = Now.AddSeconds(1);
        _generation++;
        LetNoticedGo();
        switch (_random.Below(100))
        {
            case < 45:
                EndOne();
                break;
            case < 88 when _arrivals.TryDequeue(out var arrival):
                Set(arrival with { SubmittedAt = Now });
                break;
            case < 92 when _outOfOrder.Count > 0:
                Mend();
                break;
            default:
                Break();
                break;
        }
    }

    /// <summary>Binds run, notices stand, kept room is noted on the pods.</summary>
    public void Apply(Plan plan)
    {
        foreach (var id in _nominated.Where(_workloads.ContainsKey))
        {
            ChangePods(id, pod => pod with { Nomination = null });
        }

        _nominated.Clear();
        foreach (var decision in plan.Decisions)
        {
            switch (decision)
            {
                case Bind bind:
                    var placed = bind.Pods.ToDictionary(pod => pod.Pod);
                    ChangePods(bind.Workload, pod => placed.TryGetValue(pod.Id, out var at)
                        ? pod with { State = PodState.Placed, Placement = new PodPlacement(at.Node, at.Devices), Nomination = null }
                        : pod);
                    Set(_workloads[bind.Workload] with { StartedAt = _workloads[bind.Workload].StartedAt ?? Now });
                    break;
                case Evict evict:
                    _noticed.Add(evict.Workload);
                    ChangePods(evict.Workload, pod => evict.Pods.Contains(pod.Id)
                        ? pod with { Notice = new PreemptionNotice(evict.Beneficiary, evict.Deadline) }
                        : pod);
                    break;
                case Withdraw withdraw:
                    ChangePods(withdraw.Workload, pod => withdraw.Pods.Contains(pod.Id) ? pod with { Notice = null } : pod);
                    break;
                case Reserve { Kind: ReservationKind.Nomination } reserve:
                    _nominated.Add(reserve.Workload);
                    var kept = reserve.Pods.ToDictionary(pod => pod.Pod);
                    ChangePods(reserve.Workload, pod => pod.State == PodState.Pending && kept.TryGetValue(pod.Id, out var at)
                        ? pod with { Nomination = new PodPlacement(at.Node, at.Devices) }
                        : pod);
                    break;
            }
        }
    }

    /// <summary>Whoever is past the deadline is gone and waits again, under new ids.</summary>
    private void LetNoticedGo()
    {
        foreach (var id in _noticed.Order().ToArray())
        {
            if (!_workloads.TryGetValue(id, out var workload) || !workload.Pods.Any(pod => pod.Notice is not null))
            {
                _noticed.Remove(id);
                continue;
            }

            ChangePods(id, pod => pod.Notice is { } notice && notice.Deadline <= Now
                ? new Pod
                {
                    Id = new PodId(string.Create(CultureInfo.InvariantCulture, $"{pod.Id.Value.Split('#')[0]}#{_generation}")),
                    Name = pod.Name,
                    Shape = pod.Shape,
                }
                : pod);
            if (_workloads[id].CountPods(PodState.Placed) == 0)
            {
                Set(_workloads[id] with { StartedAt = null });
            }
        }
    }

    private void EndOne()
    {
        var running = _workloads.Values.Where(workload => workload.CountPods(PodState.Placed) > 0).ToArray();
        if (running.Length > 0)
        {
            var ended = running[_random.Below(running.Length)].Id;
            _workloads.Remove(ended);
            _changedWorkloads.Add(ended);
        }
    }

    private void Break()
    {
        var index = _random.Below(_nodes.Length);
        _outOfOrder.Add(index);
        _changedNodes.Add(index);
        var node = _nodes[index];
        _nodes[index] = _random.Chance(50)
            ? node with { IsCordoned = true }
            : node with { Devices = node.Devices.SetItem(0, node.Devices[0] with { Health = DeviceHealth.Quarantined }) };
    }

    private void Mend()
    {
        var index = _outOfOrder[^1];
        _outOfOrder.RemoveAt(_outOfOrder.Count - 1);
        _changedNodes.Add(index);
        _nodes[index] = _nodes[index] with
        {
            IsCordoned = false,
            Devices = [.. _nodes[index].Devices.Select(device => device with { Health = DeviceHealth.Healthy })],
        };
    }

    private void ChangePods(WorkloadId id, Func<Pod, Pod> change)
    {
        var workload = _workloads[id];
        Set(workload with { Pods = [.. workload.Pods.Select(change).OrderBy(pod => pod.Id)] });
    }

    private void Set(Workload workload)
    {
        _workloads[workload.Id] = workload;
        _changedWorkloads.Add(workload.Id);
    }
}
