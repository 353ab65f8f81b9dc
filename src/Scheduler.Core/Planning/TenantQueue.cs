using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>One tenant's part of the session: what runs, how it is counted, and the pending workloads in order.</summary>
internal sealed class TenantQueue(TenantNode tenant, StandingBook book)
{
    private readonly WorkloadOrder _order = WorkloadOrder.Of(tenant.Tenant.Order);
    private readonly List<Applicant> _applicants = [];
    private readonly List<RunningWorkload> _running = [];
    private readonly Dictionary<(int Kind, int Priority, Standing Standing), int> _misfits = [];

    /// <summary>Whose queue.</summary>
    public TenantNode Tenant { get; } = tenant;

    /// <summary>Which of its workloads are inside its guarantee.</summary>
    public StandingBook Book { get; } = book;

    /// <summary>Whether the book must be made anew before the next cycle.</summary>
    public bool IsDirty { get; set; } = true;

    /// <summary>Workloads of which at least one pod holds room, in no meaningful order.</summary>
    public IReadOnlyList<RunningWorkload> Running => _running;

    /// <summary>Pending workloads that may be planned, in order.</summary>
    public IReadOnlyList<Applicant> Applicants => _applicants;

    /// <summary>Milli-GPU of all waiting pods of <see cref="Applicants"/>.</summary>
    public long DemandMilliGpu { get; private set; }

    /// <summary>Applicants that this cycle has done something about.</summary>
    public List<Applicant> Touched { get; } = [];

    /// <summary>Its workloads that hold a reservation in this cycle, or for which one was sought in vain.</summary>
    public int Reservations { get; set; }

    /// <summary>The lowest priority of what this cycle has bound.</summary>
    public int LowestBoundPriority { get; set; } = int.MaxValue;

    /// <summary>How many of them an action has looked at.</summary>
    public int Position { get; set; }

    /// <summary>Whether an action has looked at all.</summary>
    public bool IsExhausted => Position >= _applicants.Count;

    public void Add(Applicant applicant)
    {
        _applicants.Insert(Find(applicant.Workload), applicant);
        DemandMilliGpu += applicant.DemandMilliGpu;
    }

    /// <summary>Adds many at once.</summary>
    public void Add(List<Applicant> applicants)
    {
        _applicants.AddRange(applicants);
        _applicants.Sort((a, b) => _order.Compare(a.Workload, b.Workload));
        DemandMilliGpu += applicants.Sum(applicant => applicant.DemandMilliGpu);
    }

    public void Remove(Applicant applicant)
    {
        _applicants.RemoveAt(Find(applicant.Workload));
        DemandMilliGpu -= applicant.DemandMilliGpu;
    }

    public void Add(RunningWorkload running)
    {
        _running.Add(running);
        IsDirty = true;
    }

    public void Remove(RunningWorkload running)
    {
        _running.Remove(running);
        IsDirty = true;
    }

    /// <summary>
    /// Whether as many pods of a kind did not fit earlier in this cycle. Room and quota only shrink, so they do not fit now
    /// either; whatever gives some back has the misfits forgotten.
    /// </summary>
    public bool IsKnownMisfit(RequestClass kind, int pods, int priority, Standing standing) =>
        _misfits.TryGetValue((kind.Index, priority, standing), out var failed) && pods >= failed;

    /// <summary>Notes that so many pods of a kind do not fit.</summary>
    public void NoteMisfit(RequestClass kind, int pods, int priority, Standing standing) =>
        _misfits[(kind.Index, priority, standing)] = pods;

    /// <summary>Forgets what did not fit: a new cycle begins.</summary>
    public void ForgetMisfits() => _misfits.Clear();

    private int Find(Workload workload)
    {
        var low = 0;
        var high = _applicants.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_order.Compare(_applicants[middle].Workload, workload) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
