namespace Scheduler.Simulation.Tests.Clusters;

/// <summary>A file as <c>weir export</c> writes it, with something of everything.</summary>
internal static class ClusterFile
{
    public const string Text =
        """
        # A cluster and its history, as weir export wrote them; weir simulate --from-cluster goes on from here (docs/simulation.md).
        apiVersion: weir.scheduler/v1
        kind: SchedulingPolicy
        maxShareOfCluster: 0.9
        restartCost: 60s
        fairShareReclaim: true
        reservationsPerTenant: 1
        topologyLevels: [example.com/rack]
        burstNodes: {}
        scores: {fragmentation: 100, packing: 1, preference: 50}
        ---
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: all}
        spec:
          namespaces: []
          order: Submitted
          suspended: false
          sharesDevices: false
          nodePool: {}
          quotas:
          - {flavor: "*", guaranteed: 12, burst: 8}
        ---
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: lab}
        spec:
          parent: all
          namespaces: [lab, "007"]
          weight: 3
          order: ShortestExpected
          suspended: false
          sharesDevices: true
          nodePool: {pool: "true"}
          quotas:
          - {flavor: "*", guaranteed: 8, burst: 0.5, lendingLimit: 4}
        ---
        apiVersion: weir.scheduler/v1
        kind: ClusterExport
        metadata: {name: cluster}
        spec:
          takenAt: "2026-01-31T12:00:00.000Z"
          # What ended since this moment is in the history; a daemon keeps no history over its own restarts.
          historySince: "2026-01-31T02:00:00.000Z"
          nodes:
          - {name: a, gpus: 8, gpuModel: A100, cpu: 64, memory: 512Gi, maxPods: 110, labels: {example.com/rack: r1, pool: "true"}}
          - {name: b, gpus: 4, gpuModel: A100, mig: {"1g.5gb": 7}, cpu: 63.5, memory: 1000, storage: 1Ti, maxPods: 20, resources: {rdma/hca: 4}, cordoned: true, quarantined: [2, 3], usedByOthers: {pods: 3, cpu: 0.25, memory: 1Mi, resources: {rdma/hca: 1}}, taints: ["dedicated=lab:NoSchedule", "slow:PreferNoSchedule"], labels: {pool: "true"}}
          shapes:
          - {name: s1, mig: {"1g.5gb": 1}, cpu: 0.1, storage: 1Gi, resources: {rdma/hca: 1}, nodeSelector: {pool: "true"}, affinity: [{labels: ["example.com/rack in (r1, r2)", "!spot"], fields: ["metadata.name notin (x)"]}], preferred: [{weight: 7, labels: ["cores > 8", fast]}], tolerations: ["dedicated=lab:NoSchedule", slow, "*"]}
          - {name: s2, fraction: 0.25, cpu: 0}
          - {name: s3, gpus: 2, cpu: 8, memory: 64Gi}
          workloads:
          - {name: one, namespace: lab, submitted: "2026-01-31T11:00:00.000Z", preemptible: false, duration: 7200s, pods: [{name: one, shape: s1, node: b}]}
          - {name: waits, namespace: lab, submitted: "2026-01-31T11:30:00.500Z", declared: 1800s, pods: [{name: waits, shape: s2}]}
          - {name: gang, namespace: lab, gang: true, submitted: "2026-01-31T10:00:00.000Z", started: "2026-01-31T11:00:00.000Z", checkpointed: "2026-01-31T11:45:00.000Z", priority: -5, minMember: 2, declared: 14400s, minRuntime: 60s, grace: 1.5s, topology: "required=example.com/rack", pods: [{name: gang-0, shape: s3, node: a, gpus: [0, 1]}, {name: gang-1, shape: s3, node: a, gpus: [2, 3]}, {name: gang-2, shape: s3, node: a, gpus: [4, 5], leaving: true}]}
          history:
          - {name: old, namespace: lab, submitted: "2026-01-31T03:00:00.000Z", started: "2026-01-31T03:00:01.000Z", ended: "2026-01-31T04:00:01.000Z", preempted: true, pods: [{shape: s3, count: 4}, {shape: s2, count: 1}]}
          - {name: older, namespace: "007", gang: true, submitted: "2026-01-31T03:00:00.000Z", ended: "2026-01-31T05:00:00.000Z", minMember: 2, pods: [{shape: s3, count: 2}]}

        """;
}
