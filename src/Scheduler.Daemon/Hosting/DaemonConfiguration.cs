using System.Net;
using Microsoft.Extensions.Options;
using Scheduler.Daemon.Gpus;
using Scheduler.Daemon.Options;

namespace Scheduler.Daemon.Hosting;

/// <summary>Checks settings: ranges, and what goes together.</summary>
public static class DaemonConfiguration
{
    /// <summary>Checks every section.</summary>
    /// <exception cref="StartupException">Names every mistake, each with its path, one on a line.</exception>
    public static void Check(DaemonSettings settings)
    {
        var errors = FindErrors(settings);
        if (errors.Count > 0)
            throw new StartupException(string.Join('\n', errors));
    }

    /// <summary>Every mistake, each as <c>section.key: what is wrong</c>; empty if there is none.</summary>
    public static IReadOnlyList<string> FindErrors(DaemonSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var errors = new List<string>();
        Add("kubernetes", new KubernetesOptionsValidator().Validate(null, settings.Kubernetes), errors);
        Add("scheduling", new SchedulingOptionsValidator().Validate(null, settings.Scheduling), errors);
        Add("leadership", new LeadershipOptionsRangeValidator().Validate(null, settings.Leadership), errors);
        Add("api", new ApiOptionsRangeValidator().Validate(null, settings.Api), errors);
        CheckLeadership(settings.Leadership, errors);
        CheckApi(settings.Api, settings.AllowAnonymous, errors);
        Add("extender", new ExtenderOptionsRangeValidator().Validate(null, settings.Extender), errors);
        CheckExtender(settings, errors);
        Add("telemetry", new TelemetryOptionsRangeValidator().Validate(null, settings.Telemetry), errors);
        errors.AddRange(TelemetrySettings.FindErrors(settings.Telemetry));
        Add("journal", new JournalOptionsRangeValidator().Validate(null, settings.Journal), errors);
        if (settings.Journal.SegmentMebibytes * 4 > settings.Journal.MaxMebibytes)
        {
            errors.Add($"journal.segmentMebibytes: is {settings.Journal.SegmentMebibytes}; it must be at most a quarter of maxMebibytes "
                + $"({settings.Journal.MaxMebibytes}), or little is left when the oldest segment goes");
        }

        // Most of the policy has its range on the option too; what is told twice is told once.
        foreach (var error in DaemonParts.Policy(settings).Validate().Where(error => error.Path.StartsWith("policy.topologyLevels", StringComparison.Ordinal)))
            errors.Add($"scheduling{error.Path["policy".Length..]}: {error.Message}");
        CheckTopology(settings.Scheduling, errors);
        if (settings.Server is { IsAbsoluteUri: false })
            errors.Add($"server: '{settings.Server}' is not an address such as http://127.0.0.1:8001");
        return errors;
    }

    private static void CheckLeadership(LeadershipOptions options, List<string> errors)
    {
        if (options.RenewDeadlineSeconds >= options.LeaseDurationSeconds)
        {
            errors.Add($"leadership.renewDeadlineSeconds: is {options.RenewDeadlineSeconds}; it must be less than leaseDurationSeconds "
                + $"({options.LeaseDurationSeconds}), or two replicas could write at once");
        }

        if (options.RetryPeriodSeconds >= options.RenewDeadlineSeconds)
        {
            errors.Add($"leadership.retryPeriodSeconds: is {options.RetryPeriodSeconds}; it must be less than renewDeadlineSeconds "
                + $"({options.RenewDeadlineSeconds}), or one slow answer loses the lease");
        }
    }

