using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Fabric.HostNode.Pki;

/// <summary>A cluster's own certificate authority in a folder: EC P-256, PEM files.</summary>
/// <remarks>
/// Files: <c>ca.pem</c>, <c>ca.key</c>, <c>ca.crl</c>, and for each host <c>ID.pem</c> and
/// <c>ID.key</c>. Keys are 0600. A certificate's name is the host id, the same that its host
/// claims when it joins; it serves and asks with it (mutual TLS).
/// </remarks>
public sealed class CertificateAuthority
{
    public const int AuthorityYears = 10;
    public const int HostDaysDefault = 397;

    private readonly string _folder;
    private readonly TimeProvider _time;

    public CertificateAuthority(string folder, TimeProvider time)
    {
        _folder = folder;
        _time = time;
    }

    private string AuthorityCertificate => Path.Combine(_folder, "ca.pem");
    private string AuthorityKey => Path.Combine(_folder, "ca.key");
    private string RevocationList => Path.Combine(_folder, "ca.crl");

    /// <summary>Makes the authority.</summary>
    /// <exception cref="PkiException">The folder already holds one.</exception>
    public void Init(string name)
    {
        if (File.Exists(AuthorityKey))
        {
            throw new PkiException($"{AuthorityKey} exists: choose another folder or remove it");
        }

        Directory.CreateDirectory(_folder);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(name), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(
            new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));

        var now = _time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(
            now.AddMinutes(-5), now.AddYears(AuthorityYears));
        WriteKey(AuthorityKey, key);
        File.WriteAllText(AuthorityCertificate, certificate.ExportCertificatePem() + "\n");
        WriteRevocations(certificate, new CertificateRevocationListBuilder(), 1, key);
    }

    /// <summary>Writes certificate and key for 'hostId', replacing those that it has.</summary>
    /// <param name="addresses">Addresses and names that the host is reached by.</param>
    /// <param name="roles">Roles granted to the host ("voter", "gateway").</param>
    public void Issue(
        string hostId, IReadOnlyCollection<string> addresses, IReadOnlyCollection<string> roles,
        int days = HostDaysDefault)
    {
        if (!IsHostId(hostId))
        {
            throw new PkiException(
                $"\"{hostId}\" is no host id: 1 to 63 letters, digits, '.', '_' or '-'");
        }

        using var authority = Load();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(
            Name(hostId, roles), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(AlternativeNames(hostId, addresses));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));

        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        var now = _time.GetUtcNow();
        var until = now.AddDays(days);
        using var certificate = request.Create(
            authority, now.AddMinutes(-5), until < authority.NotAfter ? until : authority.NotAfter,
            serial);
        WriteKey(Path.Combine(_folder, hostId + ".key"), key);
        File.WriteAllText(
            Path.Combine(_folder, hostId + ".pem"), certificate.ExportCertificatePem() + "\n");
    }

    /// <summary>A new key and certificate for a host with the names of its present one.</summary>
    public void Rotate(string hostId)
    {
        using var present = LoadHost(hostId);
        var addresses = new List<string>();
        foreach (var extension in present.Extensions.OfType<X509SubjectAlternativeNameExtension>())
        {
            addresses.AddRange(extension.EnumerateDnsNames().Where(name => name != hostId));
            addresses.AddRange(extension.EnumerateIPAddresses().Select(ip => ip.ToString()));
        }

        var roles = present.SubjectName.EnumerateRelativeDistinguishedNames()
            .Where(part => part.GetSingleElementType().Value == OrganizationalUnit)
            .Select(part => part.GetSingleElementValue() ?? "").Where(role => role != "");
        Issue(hostId, addresses, [.. roles]);
    }

    /// <summary>Puts a host's certificate on the revocation list.</summary>
    public void Revoke(string hostId)
    {
        using var authority = Load();
        using var present = LoadHost(hostId);
        var number = System.Numerics.BigInteger.Zero;
        var list = File.Exists(RevocationList)
            ? CertificateRevocationListBuilder.LoadPem(
                File.ReadAllText(RevocationList), out number)
            : new CertificateRevocationListBuilder();
        list.AddEntry(present, _time.GetUtcNow());
        using var key = authority.GetECDsaPrivateKey()!;
        WriteRevocations(authority, list, number + 1, key);
    }

    private X509Certificate2 Load()
    {
        if (!File.Exists(AuthorityCertificate) || !File.Exists(AuthorityKey))
        {
            throw new PkiException(
                $"no authority in {_folder}: make one with `fabric pki init {_folder}`");
        }

        return X509Certificate2.CreateFromPemFile(AuthorityCertificate, AuthorityKey);
    }

    private X509Certificate2 LoadHost(string hostId)
    {
        var path = Path.Combine(_folder, hostId + ".pem");
        return File.Exists(path)
            ? X509CertificateLoader.LoadCertificateFromFile(path)
            : throw new PkiException($"{path} does not exist: `fabric pki issue` makes it");
    }

    private void WriteRevocations(
        X509Certificate2 authority, CertificateRevocationListBuilder list,
        System.Numerics.BigInteger number, ECDsa key)
    {
        using var bare = X509CertificateLoader.LoadCertificate(authority.RawData);
        using var signer = bare.CopyWithPrivateKey(key);
        var now = _time.GetUtcNow();
        var bytes = list.Build(
            signer, number, now.AddYears(AuthorityYears), HashAlgorithmName.SHA256,
            thisUpdate: now.AddMinutes(-5));
        File.WriteAllText(RevocationList, PemEncoding.WriteString("X509 CRL", bytes) + "\n");
    }

    private const string OrganizationalUnit = "2.5.4.11";

    private static X500DistinguishedName Name(string common, IEnumerable<string>? units = null)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddOrganizationName("Fabric");
        foreach (var unit in units ?? []) builder.AddOrganizationalUnitName(unit);
        builder.AddCommonName(common);
        return builder.Build();
    }

    private static X509Extension AlternativeNames(string hostId, IEnumerable<string> addresses)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(hostId);
        foreach (var address in addresses)
        {
            if (IPAddress.TryParse(address, out var ip)) names.AddIpAddress(ip);
            else names.AddDnsName(address);
        }

        return names.Build();
    }

    private static void WriteKey(string path, ECDsa key)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new StreamWriter(path, options);
        file.Write(key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    private static bool IsHostId(string id) =>
        id.Length is >= 1 and <= 63
        && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
        && id is not ("." or "..");
}

/// <summary>The authority cannot do what was asked; the message says what to do.</summary>
public sealed class PkiException(string message) : Exception(message);
