using System.Collections.Immutable;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// What the cluster, as the cycle left it, holds for a request that found no place: the numbers behind a wait.
/// </summary>
internal sealed class NodeSurvey
{
    private NodeSurvey(int flavors)
    {
        FreeMilli = new long[flavors];
        QuarantinedMilli = new long[flavors];
        IsAccepted = new bool[flavors];
    }

    /// <summary>Nodes turned away, by the first filter that did.</summary>
    public ImmutableArray<FilterRejection> Rejections { get; private set; } = [];

    /// <summary>Nodes that have the kind of GPU at all.</summary>
    public int NodesOfKind { get; private set; }

    /// <summary>Nodes that pass everything that cannot change within a cycle.</summary>
    public int NodesAccepted { get; private set; }

    /// <summary>Flavors of the accepted nodes.</summary>
    public bool[] IsAccepted { get; }

    /// <summary>Free milli-GPU on healthy devices of accepted nodes, by flavor.</summary>
    public long[] FreeMilli { get; }

    /// <summary>Unused milli-GPU on quarantined devices of accepted nodes, by flavor.</summary>
    public long[] QuarantinedMilli { get; }

    /// <summary>Accepted nodes with room on which other pods, there or elsewhere, do not let it be.</summary>
    public int NodesBarredByOthers { get; private set; }

    /// <summary>Accepted nodes with the GPU free, but without the CPU, memory or slots.</summary>
    public int NodesShortOfResources { get; private set; }

    /// <summary>The most free GPU on one accepted node in pieces that the request can use, in milli-GPU.</summary>
    public long LargestPieceMilli { get; private set; }

    /// <summary>Whether the request fits a node, quota aside.</summary>
    public bool Fits { get; private set; }

    /// <summary>Whether the request fits a node at this moment, were nothing kept for others.</summary>
    public bool FitsNow { get; private set; }

    /// <summary>Counts what the nodes hold for a kind of pod.</summary>
    /// <param name="session">The cluster.</param>
    /// <param name="kind">What is to be placed.</param>
    /// <param name="holder">Who asks, if room is reserved for it: that counts as free.</param>
    public static NodeSurvey Of(Session session, RequestClass kind, Applicant? holder = null)
    {
        var survey = new NodeSurvey(session.Flavors.Length);
        var rejected = new int[Enum.GetValues<FilterName>().Length];
        foreach (var node in session.Nodes)
        {
            survey.Count(session, node, node.Reservation is { } reservation && reservation.Holder == holder ? node.Now : node.Bindable, kind, rejected);
        }

        survey.Rejections =
        [
            .. Enum.GetValues<FilterName>()
                .Where(filter => rejected[(int)filter] > 0)
                .Select(filter => new FilterRejection(filter, rejected[(int)filter])),
        ];
        return survey;
    }

    private void Count(Session session, NodeState node, NodePlane view, RequestClass kind, int[] rejected)
    {
        if (kind.Heap.StaticRejection(node) is { } never)
        {
            rejected[(int)never]++;
            NodesOfKind += never < FilterName.GpuKind && GpuKindFilter.Has(node.Node, kind.Request.Shape.Gpu) ? 1 : 0;
            return;
        }

        NodesOfKind++;
        var rejection = NodeFilters.FirstDynamicRejection(view, kind.Request);
        if (rejection is { } now)
        {
            rejected[(int)now]++;
            FitsNow |= !ReferenceEquals(node.Now, view) && NodeFilters.PassesDynamic(node.Now, kind.Request)
                && session.Neighbours.Allows(node, kind);
        }
        else if (session.Neighbours.Rejection(node, kind) is { } beside)
        {
            rejected[(int)beside]++;
            NodesBarredByOthers++;
        }
        else
        {
            Fits = true;
            FitsNow = true;
        }

        CountAccepted(node, view, kind.Request, rejection);
    }

    private void CountAccepted(NodeState state, NodePlane node, PlacementRequest request, FilterName? rejection)
    {
        NodesAccepted++;
        if (state.Flavor < 0 || !request.Shape.Gpu.IsAny)
        {
            return;
        }

        IsAccepted[state.Flavor] = true;
        FreeMilli[state.Flavor] += node.FreeMilliGpu;
        for (var device = 0; device < node.DeviceFree.Length; device++)
        {
            QuarantinedMilli[state.Flavor] += node.IsHealthy(device) ? 0 : Math.Max(0, node.DeviceFree[device]);
        }

        LargestPieceMilli = Math.Max(LargestPieceMilli, UsableOn(node, request));
        NodesShortOfResources += rejection == FilterName.Resources && DeviceAllocator.Fits(node, request) ? 1 : 0;
    }

    private static long UsableOn(NodePlane node, PlacementRequest request)
    {
        switch (request.Shape.Gpu.Kind)
        {
            case GpuRequestKind.Whole:
                return (long)node.IdleDevices * GpuRequest.MilliPerDevice;
            case GpuRequestKind.Mig:
                var mig = node.IndexOfMig(request.Shape.Gpu.MigProfile!);
                return mig < 0 ? 0 : (long)Math.Max(0, node.MigFree[mig]) * request.Shape.Gpu.MilliEach;
            default:
                var most = 0L;
                for (var device = 0; device < node.DeviceFree.Length; device++)
                {
                    if (node.IsHealthy(device) && request.MayJoin(node.DeviceOwner[device]))
                    {
                        most = Math.Max(most, node.DeviceFree[device]);
                    }
                }

                return most;
        }
    }
}
