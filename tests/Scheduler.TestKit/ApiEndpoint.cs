using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;

namespace Scheduler.TestKit;

/// <summary>Where a Kubernetes API is and how to get in.</summary>
/// <param name="BaseAddress">Scheme, host and port.</param>
/// <param name="Token">The bearer token; null for a server that asks for none.</param>
/// <param name="CertificateAuthorityPem">The authority that signed the server's certificate; null turns the check off.</param>
public sealed record ApiEndpoint(Uri BaseAddress, string? Token = null, string? CertificateAuthorityPem = null)
{
    /// <summary>A client with the token that sends up to <paramref name="connections"/> requests at once. It never times out: the caller's cancellation does.</summary>
    public HttpClient CreateHttpClient(int connections = 64)
    {
        var handler = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = connections,
            UseProxy = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => IsTrusted(certificate) },
        };
        var client = new HttpClient(handler) { BaseAddress = BaseAddress, Timeout = Timeout.InfiniteTimeSpan };
        if (Token is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return client;
    }

    /// <summary>A client of the KubernetesClient library.</summary>
    public IKubernetes CreateClient() => new Kubernetes(CreateConfiguration());

    /// <summary>The configuration of such a client.</summary>
    public KubernetesClientConfiguration CreateConfiguration() => new()
    {
        Host = BaseAddress.ToString().TrimEnd('/'),
        AccessToken = Token,
        SkipTlsVerify = CertificateAuthorityPem is null,
        SslCaCerts = CertificateAuthorityPem is null ? null : [X509Certificate2.CreateFromPem(CertificateAuthorityPem)],
    };

    /// <summary>Writes a kubeconfig with one context named "weir", readable by its owner only.</summary>
    public void WriteKubeconfig(string path)
    {
        var trust = (BaseAddress.Scheme, CertificateAuthorityPem) switch
        {
            ("https", null) => "insecure-skip-tls-verify: true",
            ("https", var pem) => $"certificate-authority-data: {Convert.ToBase64String(Encoding.UTF8.GetBytes(pem))}",
            _ => "insecure-skip-tls-verify: false",
        };
        var server = BaseAddress.ToString().TrimEnd('/');
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, options);
        writer.Write($$"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: weir
              cluster:
                server: {{server}}
                {{trust}}
            users:
            - name: weir
              user:
                token: "{{Token}}"
            contexts:
            - name: weir
              context: {cluster: weir, user: weir}
            current-context: weir

            """);
    }

    private bool IsTrusted(X509Certificate? certificate)
    {
        if (CertificateAuthorityPem is null) return true;
        if (certificate is null) return false;
        using var authority = X509Certificate2.CreateFromPem(CertificateAuthorityPem);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var presented = new X509Certificate2(certificate);
        return chain.Build(presented);
    }
}
