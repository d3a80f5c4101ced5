using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Fabric.Configuration;

/// <summary>Mutual TLS as OVS does it: both sides trust authorities, not names.</summary>
internal static class TlsOptions
{
    public static SslServerAuthenticationOptions ForServer(TlsIdentity identity) => new()
    {
        ServerCertificate = identity.Certificate,
        ClientCertificateRequired = !identity.Authorities.IsEmpty,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            IsTrusted(identity, certificate),
    };

    public static SslClientAuthenticationOptions ForClient(TlsIdentity identity, string host) =>
        new()
        {
            TargetHost = host,
            ClientCertificates = [identity.Certificate],
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                IsTrusted(identity, certificate),
        };

    /// <summary>The common name in a certificate, which RBAC takes for the client's name.</summary>
    public static string NameOf(X509Certificate? certificate) =>
        certificate is X509Certificate2 full
            ? full.GetNameInfo(X509NameType.SimpleName, forIssuer: false)
            : "";

    private static bool IsTrusted(TlsIdentity identity, X509Certificate? certificate)
    {
        if (identity.Authorities.IsEmpty) return true;
        if (certificate is not X509Certificate2 full) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(identity.Authorities.ToArray());
        return chain.Build(full);
    }
}
