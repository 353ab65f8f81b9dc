using k8s;
using k8s.Exceptions;
using Scheduler.Daemon.Kubernetes;

namespace Scheduler.Daemon.Hosting;

/// <summary>Finds the API server and the credentials for it. Kubeconfig files, TLS and tokens are the client library's work.</summary>
internal static class ApiServerConnector
{
    /// <exception cref="StartupException">There is no usable configuration.</exception>
    public static ApiServerClient Connect(DaemonSettings settings)
    {
        var timeout = TimeSpan.FromSeconds(settings.Kubernetes.RequestTimeoutSeconds);
        if (settings.Server is { } server)
        {
            var handler = new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2) };
            var plain = new HttpClient(handler) { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
            return new ApiServerClient(plain, settings.Time, timeout);
        }

        var configuration = Configuration(settings);
        configuration.HttpClientTimeout = Timeout.InfiniteTimeSpan;
        configuration.UserAgent = "weir";
        var client = new k8s.Kubernetes(configuration);
        client.HttpClient.BaseAddress = client.BaseUri;
        return new ApiServerClient(
            client.HttpClient, settings.Time, timeout,
            client.Credentials is { } credentials ? credentials.ProcessHttpRequestAsync : null,
            owned: client);
    }

    private static KubernetesClientConfiguration Configuration(DaemonSettings settings)
    {
        try
        {
            if (settings.KubeconfigPath is { } path)
                return FromFile(path, settings.KubeContext);
            if (settings.InCluster)
                return InCluster();
            var fromEnvironment = Environment.GetEnvironmentVariable("KUBECONFIG");
            if (!string.IsNullOrEmpty(fromEnvironment))
                return FromFile(fromEnvironment.Split(Path.PathSeparator)[0], settings.KubeContext);
            var inHome = KubernetesClientConfiguration.KubeConfigDefaultLocation;
            if (File.Exists(inHome))
                return FromFile(inHome, settings.KubeContext);
            return KubernetesClientConfiguration.IsInCluster()
                ? InCluster()
                : throw new StartupException($"no cluster to talk to: there is no kubeconfig at {inHome}, and this is not a pod; name one with --kubeconfig");
        }
        catch (Exception failure) when (failure is KubeConfigException or KubernetesClientException or YamlDotNet.Core.YamlException or IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"the kubeconfig cannot be used: {OneLine(failure.Message)}", failure);
        }
    }

    private static KubernetesClientConfiguration FromFile(string path, string? context)
    {
        if (!File.Exists(path))
            throw new StartupException($"there is no kubeconfig at {path}");
        return KubernetesClientConfiguration.BuildConfigFromConfigFile(path, context);
    }

    private static KubernetesClientConfiguration InCluster() => KubernetesClientConfiguration.IsInCluster()
        ? KubernetesClientConfiguration.InClusterConfig()
        : throw new StartupException("this is not a pod with a service account: KUBERNETES_SERVICE_HOST or the token is missing");

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
