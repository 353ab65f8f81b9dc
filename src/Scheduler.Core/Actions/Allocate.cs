using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions;

/// <summary>
/// Starts what fits: first, in <see cref="Guaranteed"/>, workloads inside their tenant's guarantee, then, in
/// <see cref="Burst"/>, everything else inside the limits. A gang is placed whole (minMember) or not at all; its further
/// pods follow where there is room. A workload that does not fit does not block those behind it.
/// </summary>
internal sealed class Allocate(Session session, CycleQueues queues)
{
    private readonly Dictionary<WorkloadId, Bind> _binds = [];
    private readonly List<Bind> _inOrder = [];

    /// <summary>What was started, in order.</summary>
    public IReadOnlyList<Bind> Binds => _inOrder;

    /// <summary>Whether a workload was started in this cycle.</summary>
    public bool IsBound(WorkloadId workload) => _binds.ContainsKey(workload);

    /// <summary>Guaranteed demand, the tenant with the lowest usage/guarantee first.</summary>
    public void Guaranteed() => Pass(Standing.Guaranteed, (a, b) => TenantOrder.CompareGuaranteed(session.Ledger, a, b));

    /// <summary>Burst demand, the tenant with the lowest burst/weight first.</summary>
    public void Burst() => Pass(Standing.Burst, (a, b) => TenantOrder.CompareBurst(session.Ledger.UsedBurstTotal, a, b));

    private void Pass(Standing standing, Comparison<TenantNode> order)
    {
        queues.Rewind();
        var waiting = queues.ByTenant.ToList();
        while (waiting.Count > 0)
        {
            var next = waiting[0];
            for (var index = 1; index < waiting.Count; index++)
            {
                if (order(waiting[index].Tenant, next.Tenant) < 0)
                {
                    next = waiting[index];
                }
            }

            // The order changes only when something was placed: walk this queue until something is.
            while (!next.IsExhausted)
            {
                var workload = next.Workloads[next.Position++];
                if (!IsBound(workload.Id) && TryStart(workload, next.Tenant, standing))
                {
                    break;
                }
            }

            if (next.IsExhausted)
            {
                waiting.Remove(next);
            }
        }
    }

    private bool TryStart(Workload workload, TenantNode tenant, Standing standing)
    {
        if (standing == Standing.Burst && !MayBurst(workload))
        {
            return false;
        }

        var statement = new Statement(session);
        var pending = PodsToPlace(workload);
        var missing = Math.Max(0, workload.MinMember - workload.CountPods(PodState.Placed));
        foreach (var pod in pending)
        {
            TryPlace(statement, pod, tenant, standing);
        }

        if (statement.Count == 0 || statement.Count < missing)
        {
            statement.RollBackTo(0);
            return false;
        }

        var bind = new Bind(workload.Id)
        {
            Pods = statement.ToBindings(),
            Standing = standing,
            PodsLeftWaiting = pending.Count - statement.Count,
        };
        _binds.Add(workload.Id, bind);
        _inOrder.Add(bind);
        return true;
    }

    private void TryPlace(Statement statement, Pod pod, TenantNode tenant, Standing standing)
    {
        var request = Session.RequestFor(pod.Shape, tenant);
        var milli = pod.Shape.Gpu.MilliGpu;
        var node = session.Candidates.FindBest(request, flavor => MayUse(tenant, flavor, milli, standing));
        if (node is not null)
        {
            statement.Place(pod, node, request, tenant, standing == Standing.Guaranteed);
        }
    }

    private bool MayUse(TenantNode tenant, int flavor, long milliGpu, Standing standing) =>
        session.Ledger.FirstOverLimit(tenant.Index, flavor, milliGpu) is null
        && (standing == Standing.Guaranteed
            ? session.Ledger.FitsGuarantee(tenant.Index, flavor, milliGpu)
            : BurstPool.LeavesUnlent(session, tenant, flavor, milliGpu));

    /// <summary>What cannot be taken back must not be lent: only preemptible work, and work without GPUs, may burst.</summary>
    private static bool MayBurst(Workload workload) => workload.IsPreemptible || workload.Pods.All(pod => !pod.Shape.Gpu.IsAny);

    /// <summary>Big pods first: they have the fewest places to go.</summary>
    private static List<Pod> PodsToPlace(Workload workload)
    {
        var pods = workload.Pods.Where(pod => pod.State == PodState.Pending).ToList();
        pods.Sort((a, b) =>
        {
            var order = b.Shape.Gpu.MilliGpu.CompareTo(a.Shape.Gpu.MilliGpu);
            return order != 0 ? order : a.Id.CompareTo(b.Id);
        });
        return pods;
    }
}
