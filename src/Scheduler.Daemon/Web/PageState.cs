using System.Text.Json.Serialization;

namespace Scheduler.Daemon.Web;

/// <summary>What the page shows: one published cycle, as JSON. Amounts in milli-GPU, times in UTC.</summary>
/// <param name="Number">Of the cycle; what <c>after</c> of the next request names.</param>
/// <param name="AsOf">Time of the cycle.</param>
/// <param name="Leader">Who leads, as far as known.</param>
/// <param name="Applied">False on a replica that stands by.</param>
/// <param name="CycleMs">How long the cycle took, in milliseconds.</param>
/// <param name="Capacity">All GPUs together.</param>
/// <param name="Tenants">In the order of the tree, parents before children.</param>
/// <param name="Queue">A part of what waits.</param>
/// <param name="Unqueued">Pods that must be mended first; the first hundred.</param>
/// <param name="UnqueuedTotal">How many there are of those.</param>
/// <param name="Nodes">Nodes with GPUs, by name.</param>
/// <param name="Decisions">The last things that were done, newest first.</param>
internal sealed record PageState(
    long Number, DateTimeOffset AsOf, string? Leader, bool Applied, double CycleMs, PageCapacity Capacity, IReadOnlyList<PageTenant> Tenants,
    PageQueue Queue, IReadOnlyList<PageUnqueued> Unqueued, int UnqueuedTotal, IReadOnlyList<PageNode> Nodes, IReadOnlyList<PageDecision> Decisions);

/// <summary>All GPUs together, in milli-GPU.</summary>
internal sealed record PageCapacity(long Installed, long Healthy, long Used, int Quarantined);

/// <summary>A tenant's books, in milli-GPU.</summary>
internal sealed record PageTenant(
    string Name, int Depth, bool IsLeaf, bool Suspended, long Guaranteed, long? Limit, long? Entitlement, long UsedGuaranteed, long UsedBurst, long Pending, int Waiting);

/// <summary>A part of the queue.</summary>
/// <param name="Total">How many wait in all.</param>
/// <param name="Matching">How many of them are asked for.</param>
/// <param name="Entries">The first of those.</param>
internal sealed record PageQueue(int Total, int Matching, IReadOnlyList<PageEntry> Entries);

/// <summary>A workload that waits.</summary>
internal sealed record PageEntry(
    string Id, string Name, string Namespace, string Tenant, int Place, int PlaceInTenant, int Priority, long MilliGpu, int Pods, DateTimeOffset Since, string Reason, string Message);

/// <summary>A pod that is not queued.</summary>
internal sealed record PageUnqueued(string Namespace, string Name, string Reason, string Message);

/// <summary>A node with GPUs.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Flavor">Its flavor.</param>
/// <param name="Schedulable">Whether new pods may go there.</param>
/// <param name="Devices">Whole GPUs by index.</param>
/// <param name="Mig">Its MIG instances as one; null without any.</param>
internal sealed record PageNode(
    [property: JsonPropertyName("n")] string Name,
    [property: JsonPropertyName("f")] string Flavor,
    [property: JsonPropertyName("ok")] bool Schedulable,
    [property: JsonPropertyName("d")] IReadOnlyList<PageDevice> Devices,
    [property: JsonPropertyName("m")] PageDevice? Mig);

/// <summary>A GPU, or all MIG instances of a node.</summary>
/// <param name="Milli">How much it is, in milli-GPU.</param>
/// <param name="Quarantined">Whether it is out of service.</param>
/// <param name="Uses">Who uses how much: number of the tenant in <see cref="PageState.Tenants"/> (-1 for none) and milli-GPU.</param>
/// <param name="Idle">Whether telemetry sees all pods on it do nothing.</param>
internal sealed record PageDevice(
    [property: JsonPropertyName("c")] long Milli,
    [property: JsonPropertyName("q")] bool Quarantined,
    [property: JsonPropertyName("u")] IReadOnlyList<long[]> Uses,
    [property: JsonPropertyName("i")] bool Idle);

/// <summary>Something that was done, in words.</summary>
internal sealed record PageDecision(DateTimeOffset At, string Kind, string Text);

/// <summary>How it is written.</summary>
[JsonSerializable(typeof(PageState))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class PageJson : JsonSerializerContext;
