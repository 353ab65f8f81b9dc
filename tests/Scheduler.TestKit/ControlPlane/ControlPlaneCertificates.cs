using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.TestKit;

/// <summary>A certificate authority of its own for one control plane, the API server's certificate, and the key that signs service accounts.</summary>
internal sealed record ControlPlaneCertificates(string AuthorityPem, string ServerCertificatePath, string ServerKeyPath, string ServiceAccountKeyPath)
{
    /// <summary>Creates them and writes what the API server reads into <paramref name="folder"/>.</summary>
    public static ControlPlaneCertificates Create(string folder)
    {
        // The start is a day ago: a clock that is set back a little must not make the certificate invalid.
        var from = DateTimeOffset.UtcNow.AddDays(-1);
        var until = from.AddDays(30);

        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=weir-test-authority", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authorityRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        using var authority = authorityRequest.CreateSelfSigned(from, until);

        using var serverKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var serverRequest = new CertificateRequest("CN=kube-apiserver", serverKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        serverRequest.CertificateExtensions.Add(names.Build());
        serverRequest.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var server = serverRequest.Create(authority, from, until, RandomNumberGenerator.GetBytes(8));

        using var accountKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var files = new ControlPlaneCertificates(
            authority.ExportCertificatePem(), Path.Combine(folder, "server.crt"), Path.Combine(folder, "server.key"), Path.Combine(folder, "accounts.key"));
        File.WriteAllText(files.ServerCertificatePath, server.ExportCertificatePem());
        File.WriteAllText(files.ServerKeyPath, serverKey.ExportECPrivateKeyPem());
        File.WriteAllText(files.ServiceAccountKeyPath, accountKey.ExportECPrivateKeyPem());
        return files;
    }
}
