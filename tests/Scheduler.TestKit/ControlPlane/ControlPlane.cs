using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using k8s;

namespace Scheduler.TestKit;

/// <summary>
/// A real Kubernetes control plane on loopback: etcd and kube-apiserver, kube-scheduler on request. There is no
/// controller manager and no kubelet, so nodes, pod phases and the status of disruption budgets are what the test writes.
/// </summary>
/// <remarks>Each instance has a temporary folder of its own with data, certificates and one log per program; disposal removes it.</remarks>
public sealed class ControlPlane : IAsyncDisposable
{
    private const int MaxStarts = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly ControlPlanePrograms _programs;
    private readonly string _folder;
    private readonly ControlPlaneCertificates _certificates;
    private readonly HttpClient _etcdClient;
    private readonly HttpClient _apiClient;
    private readonly (int EtcdClient, int EtcdPeer, int ApiServer, int Scheduler) _ports;
    private ChildProcess? _etcd;
    private ChildProcess? _apiServer;
    private ChildProcess? _scheduler;
    private bool _isReady;

    private ControlPlane(ControlPlanePrograms programs)
    {
        _programs = programs;
        _folder = Directory.CreateTempSubdirectory("weir-control-plane.").FullName;
        _certificates = ControlPlaneCertificates.Create(_folder);
        var ports = FreePorts.Take(4);
        _ports = (ports[0], ports[1], ports[2], ports[3]);
        Endpoint = new ApiEndpoint(
            new Uri($"https://127.0.0.1:{_ports.ApiServer}"), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), _certificates.AuthorityPem);
        _etcdClient = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_ports.EtcdClient}") };
        _apiClient = Endpoint.CreateHttpClient(connections: 2);
    }

    /// <summary>Where the API server is, the token of an administrator, and the authority behind its certificate.</summary>
    public ApiEndpoint Endpoint { get; }

    /// <summary>The API server's address.</summary>
    public Uri Address => Endpoint.BaseAddress;

    /// <summary>The token of a user in the group system:masters.</summary>
    public string Token => Endpoint.Token!;

    /// <summary>The programs to start a control plane with, or null where there are none.</summary>
    public static ControlPlanePrograms? FindOrNull() => ControlPlanePrograms.FindOrNull();

    /// <summary>Starts etcd and the API server and waits until <c>/readyz</c> says ok.</summary>
    /// <exception cref="FileNotFoundException">The programs are not on this machine.</exception>
    /// <exception cref="InvalidOperationException">One of them did not start; the message carries the end of its log.</exception>
    public static async Task<ControlPlane> StartAsync(CancellationToken cancellationToken = default)
    {
        var programs = FindOrNull() ?? throw new FileNotFoundException("no kube-apiserver and etcd on this machine: run eng/control-plane");
        for (var start = 1; ; start++)
        {
            var plane = new ControlPlane(programs);
            try
            {
                await plane.StartEtcdAsync(cancellationToken);
                await plane.AgeAsync(cancellationToken);
                await plane.StartApiServerAsync(cancellationToken);
                plane._isReady = true;
                return plane;
            }
            catch (InvalidOperationException taken) when (start < MaxStarts && taken.Message.Contains("address already in use", StringComparison.Ordinal))
            {
                // Between our choice of a free port and the program's use of it, somebody else took it: choose again.
                await plane.DisposeAsync();
            }
            catch
            {
                await plane.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>A client of the KubernetesClient library with an administrator's rights.</summary>
    public IKubernetes CreateClient() => Endpoint.CreateClient();

    /// <summary>Writes a kubeconfig for an administrator.</summary>
    public void WriteKubeconfig(string path) => Endpoint.WriteKubeconfig(path);

    /// <summary>A kubeconfig inside the temporary folder.</summary>
    public string Kubeconfig()
    {
        var path = Path.Combine(_folder, "kubeconfig");
        if (!File.Exists(path)) WriteKubeconfig(path);
        return path;
    }

    /// <summary>Kills the API server as <c>kill -9</c> does. Data and port stay for <see cref="StartApiServerAsync"/>.</summary>
    public Task KillApiServerAsync() => StopAsync(ref _apiServer);

    /// <summary>Kills etcd as <c>kill -9</c> does. Data and ports stay for <see cref="StartEtcdAsync"/>.</summary>
    public Task KillEtcdAsync() => StopAsync(ref _etcd);

    /// <summary>Kills kube-scheduler as <c>kill -9</c> does.</summary>
    public Task KillSchedulerAsync() => StopAsync(ref _scheduler);

    /// <summary>Starts etcd on its old ports and data; waits until it is healthy.</summary>
    public async Task StartEtcdAsync(CancellationToken cancellationToken = default)
    {
        if (_etcd is not null) throw new InvalidOperationException("etcd is running; kill it first");
        var (client, peer) = ($"http://127.0.0.1:{_ports.EtcdClient}", $"http://127.0.0.1:{_ports.EtcdPeer}");
        _etcd = ChildProcess.Start("etcd", _programs.Etcd,
        [
            "--name=weir", $"--data-dir={Path.Combine(_folder, "etcd")}", "--unsafe-no-fsync",
            $"--listen-client-urls={client}", $"--advertise-client-urls={client}",
            $"--listen-peer-urls={peer}", $"--initial-advertise-peer-urls={peer}", $"--initial-cluster=weir={peer}",
            $"--quota-backend-bytes={4L << 30}",
        ], LogOf("etcd"));
        await _etcd.WaitUntilAsync(async cancel =>
        {
            using var health = await _etcdClient.GetAsync("/health", cancel);
            return health.IsSuccessStatusCode;
        }, Patience, cancellationToken);
    }

    /// <summary>Starts the API server on its old port; waits until it is ready.</summary>
    public async Task StartApiServerAsync(CancellationToken cancellationToken = default)
    {
        if (_apiServer is not null) throw new InvalidOperationException("the API server is running; kill it first");
        var tokens = Path.Combine(_folder, "tokens.csv");
        await File.WriteAllTextAsync(tokens, $"{Token},weir-test-admin,1,\"system:masters\"\n", cancellationToken);
        _apiServer = ChildProcess.Start("kube-apiserver", _programs.ApiServer,
        [
            $"--etcd-servers=http://127.0.0.1:{_ports.EtcdClient}",
            $"--secure-port={_ports.ApiServer}", "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
            $"--cert-dir={_folder}", $"--tls-cert-file={_certificates.ServerCertificatePath}", $"--tls-private-key-file={_certificates.ServerKeyPath}",
            $"--service-account-key-file={_certificates.ServiceAccountKeyPath}",
            $"--service-account-signing-key-file={_certificates.ServiceAccountKeyPath}",
            "--service-account-issuer=https://kubernetes.default.svc",
            $"--token-auth-file={tokens}", "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            "--max-requests-inflight=4000", "--max-mutating-requests-inflight=2000",
        ], LogOf("kube-apiserver"));
        await _apiServer.WaitUntilAsync(async cancel =>
        {
            using var ready = await _apiClient.GetAsync("/readyz", cancel);
            return ready.IsSuccessStatusCode;
        }, Patience, cancellationToken);
    }

    /// <summary>
    /// Starts kube-scheduler with a configuration of its own: <paramref name="sections"/> is YAML that follows the common
    /// head (client connection, no leader election), for example <c>extenders:</c> or <c>profiles:</c>.
    /// </summary>
    public async Task StartKubeSchedulerAsync(string sections = "", CancellationToken cancellationToken = default)
    {
        if (_scheduler is not null) throw new InvalidOperationException("kube-scheduler is running; kill it first");
        var program = _programs.Scheduler ?? throw new FileNotFoundException("no kube-scheduler beside kube-apiserver");
        var configuration = Path.Combine(_folder, "kube-scheduler.yaml");
        await File.WriteAllTextAsync(configuration, $$"""
            apiVersion: kubescheduler.config.k8s.io/{{await SchedulerConfigVersionAsync(cancellationToken)}}
            kind: KubeSchedulerConfiguration
            clientConnection: {kubeconfig: "{{Kubeconfig()}}", qps: 5000, burst: 5000}
            leaderElection: {leaderElect: false}
            {{sections}}

            """, cancellationToken);
        _scheduler = ChildProcess.Start("kube-scheduler", program,
        [
            $"--config={configuration}", "--bind-address=127.0.0.1", $"--secure-port={_ports.Scheduler}", $"--cert-dir={_folder}",
            $"--authentication-kubeconfig={Kubeconfig()}", $"--authorization-kubeconfig={Kubeconfig()}",
        ], LogOf("kube-scheduler"));
        using var client = (Endpoint with { BaseAddress = new Uri($"https://127.0.0.1:{_ports.Scheduler}"), CertificateAuthorityPem = null })
            .CreateHttpClient(connections: 1);
        await _scheduler.WaitUntilAsync(async cancel =>
        {
            using var healthy = await client.GetAsync("/healthz", cancel);
            return healthy.IsSuccessStatusCode;
        }, Patience, cancellationToken);
    }

    /// <summary>
    /// Makes etcd forget every revision before the current one, as its periodic compaction does: what reads the past
    /// afterwards (an old continue token, an exact old revision, an uncached watch) gets 410.
    /// </summary>
    public async Task CompactHistoryAsync(CancellationToken cancellationToken = default)
    {
        var status = await PostToEtcdAsync("/v3/kv/range", new JsonObject { ["key"] = "AA==" }, cancellationToken);
        var revision = status["header"]!["revision"]!.GetValue<string>();
        await PostToEtcdAsync("/v3/kv/compaction", new JsonObject { ["revision"] = revision, ["physical"] = true }, cancellationToken);
    }

    /// <summary>The end of every log, for the message of a test that failed.</summary>
    public string Logs() =>
        string.Join('\n', new[] { _etcd, _apiServer, _scheduler }.OfType<ChildProcess>().Select(process => process.Tail()));

    /// <summary>Says so if a program has ended by itself.</summary>
    /// <exception cref="InvalidOperationException">One has; the message carries the end of its log.</exception>
    public void ThrowIfEnded()
    {
        var ended = new[] { _etcd, _apiServer, _scheduler }.OfType<ChildProcess>().Where(process => process.HasExited).ToList();
        if (ended.Count > 0)
            throw new InvalidOperationException($"a program of the control plane ended by itself\n{string.Join('\n', ended.Select(process => process.Tail()))}");
    }

    /// <summary>Kills what was started, newest first, and removes the temporary folder.</summary>
    /// <exception cref="InvalidOperationException">A program had ended by itself; the message carries the end of its log.</exception>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_isReady) ThrowIfEnded();
        }
        finally
        {
            await RemoveAsync();
        }
    }

    /// <summary>Does what disposal does, but leaves it to others to say that a program has ended.</summary>
    internal async Task RemoveAsync()
    {
        await KillSchedulerAsync();
        await KillApiServerAsync();
        await KillEtcdAsync();
        _etcdClient.Dispose();
        _apiClient.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>
    /// Uses up the first revisions, so that the API server's caches do not begin at the first of all: as on any cluster that
    /// has lived, a watch from revision 1 is then too old.
    /// </summary>
    private async Task AgeAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < 5; i++)
            await PostToEtcdAsync("/v3/kv/put", new JsonObject { ["key"] = "d2Vpcg==", ["value"] = "d2Vpcg==" }, cancellationToken);
    }

    private string LogOf(string program) => Path.Combine(_folder, program + ".log");

    private async Task<JsonNode> PostToEtcdAsync(string path, JsonObject body, CancellationToken cancellationToken)
    {
        using var response = await _etcdClient.PostAsJsonAsync(path, body, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"etcd answered {(int)response.StatusCode} to {path}: {text}");
        return JsonNode.Parse(text)!;
    }

    private async Task<string> SchedulerConfigVersionAsync(CancellationToken cancellationToken)
    {
        var version = JsonNode.Parse(await _apiClient.GetStringAsync("/version", cancellationToken))!;
        var minor = int.Parse(version["minor"]!.GetValue<string>().TrimEnd('+'), CultureInfo.InvariantCulture);
        return minor switch { >= 25 => "v1", >= 23 => "v1beta3", >= 22 => "v1beta2", _ => "v1beta1" };
    }

    private static Task StopAsync(ref ChildProcess? process)
    {
        var running = Interlocked.Exchange(ref process, null);
        return running is null ? Task.CompletedTask : running.DisposeAsync().AsTask();
    }
}
