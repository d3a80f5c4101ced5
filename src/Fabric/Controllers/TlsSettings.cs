using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Fabric.Controllers;

/// <summary>
/// Key, certificate and authority of ssl: and pssl: connections, as in OVS's SSL table.
/// </summary>
/// <remarks>
/// Both sides must show a certificate that the authority has signed. Files are PEM. They are read
/// for every connection, so that renewed ones are used.
/// </remarks>
public sealed record TlsSettings(string PrivateKeyFile, string CertificateFile,
    string AuthorityFile)
{
    /// <summary>Null when the files cannot be read.</summary>
    public SslServerAuthenticationOptions? ServerOptions() =>
        TryLoad(out var own, out var authority)
        ? new SslServerAuthenticationOptions
        {
            ServerCertificate = own,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, peer, _, _) => IsSigned(peer, authority!),
        }
        : null;

    public SslClientAuthenticationOptions? ClientOptions(string host) =>
        TryLoad(out var own, out var authority)
        ? new SslClientAuthenticationOptions
        {
            TargetHost = host,
            ClientCertificates = [own!],
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, peer, _, _) => IsSigned(peer, authority!),
        }
        : null;

    private bool TryLoad(out X509Certificate2? own, out X509Certificate2Collection? authority)
    {
        (own, authority) = (null, null);
        try
        {
            using var pem = X509Certificate2.CreateFromPemFile(CertificateFile, PrivateKeyFile);
            own = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
            authority = [];
            authority.ImportFromPemFile(AuthorityFile);
            return true;
        }
        catch (Exception failure) when (
            failure is IOException or CryptographicException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool IsSigned(X509Certificate? peer, X509Certificate2Collection authority)
    {
        if (peer is null) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var certificate = new X509Certificate2(peer);
        return chain.Build(certificate);
    }
}
