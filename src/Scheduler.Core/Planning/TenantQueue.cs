using Scheduler.Core.Ordering;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>The pending workloads of one tenant that may be planned now, in order.</summary>
internal sealed class TenantQueue(TenantNode tenant)
{
    private readonly List<Applicant> _applicants = [];

    /// <summary>Whose queue.</summary>
    public TenantNode Tenant { get; } = tenant;

    /// <summary>In order once <see cref="Sort"/> was called.</summary>
    public IReadOnlyList<Applicant> Applicants => _applicants;

    /// <summary>How many of them an action has looked at.</summary>
    public int Position { get; set; }

    /// <summary>Whether an action has looked at all.</summary>
    public bool IsExhausted => Position >= _applicants.Count;

    public void Add(Applicant applicant) => _applicants.Add(applicant);

    public void Sort() => _applicants.Sort((a, b) => WorkloadOrder.Instance.Compare(a.Workload, b.Workload));
}
