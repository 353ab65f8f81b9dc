namespace Scheduler.TestKit;

/// <summary>The programs of a real control plane.</summary>
/// <param name="Etcd">Path of etcd.</param>
/// <param name="ApiServer">Path of kube-apiserver.</param>
/// <param name="Scheduler">Path of kube-scheduler; null where it is missing, which only tests of the extender notice.</param>
public sealed record ControlPlanePrograms(string Etcd, string ApiServer, string? Scheduler)
{
    private const string Version = "1.20.2-2";   // Kubernetes version and recipe, as in eng/control-plane

    /// <summary>
    /// Looks where eng/control-plane looks, in its order: KUBEBUILDER_ASSETS, PATH, the cache that it fills.
    /// </summary>
    public static ControlPlanePrograms? FindOrNull() => Candidates().Select(In).FirstOrDefault(programs => programs is not null);

    private static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS") is { Length: > 0 } assets) yield return assets;
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return folder;
        yield return Path.Combine(CacheRoot(), Version);
    }

    private static string CacheRoot()
    {
        if (Environment.GetEnvironmentVariable("WEIR_CONTROL_PLANE_CACHE") is { Length: > 0 } configured) return configured;
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg
            ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(cache, "weir", "control-plane");
    }

    private static ControlPlanePrograms? In(string folder)
    {
        var (etcd, apiServer, scheduler) = (Path.Combine(folder, "etcd"), Path.Combine(folder, "kube-apiserver"), Path.Combine(folder, "kube-scheduler"));
        if (!File.Exists(etcd) || !File.Exists(apiServer)) return null;
        return new ControlPlanePrograms(etcd, apiServer, File.Exists(scheduler) ? scheduler : null);
    }
}
