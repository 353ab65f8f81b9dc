using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Hosting;

namespace Scheduler.Daemon.Extender;

/// <summary>
/// A certificate and its key in two PEM files, read again when they change. A change that cannot be used is logged, and the last
/// good certificate stays. Safe for concurrent use.
/// </summary>
internal sealed class ServerCertificate
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly string _owner;
    private readonly string _certificateFile;
    private readonly string _keyFile;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private (byte[] Certificate, byte[] Key) _read;
    private SslStreamCertificateContext _current;
    private string _complaint = "";
    private long _lookedAt;

    /// <exception cref="StartupException">They cannot be read, or do not belong together.</exception>
    public ServerCertificate(string owner, string certificateFile, string keyFile, TimeProvider time, ILogger logger)
    {
        (_owner, _certificateFile, _keyFile, _time, _logger) = (owner, certificateFile, keyFile, time, logger);
        try
        {
            _read = Read();
            _current = Load(_read);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new StartupException($"the certificate of {owner} ({certificateFile} with key {keyFile}) cannot be used: {failure.Message}", failure);
        }

        _lookedAt = time.GetTimestamp();
    }

    /// <summary>The certificate for a connection that begins now.</summary>
    public SslStreamCertificateContext Current
    {
        get
        {
            lock (_gate)
            {
                if (_time.GetElapsedTime(_lookedAt) >= LookEvery)
                {
                    _lookedAt = _time.GetTimestamp();
                    LookAgain();
                }

                return _current;
            }
        }
    }

    private void LookAgain()
    {
        try
        {
            // Contents, not times: a mounted Secret changes behind links that stay as they are.
            var now = Read();
            if (now.Certificate.AsSpan().SequenceEqual(_read.Certificate) && now.Key.AsSpan().SequenceEqual(_read.Key))
                return;
            _current = Load(now);
            _read = now;
            _complaint = "";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            if (_complaint != failure.Message)
                Log.CertificateUnusable(_logger, _owner, failure.Message);
            _complaint = failure.Message;
        }
    }

    private (byte[] Certificate, byte[] Key) Read() => (File.ReadAllBytes(_certificateFile), File.ReadAllBytes(_keyFile));

    private SslStreamCertificateContext Load((byte[] Certificate, byte[] Key) pem)
    {
        var text = System.Text.Encoding.ASCII.GetString(pem.Certificate);
        var certificate = X509Certificate2.CreateFromPem(text, System.Text.Encoding.ASCII.GetString(pem.Key));
        var issuers = new X509Certificate2Collection();
        issuers.ImportFromPem(text);
        var context = SslStreamCertificateContext.Create(certificate, issuers, offline: true);
        Log.CertificateLoaded(_logger, _owner, certificate.Subject, certificate.NotAfter.ToUniversalTime());
        return context;
    }
}
