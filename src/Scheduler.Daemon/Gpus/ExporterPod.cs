using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Gpus;

/// <summary>A pod that serves the GPU metrics of its node.</summary>
/// <param name="Uid">Its UID.</param>
/// <param name="Target">Where it is read; null while it has no address or does not run.</param>
internal sealed record ExporterPod(string Uid, ExporterTarget? Target)
{
    private const string MetricsPort = "metrics";
    private const string PortAnnotation = "prometheus.io/port";
    private const string PathAnnotation = "prometheus.io/path";
    private const string DefaultPath = "/metrics";

    /// <summary>Port and path are those of the annotations that Prometheus' own discovery reads, else of the container port "metrics", else the default.</summary>
    public static ExporterPod Map(PodObject pod, int defaultPort)
    {
        var uid = pod.Metadata.Uid ?? $"{pod.Metadata.Namespace}/{pod.Metadata.Name}";
        if (pod.Status is not { Phase: "Running", PodIP: { Length: > 0 } address } || pod.Spec.NodeName is not { Length: > 0 } node)
            return new ExporterPod(uid, null);
        var annotations = pod.Metadata.Annotations ?? [];
        var port = annotations.TryGetValue(PortAnnotation, out var text) && int.TryParse(text, out var told) && told is > 0 and <= 65_535
            ? told
            : (pod.Spec.Containers ?? []).SelectMany(container => container.Ports ?? []).FirstOrDefault(candidate => candidate.Name == MetricsPort)?.Number
                ?? defaultPort;
        var path = annotations.TryGetValue(PathAnnotation, out var given) && given.StartsWith('/') ? given : DefaultPath;
        var host = address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;
        return Uri.TryCreate($"http://{host}:{port}{path}", UriKind.Absolute, out var uri)
            ? new ExporterPod(uid, new ExporterTarget(uri, node))
            : new ExporterPod(uid, null);
    }
}
