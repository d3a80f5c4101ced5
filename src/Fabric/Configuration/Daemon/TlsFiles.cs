using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Fabric.Configuration;

/// <summary>Key material in PEM files.</summary>
public static class TlsFiles
{
    /// <summary>What the command line names; null where it names none.</summary>
    /// <remarks>
    /// "db:..." leads to SSL rows; stock scripts give it always, also where there are none.
    /// </remarks>
    public static bool TryLoad(
        DaemonOptions options, out TlsIdentity? identity, out string problem)
    {
        identity = null;
        problem = "";
        if (options.PrivateKey is not { } key || options.Certificate is not { } certificate)
        {
            return true;
        }

        return key.StartsWith("db:", StringComparison.Ordinal)
            || TryLoad(certificate, key, options.Authority, out identity, out problem);
    }

    /// <param name="authority">PEM file of trusted authorities; null or "none": no check.</param>
    public static bool TryLoad(
        string certificate, string key, string? authority, out TlsIdentity? identity,
        out string problem)
    {
        identity = null;
        try
        {
            var own = X509Certificate2.CreateFromPemFile(certificate, key);
            ImmutableArray<X509Certificate2> authorities = [];
            if (authority is not null and not "none")
            {
                var collection = new X509Certificate2Collection();
                collection.ImportFromPemFile(authority);
                authorities = [.. collection];
            }

            identity = new TlsIdentity(own, authorities);
            problem = "";
            return true;
        }
        catch (CryptographicException exception)
        {
            problem = $"{certificate}: {exception.Message}";
        }
        catch (IOException exception)
        {
            problem = exception.Message;
        }
        catch (UnauthorizedAccessException exception)
        {
            problem = exception.Message;
        }

        return false;
    }
}
