using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Constraints;

/// <summary>What the cache makes of claims, volumes and what a node takes of them.</summary>
public class VolumeCacheTests
{
    private readonly CacheFixture _fixture = new(nodes: 2);

    private static PodRecord Pod(string name = "p", string claim = "data") => Pods.Map(
        $$"""{{Pods.Gpus(1)}},"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"{{claim}}"} }]""", name: name);

    private static ClaimRecord Claim(string? volume = null, string? storageClass = "fast", string? node = null, bool isLeaving = false, string name = "data") =>
        new("ns", name, "uid-" + name, volume, storageClass, node, isLeaving);

    private static StorageClassRecord Class(bool waits = true, string provisioner = "csi.example.com", params ImmutableArray<NodeSelectorTerm> terms) =>
        new("fast", provisioner, waits, terms);

    private static NodeSelectorTerm On(string node) =>
        new([], [new SelectorRequirement(SelectorRequirement.NameField, SelectorOperator.In, [node])]);

    private static VolumeRecord Volume(params ImmutableArray<NodeSelectorTerm> terms) =>
        new("pv", ("ns", "data"), new AttachedVolume("csi.example.com", "handle"), terms);

    private Wait PlanOneWait() => Assert.Single(_fixture.Plan().Decisions.OfType<Wait>());

    private void ExpectPending(string words)
    {
        var wait = PlanOneWait();
        Assert.Equal(WaitReason.VolumePending, wait.Reason);
        Assert.Contains(words, wait.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pod_waits_for_a_claim_that_is_not_ready_and_is_told_which()
    {
        _fixture.Cache.Pods.Upsert(Pod());
        ExpectPending("PersistentVolumeClaim data does not exist; create it");
        _fixture.Cache.Claims.Upsert(Claim(storageClass: null));
        ExpectPending("names no storage class");
        _fixture.Cache.Claims.Upsert(Claim());
        ExpectPending("storage class fast, which does not exist");
        _fixture.Cache.StorageClasses.Upsert(Class(waits: false));
        ExpectPending("data is not bound yet");
        _fixture.Cache.StorageClasses.Upsert(Class(provisioner: VolumeMapping.NoProvisioner));
        ExpectPending("makes no volumes");
        _fixture.Cache.Claims.Upsert(Claim(isLeaving: true));
        ExpectPending("is being deleted");
        _fixture.Cache.Claims.Upsert(Claim(volume: "pv"));
        ExpectPending("bound to the volume pv, which does not exist");
        _fixture.Cache.Volumes.Upsert(Volume());
        Assert.Empty(Assert.Single(_fixture.Assume(_fixture.PlanOneBind())).UnboundClaims);
    }

    [Fact]
    public void A_bound_volume_takes_its_pod_to_its_node_and_a_changed_one_to_another()
    {
        _fixture.Cache.Claims.Upsert(Claim(volume: "pv"));
        _fixture.Cache.Volumes.Upsert(Volume(On("n1")));
        _fixture.Cache.Pods.Upsert(Pod());
        Assert.Equal("n1", _fixture.PlanOneBind().Pods[0].Node.Value);
        _fixture.Cache.Volumes.Upsert(Volume(On("nowhere")));
        Assert.Contains("2 out of reach of its volumes", PlanOneWait().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_that_waits_for_its_pod_is_bound_with_it_where_its_class_allows()
    {
        _fixture.Cache.Claims.Upsert(Claim());
        _fixture.Cache.StorageClasses.Upsert(Class(terms: On("n1")));
        _fixture.Cache.Pods.Upsert(Pod());
        var bind = _fixture.PlanOneBind();
        Assert.Equal("n1", bind.Pods[0].Node.Value);
        Assert.Equal(["data"], Assert.Single(_fixture.Assume(bind)).UnboundClaims);
    }

    [Fact]
    public void A_node_that_was_selected_before_is_kept()
    {
        _fixture.Cache.StorageClasses.Upsert(Class());
        _fixture.Cache.Claims.Upsert(Claim(node: "n1"));
        _fixture.Cache.Pods.Upsert(Pod());
        Assert.Equal("n1", _fixture.PlanOneBind().Pods[0].Node.Value);
    }

    [Fact]
    public void A_volume_that_moved_since_the_plan_refuses_the_binding()
    {
        _fixture.Cache.Claims.Upsert(Claim(volume: "pv"));
        _fixture.Cache.Volumes.Upsert(Volume(On("n0")));
        _fixture.Cache.Pods.Upsert(Pod());
        var bind = _fixture.PlanOneBind();
        _fixture.Cache.Volumes.Upsert(Volume(On("n1")));
        Assert.Contains("out of reach of the volumes", _fixture.Cache.TryAssume(bind, out _), StringComparison.Ordinal);
        _fixture.Cache.Claims.Delete(Claim());
        Assert.Contains("does not exist", _fixture.Cache.TryAssume(bind, out _), StringComparison.Ordinal);
    }

    [Fact]
    public void Volumes_of_other_schedulers_pods_count_towards_what_a_node_takes()
    {
        foreach (var node in new[] { "n0", "n1" })
            _fixture.Cache.AttachLimits.Upsert(new AttachLimitsRecord(new NodeName(node), [new AttachLimit("csi.example.com", 1)]));
        _fixture.Cache.StorageClasses.Upsert(Class());
        _fixture.Cache.Claims.Upsert(Claim());
        _fixture.Cache.Claims.Upsert(Claim(volume: "other-pv", name: "other"));
        _fixture.Cache.Volumes.Upsert(new VolumeRecord("other-pv", ("ns", "other"), new AttachedVolume("csi.example.com", "h2"), []));
        _fixture.Cache.Pods.Upsert(Pods.Map("""
            "schedulerName":"default-scheduler","nodeName":"n0","volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"other"}}]
            """, name: "other"));
        _fixture.Cache.Pods.Upsert(Pod());
        Assert.Equal("n1", _fixture.PlanOneBind().Pods[0].Node.Value);
    }

    [Fact]
    public void What_repeats_what_is_known_wakes_nobody()
    {
        _fixture.Cache.Claims.Upsert(Claim());
        _fixture.Cache.StorageClasses.Upsert(Class());
        _fixture.Cache.Volumes.Upsert(Volume());
        _fixture.Cache.AttachLimits.Upsert(new AttachLimitsRecord(new NodeName("n0"), [new AttachLimit("d", 1)]));
        _fixture.Cache.Namespaces.Upsert(new NamespaceRecord("ns", LabelSet.Empty));
        var before = _fixture.Cache.Generation;
        _fixture.Cache.Claims.Replace([Claim()]);
        _fixture.Cache.StorageClasses.Replace([Class()]);
        _fixture.Cache.Volumes.Replace([Volume()]);
        _fixture.Cache.AttachLimits.Replace([new AttachLimitsRecord(new NodeName("n0"), [new AttachLimit("d", 1)])]);
        _fixture.Cache.Namespaces.Replace([new NamespaceRecord("ns", LabelSet.Of(new Dictionary<string, string>()))]);
        Assert.Equal(before, _fixture.Cache.Generation);
        _fixture.Cache.Claims.Replace([]);
        Assert.True(_fixture.Cache.Generation > before);
    }
}