    private static void CheckTopology(SchedulingOptions options, List<string> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var index = 0; index < options.TopologyLevels.Count; index++)
        {
            var level = options.TopologyLevels[index];
            if (level.Length == 0)
                errors.Add($"scheduling.topologyLevels[{index}]: is empty; name a label of nodes, such as topology.kubernetes.io/zone");
            else if (!seen.Add(level))
                errors.Add($"scheduling.topologyLevels[{index}]: '{level}' is there twice; keep one");
        }
    }

    private static void CheckApi(ApiOptions options, bool allowAnonymous, List<string> errors)
    {
        if (!IPAddress.TryParse(options.Address, out var address))
            errors.Add($"api.address: '{options.Address}' is not an IP address such as 127.0.0.1 or 0.0.0.0");
        else if (!IPAddress.IsLoopback(address) && allowAnonymous)
            errors.Add($"api.address: is {options.Address}, which others reach; without asking who calls, only a loopback address is served");
        else if (!IPAddress.IsLoopback(address) && options.CertificateFile.Length == 0)
            errors.Add($"api.certificateFile: is empty; on {options.Address}, which others reach, gRPC is served with TLS only: callers send tokens");
        if (options.CertificateFile.Length > 0 && options.KeyFile.Length == 0)
            errors.Add("api.keyFile: is empty; name the file with the private key of certificateFile");
        if (options.CertificateFile.Length == 0 && (options.KeyFile.Length > 0 || options.ClientAuthorityFile.Length > 0))
            errors.Add("api.certificateFile: is empty, but there is a keyFile or a clientAuthorityFile; they need it");
        if (options.HttpPort != 0 && options.HttpPort == options.GrpcPort)
            errors.Add($"api.grpcPort: is {options.GrpcPort}, the same as httpPort; HTTP/1 and gRPC need a port each");
    }

    private static void CheckExtender(DaemonSettings settings, List<string> errors)
    {
        var (options, api) = (settings.Extender, settings.Api);
        if (!IPAddress.TryParse(options.Address, out var address))
            errors.Add($"extender.address: '{options.Address}' is not an IP address such as 127.0.0.1 or 0.0.0.0");
        else if (options.Enabled && options.CertificateFile.Length == 0 && !IPAddress.IsLoopback(address))
            errors.Add($"extender.certificateFile: is empty; on {options.Address}, which others reach, the extender is served with TLS only");
        if (options.CertificateFile.Length > 0 && options.KeyFile.Length == 0)
            errors.Add("extender.keyFile: is empty; name the file with the private key of certificateFile");
        if (options.KeyFile.Length > 0 && options.CertificateFile.Length == 0 && !errors.Exists(error => error.StartsWith("extender.certificateFile", StringComparison.Ordinal)))
            errors.Add("extender.certificateFile: is empty, but there is a keyFile; name both or none");
        if (options.ClientAuthorityFile.Length > 0 && options.CertificateFile.Length == 0)
            errors.Add("extender.clientAuthorityFile: needs certificateFile beside it: without TLS nobody shows a certificate");
        if (options.Enabled && options.Port != 0 && (options.Port == api.HttpPort || options.Port == api.GrpcPort))
            errors.Add($"extender.port: is {options.Port}, which section api uses; take another");
        if (options.SchedulerNames.Count == 0)
            errors.Add("extender.schedulerNames: is empty; name the schedulers whose GPU pods Weir plans, such as default-scheduler");
        for (var index = 0; index < options.SchedulerNames.Count; index++)
        {
            if (options.SchedulerNames[index].Length == 0)
                errors.Add($"extender.schedulerNames[{index}]: is empty; name a scheduler, such as default-scheduler");
            else if (options.SchedulerNames[index] == settings.Kubernetes.SchedulerName)
                errors.Add($"extender.schedulerNames[{index}]: is '{options.SchedulerNames[index]}', the kubernetes.schedulerName whose pods Weir binds itself; name kube-scheduler's");
        }
    }

    private static void Add(string section, ValidateOptionsResult result, List<string> errors)
    {
        foreach (var failure in result.Failures ?? [])
        {
            // "Key: The field Options.Key must be …" becomes "section.key: must be …".
            var separator = failure.IndexOf(": ", StringComparison.Ordinal);
            var key = separator < 0 ? "" : failure[..separator];
            var message = separator < 0 ? failure : failure[(separator + 2)..];
            var name = key.Length == 0 ? "" : $".{char.ToLowerInvariant(key[0])}{key[1..]}";
            var words = message.Split(' ');
            var start = message.StartsWith("The field ", StringComparison.Ordinal) && words.Length > 3 ? string.Join(' ', words[3..]) : message;
            errors.Add($"{section}{name}: {start}");
        }
    }
}
