using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Scheduler.Daemon.Options;

/// <summary>Section <c>extender</c>: the answers to a kube-scheduler that asks Weir about GPU pods.</summary>
public sealed class ExtenderOptions
{
    /// <summary>Whether it is served. Default false.</summary>
    public bool Enabled { get; set; }

    /// <summary>Address that its port is opened on. Default <c>127.0.0.1</c>; any other needs a certificate.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Its port, 0 to 65535; 0 takes a free one. Default 8443.</summary>
    [Range(0, 65_535)]
    public int Port { get; set; } = 8443;

    /// <summary>Certificate in PEM, the issuers after it; read again when it changes. Empty: plain HTTP, on a loopback address only.</summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>The certificate's private key in PEM, without a password.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>Authorities in PEM. If set, only callers with a certificate of one of them are served. Read at the start.</summary>
    public string ClientAuthorityFile { get; set; } = "";

    /// <summary>
    /// GPU pods with one of these schedulerNames are planned by Weir and bound through the extender. Default <c>default-scheduler</c>.
    /// </summary>
    public IReadOnlyList<string> SchedulerNames { get; set; } = ["default-scheduler"];

    /// <summary>The largest request in MiB, 1 to 1024. Default 64: without nodeCacheCapable a request has all nodes in it.</summary>
    [Range(1, 1024)]
    public int MaxRequestMebibytes { get; set; } = 64;

    /// <summary>How long an answer to filter may wait for the pod to be planned, in milliseconds, 0 to 60000; less than kube-scheduler's httpTimeout. Default 2000.</summary>
    [Range(0, 60_000)]
    public int DecisionWaitMilliseconds { get; set; } = 2000;

    /// <summary>How long a node is kept for a pod that kube-scheduler does not bind, in seconds, 5 to 3600. Default 120.</summary>
    [Range(5, 3600)]
    public int CommitmentSeconds { get; set; } = 120;

    /// <summary>The longest time for which a node that kube-scheduler did not offer is not chosen again for the pod, in seconds, 5 to 3600. Default 300; it begins with 5.</summary>
    [Range(5, 3600)]
    public int NodeRefusalCapSeconds { get; set; } = 300;
}

/// <summary>Checks the ranges on <see cref="ExtenderOptions"/>.</summary>
[OptionsValidator]
public sealed partial class ExtenderOptionsRangeValidator : IValidateOptions<ExtenderOptions>;
