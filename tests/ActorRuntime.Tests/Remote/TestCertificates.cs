using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Fabric.ActorRuntime.Tests.Remote;

/// <summary>
/// An authority and the certificates that it issues, as PEM files in a directory.
/// </summary>
internal sealed class TestCertificates
{
    private readonly X509Certificate2 _authority;
    private readonly string _directory;
    private int _count;

    public TestCertificates(string directory, string name)
    {
        _directory = directory;
        AuthorityPath = Path.Combine(directory, name + ".pem");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _authority = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(2));
        File.WriteAllText(AuthorityPath, _authority.ExportCertificatePem());
    }

    public string AuthorityPath { get; }

    /// <summary>Issues a certificate into the two files of a host.</summary>
    public void Issue(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        using var issued = request.Create(
            _authority, DateTimeOffset.UtcNow.AddMinutes(-30), DateTimeOffset.UtcNow.AddDays(1),
            [1, 2, (byte)++_count]);
        File.WriteAllText(CertificatePath(host), issued.ExportCertificatePem());
        File.WriteAllText(KeyPath(host), key.ExportPkcs8PrivateKeyPem());
    }

    public string CertificatePath(string host) => Path.Combine(_directory, host + ".crt");

    public string KeyPath(string host) => Path.Combine(_directory, host + ".key");

    /// <summary>The configuration of a host that trusts 'authorityPath'.</summary>
    public string Settings(string host, string? authorityPath = null) => $$"""
        akka.remote.dot-netty.tcp {
          enable-ssl = true
          ssl {
            certificate { path = "{{CertificatePath(host)}}", key-path = "{{KeyPath(host)}}" }
            authority-path = "{{authorityPath ?? AuthorityPath}}"
          }
        }
        """;
}
