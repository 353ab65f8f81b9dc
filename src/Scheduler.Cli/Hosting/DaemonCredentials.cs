using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using k8s.Exceptions;
using Scheduler.Cli.Commands;

namespace Scheduler.Cli.Hosting;

/// <summary>
/// What <c>weir</c> shows a daemon: the token or the client certificate of a kubeconfig, or the token of a file. Over HTTPS the usual
/// kubeconfig is used unasked; over plain HTTP, to loopback addresses only, what an option names.
/// </summary>
internal sealed class DaemonCredentials
{
    private static readonly Option<string?> Kubeconfig = new("--kubeconfig") { Description = "Kubeconfig whose token or client certificate is shown to the daemon (default over https: $KUBECONFIG, ~/.kube/config)", HelpName = "FILE" };
    private static readonly Option<string?> Context = new("--context") { Description = "Context of the kubeconfig", HelpName = "NAME" };
    private static readonly Option<string?> TokenFile = new("--token-file") { Description = "File with a token of the cluster, shown to the daemon", HelpName = "FILE" };
    private static readonly Option<string?> Authority = new("--certificate-authority") { Description = "Authorities in PEM that the daemon's certificate must come from (default: those of this machine)", HelpName = "FILE" };

    private readonly string? _kubeconfig;
    private readonly string? _context;
    private readonly string? _tokenFile;
    private readonly string? _authority;

    private DaemonCredentials(string? kubeconfig, string? context, string? tokenFile, string? authority) =>
        (_kubeconfig, _context, _tokenFile, _authority) = (kubeconfig, context, tokenFile, authority);

    /// <summary>Adds the options to a command that asks a daemon.</summary>
    public static Command AddTo(Command command)
    {
        foreach (var option in new[] { Kubeconfig, Context, TokenFile, Authority })
        {
            command.Options.Add(option);
        }

        return command;
    }

    public static DaemonCredentials Of(ParseResult result) =>
        new(result.GetValue(Kubeconfig), result.GetValue(Context), result.GetValue(TokenFile), result.GetValue(Authority));

    /// <summary>A handler that shows them to the daemon at an address.</summary>
    /// <exception cref="UserErrorException">A file cannot be used, or a token would go over the network in the clear.</exception>
    public HttpMessageHandler MakeHandler(Uri address)
    {
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true };
        var isSecure = address.Scheme == Uri.UriSchemeHttps;
        if (!isSecure && !address.IsLoopback && (_tokenFile ?? _kubeconfig) is not null)
        {
            throw new UserErrorException($"--address: {address} is plain HTTP to another machine, where a token could be read on the way; use https");
        }

        if (_authority is { } authority)
        {
            var authorities = Authorities(authority);
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        if (_tokenFile is { } file)
        {
            var token = Read("--token-file", file).Trim();
            return new Authorizing(handler, (request, _) =>
            {
                request.Headers.Authorization = new("Bearer", token);
                return Task.CompletedTask;
            });
        }

        return Configuration(isSecure) is { } configuration ? WithKubeconfig(handler, configuration) : handler;
    }

    private static HttpMessageHandler WithKubeconfig(SocketsHttpHandler handler, KubernetesClientConfiguration configuration)
    {
        if (ClientCertificate(configuration) is { } certificate)
        {
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        }

        // Tokens, and the programs that fetch them, are the client library's work.
        var credentials = k8s.Kubernetes.CreateCredentials(configuration);
        return credentials is null ? handler : new Authorizing(handler, credentials.ProcessHttpRequestAsync);
    }

    private static X509Certificate2? ClientCertificate(KubernetesClientConfiguration configuration)
    {
        var certificate = Pem(configuration.ClientCertificateData, configuration.ClientCertificateFilePath);
        var key = Pem(configuration.ClientCertificateKeyData, configuration.ClientKeyFilePath);
        if (certificate is null || key is null)
        {
            return null;
        }

        try
        {
            return X509Certificate2.CreateFromPem(certificate, key);
        }
        catch (CryptographicException failure)
        {
            throw new UserErrorException($"--kubeconfig: its client certificate cannot be used: {failure.Message}", failure);
        }
    }

    private static string? Pem(string? data, string? file) => !string.IsNullOrEmpty(data)
        ? Encoding.UTF8.GetString(Convert.FromBase64String(data))
        : string.IsNullOrEmpty(file) ? null : Read("--kubeconfig", file);

    private KubernetesClientConfiguration? Configuration(bool isSecure)
    {
        var path = _kubeconfig;
        if (path is null && isSecure)
        {
            var fromEnvironment = Environment.GetEnvironmentVariable("KUBECONFIG");
            path = string.IsNullOrEmpty(fromEnvironment) ? KubernetesClientConfiguration.KubeConfigDefaultLocation : fromEnvironment.Split(Path.PathSeparator)[0];
            path = File.Exists(path) ? path : null;
        }

        if (path is null)
        {
            return null;
        }

        try
        {
            return KubernetesClientConfiguration.BuildConfigFromConfigFile(path, _context);
        }
        catch (Exception failure) when (failure is KubeConfigException or KubernetesClientException or YamlDotNet.Core.YamlException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--kubeconfig: {path} cannot be used: {failure.Message.ReplaceLineEndings(" ")}", failure);
        }
    }

    private static X509Certificate2Collection Authorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(Read("--certificate-authority", file));
        }
        catch (CryptographicException failure)
        {
            throw new UserErrorException($"--certificate-authority: {file} cannot be read: {failure.Message}", failure);
        }

        return authorities.Count > 0 ? authorities : throw new UserErrorException($"--certificate-authority: {file} has no certificate in PEM in it");
    }

    private static string Read(string option, string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{option}: {file} cannot be read: {failure.Message}", failure);
        }
    }

    private sealed class Authorizing(HttpMessageHandler inner, Func<HttpRequestMessage, CancellationToken, Task> authorize) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await authorize(request, cancellationToken);
            return await base.SendAsync(request, cancellationToken);
        }
    }
}
