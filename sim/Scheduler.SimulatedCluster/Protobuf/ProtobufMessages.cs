namespace Scheduler.SimulatedCluster.Protobuf;

/// <summary>
/// The messages that kubectl's own commands (create, drain, auth can-i) send as protobuf, one a line: the name, then
/// <c>number name type</c> for each field. Types: s string; i integer and b boolean that are absent when zero; I and B that are
/// kept when zero; t time; m map of strings; y map of bytes; q map of quantities; x integer or string; - skipped; a message
/// name; a star before the type for lists.
/// </summary>
internal static class ProtobufMessages
{
    private const string Definitions =
        """
        ObjectMeta: 1 name s, 2 generateName s, 3 namespace s, 4 selfLink -, 5 uid s, 6 resourceVersion s, 7 generation -, 8 creationTimestamp -, 9 deletionTimestamp -, 10 deletionGracePeriodSeconds -, 11 labels m, 12 annotations m, 13 ownerReferences *OwnerReference, 14 finalizers *s, 17 managedFields -
        OwnerReference: 1 kind s, 3 name s, 4 uid s, 5 apiVersion s, 6 controller B, 7 blockOwnerDeletion B
        LabelSelector: 1 matchLabels m, 2 matchExpressions *LabelSelectorRequirement
        LabelSelectorRequirement: 1 key s, 2 operator s, 3 values *s
        ObjectReference: 1 kind s, 2 namespace s, 3 name s, 4 uid s, 5 apiVersion s, 6 resourceVersion s, 7 fieldPath s
        LocalObjectReference: 1 name s
        Namespace: 1 metadata ObjectMeta, 2 spec NamespaceSpec, 3 status -
        NamespaceSpec: 1 finalizers *s
        ConfigMap: 1 metadata ObjectMeta, 2 data m, 3 binaryData y, 4 immutable B
        Secret: 1 metadata ObjectMeta, 2 data y, 3 type s, 4 stringData m, 5 immutable B
        ServiceAccount: 1 metadata ObjectMeta, 2 secrets *ObjectReference, 3 imagePullSecrets *LocalObjectReference, 4 automountServiceAccountToken B
        ResourceQuota: 1 metadata ObjectMeta, 2 spec ResourceQuotaSpec, 3 status -
        ResourceQuotaSpec: 1 hard q, 2 scopes *s
        Service: 1 metadata ObjectMeta, 2 spec ServiceSpec, 3 status -
        ServiceSpec: 1 ports *ServicePort, 2 selector m, 3 clusterIP s, 4 type s, 5 externalIPs *s, 7 sessionAffinity s, 8 loadBalancerIP s, 10 externalName s, 11 externalTrafficPolicy s, 12 healthCheckNodePort i, 13 publishNotReadyAddresses b
        ServicePort: 1 name s, 2 protocol s, 3 port i, 4 targetPort x, 5 nodePort i, 6 appProtocol s
        Binding: 1 metadata ObjectMeta, 2 target ObjectReference
        Deployment: 1 metadata ObjectMeta, 2 spec DeploymentSpec, 3 status -
        DeploymentSpec: 1 replicas I, 2 selector LabelSelector, 3 template PodTemplateSpec, 4 strategy DeploymentStrategy, 5 minReadySeconds i, 6 revisionHistoryLimit I, 7 paused b, 9 progressDeadlineSeconds I
        DeploymentStrategy: 1 type s, 2 rollingUpdate RollingUpdate
        RollingUpdate: 1 maxUnavailable x, 2 maxSurge x
        PodTemplateSpec: 1 metadata ObjectMeta, 2 spec PodSpec
        Pod: 1 metadata ObjectMeta, 2 spec PodSpec, 3 status -
        PodSpec: 2 containers *Container, 3 restartPolicy s, 4 terminationGracePeriodSeconds I, 5 activeDeadlineSeconds I, 6 dnsPolicy s, 7 nodeSelector m, 8 serviceAccountName s, 9 serviceAccount s, 10 nodeName s, 11 hostNetwork b, 12 hostPID b, 13 hostIPC b, 15 imagePullSecrets *LocalObjectReference, 16 hostname s, 17 subdomain s, 19 schedulerName s, 20 initContainers *Container, 21 automountServiceAccountToken B, 22 tolerations *Toleration, 24 priorityClassName s, 25 priority I, 30 enableServiceLinks B, 31 preemptionPolicy s, 32 overhead q
        Container: 1 name s, 2 image s, 3 command *s, 4 args *s, 5 workingDir s, 6 ports *ContainerPort, 7 env *EnvVar, 8 resources ResourceRequirements, 13 terminationMessagePath s, 14 imagePullPolicy s, 16 stdin b, 17 stdinOnce b, 18 tty b, 20 terminationMessagePolicy s
        ContainerPort: 1 name s, 2 hostPort i, 3 containerPort i, 4 protocol s, 5 hostIP s
        EnvVar: 1 name s, 2 value s
        ResourceRequirements: 1 limits q, 2 requests q
        Toleration: 1 key s, 2 operator s, 3 value s, 4 effect s, 5 tolerationSeconds I
        Job: 1 metadata ObjectMeta, 2 spec JobSpec, 3 status -
        JobSpec: 1 parallelism I, 2 completions I, 3 activeDeadlineSeconds I, 4 selector LabelSelector, 5 manualSelector B, 6 template PodTemplateSpec, 7 backoffLimit I, 8 ttlSecondsAfterFinished I, 9 completionMode s, 10 suspend B
        PriorityClass: 1 metadata ObjectMeta, 2 value I, 3 globalDefault b, 4 description s, 5 preemptionPolicy s
        PodDisruptionBudget: 1 metadata ObjectMeta, 2 spec PodDisruptionBudgetSpec, 3 status -
        PodDisruptionBudgetSpec: 1 minAvailable x, 2 selector LabelSelector, 3 maxUnavailable x, 4 unhealthyPodEvictionPolicy s
        Eviction: 1 metadata ObjectMeta, 2 deleteOptions DeleteOptions
        DeleteOptions: 1 gracePeriodSeconds I, 2 preconditions Preconditions, 3 orphanDependents B, 4 propagationPolicy s, 5 dryRun *s
        Preconditions: 1 uid s, 2 resourceVersion s
        Role: 1 metadata ObjectMeta, 2 rules *PolicyRule
        ClusterRole: 1 metadata ObjectMeta, 2 rules *PolicyRule
        PolicyRule: 1 verbs *s, 2 apiGroups *s, 3 resources *s, 4 resourceNames *s, 5 nonResourceURLs *s
        RoleBinding: 1 metadata ObjectMeta, 2 subjects *Subject, 3 roleRef RoleRef
        ClusterRoleBinding: 1 metadata ObjectMeta, 2 subjects *Subject, 3 roleRef RoleRef
        Subject: 1 kind s, 2 apiGroup s, 3 name s, 4 namespace s
        RoleRef: 1 apiGroup s, 2 kind s, 3 name s
        SelfSubjectAccessReview: 1 metadata ObjectMeta, 2 spec AccessReviewSpec, 3 status -
        AccessReviewSpec: 1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes
        ResourceAttributes: 1 namespace s, 2 verb s, 3 group s, 4 version s, 5 resource s, 6 subresource s, 7 name s
        NonResourceAttributes: 1 path s, 2 verb s
        SelfSubjectRulesReview: 1 metadata ObjectMeta, 2 spec RulesReviewSpec, 3 status -
        RulesReviewSpec: 1 namespace s
        SelfSubjectReview: 1 metadata ObjectMeta, 2 status -
        """;

    public sealed record Field(string Name, string Type, bool IsList);

    public static IReadOnlyDictionary<string, IReadOnlyDictionary<int, Field>> All { get; } =
        Definitions.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ParseLine).ToDictionary(m => m.Name, m => m.Fields, StringComparer.Ordinal);

    private static (string Name, IReadOnlyDictionary<int, Field> Fields) ParseLine(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        var fields = new Dictionary<int, Field>();
        foreach (var text in line[(colon + 1)..].Split(','))
        {
            var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var type = words[2].Trim();
            fields[int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture)] = new Field(words[1], type.TrimStart('*'), type.StartsWith('*'));
        }

        return (line[..colon].Trim(), fields);
    }
}
