using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Options;

namespace Scheduler.Daemon.Extender;

/// <summary>The port of the extender: with TLS, or on a loopback address. Nothing else is answered there, and it nowhere else.</summary>
internal static class ExtenderListener
{
    /// <exception cref="StartupException">A certificate cannot be used.</exception>
    public static void Listen(KestrelServerOptions kestrel, ExtenderOptions options, TimeProvider time, ILogger logger)
    {
        var certificate = options.CertificateFile.Length > 0 ? new ServerCertificate("the extender", options.CertificateFile, options.KeyFile, time, logger) : null;
        var authorities = options.ClientAuthorityFile.Length > 0 ? Authorities("extender", options.ClientAuthorityFile) : null;
        kestrel.Listen(IPAddress.Parse(options.Address), options.Port, listen =>
        {
            // Over HTTP/2 "Connection: close" would say nothing, and a connection to a replica that stands by would last.
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection =>
            {
                connection.Features.Set(ExtenderConnection.Mark);
                return next(connection);
            });
            if (certificate is not null)
                listen.UseHttps(Tls(certificate, authorities));
        });
    }

    /// <summary>Sends what comes in at that port to the handler, and nothing else.</summary>
    public static void Map(IApplicationBuilder app, ExtenderHandler handler) => app.MapWhen(
        context => context.Features.Get<ExtenderConnection>() is not null,
        branch => branch.Run(handler.HandleAsync));

    private static TlsHandshakeCallbackOptions Tls(ServerCertificate certificate, X509Certificate2Collection? authorities) => new()
    {
        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Current,
            ClientCertificateRequired = authorities is not null,
            CertificateChainPolicy = authorities is null ? null : TrustOnly(authorities),
        }),
    };

    internal static X509ChainPolicy TrustOnly(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        // Of a client, not of a server.
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        return policy;
    }

    internal static X509Certificate2Collection Authorities(string section, string file)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new StartupException($"{section}.clientAuthorityFile: {file} cannot be read: {failure.Message}", failure);
        }

        return authorities.Count > 0
            ? authorities
            : throw new StartupException($"{section}.clientAuthorityFile: {file} has no certificate in PEM in it");
    }

    private sealed class ExtenderConnection
    {
        public static readonly ExtenderConnection Mark = new();
    }
}
