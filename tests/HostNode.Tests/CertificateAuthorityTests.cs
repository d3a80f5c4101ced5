using System.Security.Cryptography.X509Certificates;
using Fabric.HostNode.Pki;

namespace Fabric.HostNode.Tests;

public sealed class CertificateAuthorityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-pki-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private CertificateAuthority Made()
    {
        var authority = new CertificateAuthority(_folder, TimeProvider.System);
        authority.Init("test");
        return authority;
    }

    [Fact]
    public void A_host_certificate_is_signed_by_the_authority_and_named_after_the_host()
    {
        Made().Issue("host1", ["192.0.2.1", "host1.example"], ["voter"]);

        using var authority = Load("ca.pem");
        using var host = Load("host1.pem");
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        Assert.True(chain.Build(host));
        Assert.Equal("host1", host.GetNameInfo(X509NameType.SimpleName, false));
        Assert.True(host.MatchesHostname("host1.example"));
        Assert.True(host.MatchesHostname("192.0.2.1"));
        using var key = X509Certificate2.CreateFromPemFile(
            Path.Combine(_folder, "host1.pem"), Path.Combine(_folder, "host1.key"));
        Assert.True(key.HasPrivateKey);
    }

    [Fact]
    public void Keys_are_readable_by_their_owner_only()
    {
        Made().Issue("host1", [], []);
        foreach (var file in (string[])["ca.key", "host1.key"])
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(Path.Combine(_folder, file)));
        }
    }

    [Fact]
    public void Rotation_keeps_names_and_changes_the_key()
    {
        var authority = Made();
        authority.Issue("host1", ["192.0.2.1"], ["gateway"]);
        using var before = Load("host1.pem");
        authority.Rotate("host1");
        using var after = Load("host1.pem");
        Assert.NotEqual(before.GetPublicKeyString(), after.GetPublicKeyString());
        Assert.Equal(before.Subject, after.Subject);
        Assert.True(after.MatchesHostname("192.0.2.1"));
    }

    [Fact]
    public void A_revoked_certificate_is_on_the_list()
    {
        var authority = Made();
        authority.Issue("host1", [], []);
        authority.Revoke("host1");
        using var host = Load("host1.pem");
        var list = CertificateRevocationListBuilder.LoadPem(
            File.ReadAllText(Path.Combine(_folder, "ca.crl")), out var number);
        Assert.Equal(2, (int)number);
        Assert.True(list.RemoveEntry(host.SerialNumberBytes.Span));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../host")]
    [InlineData("a b")]
    public void A_name_that_is_no_host_id_is_refused(string name)
    {
        var authority = Made();
        Assert.Throws<PkiException>(() => authority.Issue(name, [], []));
    }

    [Fact]
    public void A_second_authority_does_not_replace_the_first()
    {
        Made();
        Assert.Throws<PkiException>(Made);
    }

    private X509Certificate2 Load(string file) =>
        X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_folder, file));
}
