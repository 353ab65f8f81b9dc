using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <summary>A pod whose annotation of kept room differs from what is decided.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Text">What it should say; null for nothing.</param>
internal sealed record ReservationChange(PodRecord Pod, string? Text);

/// <content>
/// Room that is kept for waiting pods until others have left. The last plan says for whom; a copy is on the pods, for the next
/// leader. Anybody who may write a pod can write the annotation, so it counts only while this replica follows: a leader takes
/// away what it did not decide.
/// </content>
internal sealed partial class ClusterCache
{
    private readonly Dictionary<PodId, PodPlacement> _nominations = [];
    private readonly HashSet<PodId> _carriesReservation = [];

    /// <summary>Takes over the nominations of a plan; those that it does not name again end.</summary>
    /// <returns>Whether any changed.</returns>
    public bool Nominate(IEnumerable<PodBinding> nominated)
    {
        var changed = false;
        lock (_gate)
        {
            var ended = _nominations.Keys.ToHashSet();
            foreach (var (pod, node, devices) in nominated)
            {
                if (_pods.Find(pod) is not { Disposition: PodDisposition.Pending } || _assumptions.PlacementOf(pod) is not null)
                    continue;
                ended.Remove(pod);
                var room = new PodPlacement(node, devices);
                if (_nominations.TryGetValue(pod, out var before) && ModelComparison.AreEqual(before, room))
                    continue;
                _nominations[pod] = room;
                Touch(pod);
                changed = true;
            }

            foreach (var pod in ended)
            {
                _nominations.Remove(pod);
                Touch(pod);
                changed = true;
            }
        }

        return changed;
    }

    /// <summary>Pods that do not say what is decided, by id. Empty while this replica follows.</summary>
    public List<ReservationChange> ReservationChanges()
    {
        lock (_gate)
        {
            if (!_decides)
                return [];
            return
            [
                // What says that a commitment waits stays until it ends.
                .. _nominations.Keys.Union(_carriesReservation)
                    .Where(id => !_commitments.ContainsKey(id))
                    .Select(_pods.Find)
                    .OfType<PodRecord>()
                    .Select(pod => new ReservationChange(pod, _nominations.TryGetValue(pod.Id, out var room) ? Format(room) : null))
                    .Where(change => change.Text != change.Pod.Reservation)
                    .OrderBy(change => change.Pod.Id),
            ];
        }
    }

    /// <summary><c>NODE</c>, or <c>NODE:0,1</c> with the devices.</summary>
    internal static string Format(PodPlacement room) =>
        room.Devices.IsEmpty ? room.Node.Value : $"{room.Node}:{PodBinder.FormatDevices(room.Devices)}";

    private void ObserveNomination(PodRecord record)
    {
        if (record is { Reservation: not null, IsManaged: true })
            _carriesReservation.Add(record.Id);
        else
            _carriesReservation.Remove(record.Id);
        if (record.Disposition != PodDisposition.Pending || !record.IsManaged)
            _nominations.Remove(record.Id);
        else if (_decides)
            return;
        else if (record.ReservedRoom is { } room)
            _nominations[record.Id] = room;
        else
            _nominations.Remove(record.Id);
    }

    private void DropNomination(PodId id)
    {
        _nominations.Remove(id);
        _carriesReservation.Remove(id);
    }
}
