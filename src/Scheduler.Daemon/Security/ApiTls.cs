using System.Net.Security;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Extender;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Options;

namespace Scheduler.Daemon.Security;

/// <summary>TLS of the gRPC port. A client certificate is asked for where there are authorities for it, and may be left out for a token.</summary>
internal static class ApiTls
{
    /// <exception cref="StartupException">A file cannot be used.</exception>
    public static TlsHandshakeCallbackOptions Options(ApiOptions options, TimeProvider time, ILogger logger)
    {
        var certificate = new ServerCertificate("the API", options.CertificateFile, options.KeyFile, time, logger);
        var authorities = options.ClientAuthorityFile.Length > 0 ? ExtenderListener.Authorities("api", options.ClientAuthorityFile) : null;
        return new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                ServerCertificateContext = certificate.Current,
                ClientCertificateRequired = authorities is not null,
                CertificateChainPolicy = authorities is null ? null : ExtenderListener.TrustOnly(authorities),
                RemoteCertificateValidationCallback = static (_, shown, _, errors) => shown is null || errors == SslPolicyErrors.None,
            }),
        };
    }
}
