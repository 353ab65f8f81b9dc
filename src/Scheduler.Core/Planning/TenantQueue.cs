using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>The pending workloads of one tenant that may be planned now, in order.</summary>
internal sealed class TenantQueue(TenantNode tenant)
{
    private readonly List<Workload> _workloads = [];

    /// <summary>Whose queue.</summary>
    public TenantNode Tenant { get; } = tenant;

    /// <summary>The workloads, in order once <see cref="Sort"/> was called.</summary>
    public IReadOnlyList<Workload> Workloads => _workloads;

    /// <summary>How many of them an action has looked at.</summary>
    public int Position { get; set; }

    /// <summary>Whether an action has looked at all.</summary>
    public bool IsExhausted => Position >= _workloads.Count;

    public void Add(Workload workload) => _workloads.Add(workload);

    public void Sort() => _workloads.Sort(WorkloadOrder.Instance);
}
