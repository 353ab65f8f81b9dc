using System.Globalization;

namespace Scheduler.TestKit;

/// <summary>
/// The daemon as a process of its own, started the way an operator does: <c>weir run …</c>. It can be killed as
/// <c>kill -9</c> does and started again with the same options, and it never outlives the test.
/// </summary>
public sealed class DaemonProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly IReadOnlyList<string> _arguments;
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-daemon.").FullName;
    private readonly HttpClient _client;
    private ChildProcess? _process;

    private DaemonProcess(ApiEndpoint endpoint, string? configuration)
    {
        Port = FreePorts.Take(1)[0];
        _arguments = ["run", .. Cluster(endpoint), "--http-port", Port.ToString(CultureInfo.InvariantCulture), "--grpc-port", "0"];
        if (configuration is not null)
        {
            var file = Path.Combine(_folder, "config.yaml");
            File.WriteAllText(file, configuration);
            _arguments = [.. _arguments, "--config", file];
        }

        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}"));
        _client = new HttpClient { BaseAddress = Address };
    }

    /// <summary>The port that the daemon was told to listen on.</summary>
    public int Port { get; }

    /// <summary>Where its HTTP endpoints are.</summary>
    public Uri Address { get; }

    /// <summary>The process id.</summary>
    public int Id => _process?.Id ?? throw new InvalidOperationException("the daemon was never started");

    /// <summary>The file that collects its output over all starts.</summary>
    public string LogPath => Path.Combine(_folder, "weir.log");

    /// <summary>Whether the process is there.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>The program: built from the same checkout in the same configuration as this test.</summary>
    public static string Program { get; } = Repository.PathOf(
        "artifacts", "bin", "Scheduler.Cli", new DirectoryInfo(AppContext.BaseDirectory).Name, "weir.dll");

    /// <summary>
    /// Starts <c>weir run</c> on a control plane to which <c>deploy/base</c> was applied, with the rights of its service account and
    /// no other, and waits until <c>/readyz</c> says ok.
    /// </summary>
    /// <param name="plane">The control plane.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="configuration">Its configuration file; null for none.</param>
    public static async Task<DaemonProcess> StartAsync(ControlPlane plane, CancellationToken cancellationToken, string? configuration = null) =>
        await StartAsync(await DaemonAccount.SignInAsync(plane, cancellationToken), cancellationToken, configuration);

    /// <summary>Starts <c>weir run</c> on any API server and waits until <c>/readyz</c> says ok.</summary>
    public static async Task<DaemonProcess> StartAsync(ApiEndpoint endpoint, CancellationToken cancellationToken, string? configuration = null)
    {
        var daemon = new DaemonProcess(endpoint, configuration);
        try
        {
            await daemon.StartAsync(cancellationToken);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it again after <see cref="KillAsync"/> or <see cref="TerminateAsync"/>, and waits until it is ready.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (IsRunning) throw new InvalidOperationException("the daemon is running; kill it first");
        if (_process is not null) await _process.DisposeAsync();
        _process = ChildProcess.Start("weir", "dotnet", [Program, .. _arguments], LogPath);
        await _process.WaitUntilAsync(async cancel =>
        {
            using var ready = await _client.GetAsync("/readyz", cancel);
            return ready.IsSuccessStatusCode;
        }, Patience, cancellationToken);
    }

    /// <summary>Kills it as <c>kill -9</c> does.</summary>
    public Task KillAsync() => _process?.KillAsync() ?? Task.CompletedTask;

    /// <summary>Asks it to end and returns its exit code.</summary>
    public Task<int> TerminateAsync() => (_process ?? throw new InvalidOperationException("the daemon was never started")).TerminateAsync(Patience);

    /// <summary>What <c>/metrics</c> says now.</summary>
    public Task<string> ReadMetricsAsync(CancellationToken cancellationToken) => _client.GetStringAsync("/metrics", cancellationToken);

    /// <summary>All that it has written so far, over all starts.</summary>
    public async Task<string> ReadLogAsync(CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return await reader.ReadToEndAsync(cancellationToken);
    }

    /// <summary>The end of its log, or the beginning of its crash.</summary>
    public string Log() => _process?.Tail(100) ?? "--- the daemon was never started";

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The options that name the cluster: a server that asks for no credentials, or a kubeconfig.</summary>
    private string[] Cluster(ApiEndpoint endpoint)
    {
        if (endpoint.Token is null) return ["--server", endpoint.BaseAddress.ToString()];
        var kubeconfig = Path.Combine(_folder, "kubeconfig");
        endpoint.WriteKubeconfig(kubeconfig);
        return ["--kubeconfig", kubeconfig];
    }
}
