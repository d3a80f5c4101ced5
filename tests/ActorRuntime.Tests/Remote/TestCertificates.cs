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
    private readonly Dictionary<string, byte[]> _serials = [];
    private int _count;

    public TestCertificates(string directory, string name)
    {
        _directory = directory;
        AuthorityPath = Path.Combine(directory, name + ".pem");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(
                X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(
            new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _authority = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(2));
        File.WriteAllText(AuthorityPath, _authority.ExportCertificatePem());
    }

    public string AuthorityPath { get; }

    /// <summary>Issues a certificate into the two files of a host.</summary>
    /// <param name="roles">Organizational units of its subject.</param>
    public void Issue(string host, params string[] roles)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = string.Concat(roles.Select(role => $"OU={role}, ")) + $"CN={host}";
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        using var issued = request.Create(
            _authority, DateTimeOffset.UtcNow.AddMinutes(-30), DateTimeOffset.UtcNow.AddDays(1),
            [1, 2, (byte)++_count]);
        _serials[host] = issued.SerialNumberBytes.ToArray();
        File.WriteAllText(CertificatePath(host), issued.ExportCertificatePem());
        File.WriteAllText(KeyPath(host), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Where <see cref="Revoke"/> writes; not there before.</summary>
    public string RevocationPath => Path.Combine(_directory, "ca.crl");

    public void Revoke(string host)
    {
        var list = new CertificateRevocationListBuilder();
        list.AddEntry(_serials[host]);
        var bytes = list.Build(
            _authority, 2, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256);
        File.WriteAllText(RevocationPath, PemEncoding.WriteString("X509 CRL", bytes));
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
            revocation-list-path = "{{RevocationPath}}"
          }
        }
        """;
}
