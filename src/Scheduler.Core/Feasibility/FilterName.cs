namespace Scheduler.Core.Feasibility;

/// <summary>The filters, in the order in which they look at a node. Closed, for explanations and metrics.</summary>
public enum FilterName
{
    /// <summary>The node is ready and not cordoned.</summary>
    NodeReady,

    /// <summary>The node is in the tenant's pool.</summary>
    NodePool,

    /// <summary>Node selector and required node affinity.</summary>
    NodeAffinity,

    /// <summary>Taints are tolerated.</summary>
    Taints,

    /// <summary>The node affinity of its volumes.</summary>
    Volumes,

    /// <summary>The node has the kind of GPU at all, in the number asked for.</summary>
    GpuKind,

    /// <summary>Pod slots, CPU, memory, local storage, extended resources.</summary>
    Resources,

    /// <summary>Free, healthy GPU in the pieces asked for.</summary>
    GpuFree,

    /// <summary>Ports of the node that the pod takes.</summary>
    HostPorts,

    /// <summary>How many volumes the node takes.</summary>
    AttachLimit,

    /// <summary>Required affinity to other pods.</summary>
    PodAffinity,

    /// <summary>Required anti-affinity, that of other pods included.</summary>
    PodAntiAffinity,

    /// <summary>Topology spread with DoNotSchedule.</summary>
    TopologySpread,
}
