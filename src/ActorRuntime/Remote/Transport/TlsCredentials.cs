using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;

namespace Akka.Remote.Transport;

/// <summary>Why the certificate of one peer was not accepted.</summary>
internal sealed class TlsVerdict
{
    /// <summary>Null: it was, or was not looked at.</summary>
    public string? Problem { get; set; }
}

/// <summary>
/// This node's certificate and the authority it trusts; read anew when the files change.
/// </summary>
internal sealed class TlsCredentials
{
    private sealed record Loaded(
        X509Certificate2 Certificate,
        SslStreamCertificateContext Context,
        X509Certificate2Collection? Authorities,
        CertificateRevocationListBuilder? Revoked,
        (DateTime, DateTime, DateTime, DateTime) Stamp);

    private readonly TlsSettings _settings;
    private readonly Lock _lock = new();
    private Loaded _loaded;

    /// <exception cref="ConfigurationException">A file is missing or is no certificate.</exception>
    public TlsCredentials(TlsSettings settings)
    {
        _settings = settings;
        if (settings.CertificatePath.Length == 0)
        {
            throw new ConfigurationException(
                "akka.remote.dot-netty.tcp.enable-ssl is on, but ssl.certificate.path is empty");
        }

        try
        {
            _loaded = Load();
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            throw new ConfigurationException(
                "akka.remote.dot-netty.tcp.ssl: cannot load "
                + $"{settings.CertificatePath}: {e.Message}", e);
        }
    }

    /// <param name="verdict">Learns why the other end is not accepted.</param>
    public SslServerAuthenticationOptions ServerOptions(TlsVerdict verdict)
    {
        var loaded = Current();
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = loaded.Context,
            ClientCertificateRequired = _settings.IsMutual,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                !_settings.IsMutual || IsTrusted(certificate, loaded, verdict),
        };
    }

    /// <param name="verdict">Learns why the other end is not accepted.</param>
    public SslClientAuthenticationOptions ClientOptions(string host, TlsVerdict verdict)
    {
        var loaded = Current();
        return new SslClientAuthenticationOptions
        {
            TargetHost = host,
            ClientCertificateContext = loaded.Context,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                IsTrusted(certificate, loaded, verdict),
        };
    }

    private bool IsTrusted(X509Certificate? certificate, Loaded loaded, TlsVerdict verdict)
    {
        if (_settings.IsValidationSuppressed) return true;
        verdict.Problem = ProblemOf(certificate as X509Certificate2, loaded);
        return verdict.Problem is null;
    }

    private static string? ProblemOf(X509Certificate2? peer, Loaded loaded)
    {
        if (peer is null) return "it has no certificate";
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (loaded.Authorities is { } authorities)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        var name = peer.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        if (chain.Build(peer))
        {
            return IsRevoked(peer, loaded.Revoked)
                ? $"its certificate, of '{name}', is revoked"
                : null;
        }

        var reasons = chain.ChainStatus.Select(one => one.StatusInformation.Trim().TrimEnd('.'));
        return $"its certificate, of '{name}' by "
            + $"'{peer.GetNameInfo(X509NameType.SimpleName, forIssuer: true)}', is not accepted: "
            + string.Join(", ", reasons.Distinct(StringComparer.Ordinal));
    }

    /// <remarks>The list is a file that the operator puts there, and trusted as such.</remarks>
    private static bool IsRevoked(
        X509Certificate2 peer, CertificateRevocationListBuilder? revoked)
    {
        if (revoked is null) return false;
        var serial = peer.SerialNumberBytes.Span;
        lock (revoked)
        {
            // The builder knows its entries only by what can be removed from it.
            if (!revoked.RemoveEntry(serial)) return false;
            revoked.AddEntry(serial);
            return true;
        }
    }

    private Loaded Current()
    {
        lock (_lock)
        {
            if (_loaded.Stamp == Stamp()) return _loaded;
            try
            {
                _loaded = Load();
            }
            catch (Exception e) when (IsUnreadable(e))
            {
                // Half-written files: the old certificate serves until they are whole.
            }

            return _loaded;
        }
    }

    private static bool IsUnreadable(Exception e) =>
        e is IOException or UnauthorizedAccessException or ArgumentException
            or System.Security.Cryptography.CryptographicException;

    private (DateTime, DateTime, DateTime, DateTime) Stamp() => (
        File.GetLastWriteTimeUtc(_settings.CertificatePath),
        StampOf(_settings.KeyPath),
        StampOf(_settings.AuthorityPath),
        StampOf(_settings.RevocationListPath));

    private static DateTime StampOf(string path) =>
        path.Length == 0 ? default : File.GetLastWriteTimeUtc(path);

    private Loaded Load()
    {
        var stamp = Stamp();
        X509Certificate2 certificate;
        var others = new X509Certificate2Collection();
        if (_settings.KeyPath.Length == 0)
        {
            certificate = X509CertificateLoader.LoadPkcs12FromFile(
                _settings.CertificatePath, _settings.Password);
        }
        else
        {
            using var pem = X509Certificate2.CreateFromPemFile(
                _settings.CertificatePath, _settings.KeyPath);
            // TLS on Windows needs the key in a store, which a PKCS#12 round trip gives it.
            certificate = X509CertificateLoader.LoadPkcs12(
                pem.Export(X509ContentType.Pkcs12), null);
            others.ImportFromPemFile(_settings.CertificatePath);
        }

        X509Certificate2Collection? authorities = null;
        if (_settings.AuthorityPath.Length > 0)
        {
            authorities = [];
            authorities.ImportFromPemFile(_settings.AuthorityPath);
        }

        var context = SslStreamCertificateContext.Create(certificate, others, offline: true);
        var revoked = _settings.RevocationListPath.Length > 0
            && File.Exists(_settings.RevocationListPath)
            ? CertificateRevocationListBuilder.LoadPem(
                File.ReadAllText(_settings.RevocationListPath), out _)
            : null;
        return new Loaded(certificate, context, authorities, revoked, stamp);
    }
}
