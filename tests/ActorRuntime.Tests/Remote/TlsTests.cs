using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Wire;

namespace Fabric.ActorRuntime.Tests.Remote;

/// <summary>Mutual TLS between systems.</summary>
[Trait("Runtime", "Embedded")]
public sealed class TlsTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("pki").FullName;
    private readonly RemoteHosts _hosts = new();
    private readonly TestCertificates _authority;

    public TlsTests()
    {
        _authority = new TestCertificates(_directory, "authority");
        _authority.Issue("a");
        _authority.Issue("b");
    }

    [Fact]
    public async Task Hosts_of_one_authority_speak_to_each_other()
    {
        var (a, b) =
            (_hosts.Start(_authority.Settings("a")), _hosts.Start(_authority.Settings("b")));
        RemoteHosts.Echo(b);
        Assert.Equal("akka.ssl.tcp", RemoteHosts.AddressOf(a).Protocol);
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        Assert.Equal("x", await echo.Ask<string>("x", RemoteHosts.Patience));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_host_of_another_authority_is_refused_on_both_sides(bool isCalling)
    {
        var other = new TestCertificates(_directory, "other");
        other.Issue("c");
        var a = _hosts.Start(_authority.Settings("a"));
        var stranger = _hosts.Start(other.Settings("c"));
        RemoteHosts.Echo(a);
        RemoteHosts.Echo(stranger);
        var (ours, theirs) = (RemoteHosts.Warnings(a), RemoteHosts.Warnings(stranger));
        var before = WireCounters.RefusedPeers.Value;
        var (from, to) = isCalling ? (stranger, a) : (a, stranger);
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<ActorNotFoundException>(() =>
                RemoteHosts.At(from, to, "/user/echo").ResolveOne(TimeSpan.FromMilliseconds(500)));
        }

        await RemoteHosts.Until(
            () => WireCounters.RefusedPeers.Value > before, "the refusal is counted");
        await RemoteHosts.Until(() => !ours.IsEmpty && !theirs.IsEmpty, "both have said so");
        // Who refuses first says whose certificate it was; however often it is tried, once.
        Assert.Contains(ours.Concat(theirs), line => line.Contains(
            "is not accepted: ", StringComparison.Ordinal) && line.Contains(
            isCalling ? "of 'a' by 'authority'" : "of 'c' by 'other'", StringComparison.Ordinal));
        Assert.Single(ours);
        Assert.Single(theirs);
    }

    [Fact]
    public async Task A_host_that_trusts_a_stranger_is_still_refused_by_it()
    {
        // The stranger trusts our authority, but has no certificate of it.
        var other = new TestCertificates(_directory, "other");
        other.Issue("c");
        var a = _hosts.Start(_authority.Settings("a"));
        var stranger = _hosts.Start(other.Settings("c", _authority.AuthorityPath));
        RemoteHosts.Echo(a);
        var (ours, theirs) = (RemoteHosts.Warnings(a), RemoteHosts.Warnings(stranger));
        await Assert.ThrowsAsync<ActorNotFoundException>(() =>
            RemoteHosts.At(stranger, a, "/user/echo").ResolveOne(TimeSpan.FromSeconds(1)));
        await RemoteHosts.Until(() => !ours.IsEmpty && !theirs.IsEmpty, "both have said so");
        Assert.Contains("of 'c' by 'other'", Assert.Single(ours), StringComparison.Ordinal);
        Assert.Contains("certificate", Assert.Single(theirs), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_text_to_a_TLS_port_is_refused()
    {
        var a = _hosts.Start(_authority.Settings("a"));
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", RemoteHosts.AddressOf(a).Port!.Value);
        await socket.GetStream().WriteAsync(Frame.Hello(
            new Akka.Cluster.UniqueAddress(RemoteHosts.AddressOf(a), 1), RemoteHosts.AddressOf(a)));
        var answer = new byte[64];
        using var timeout = new CancellationTokenSource(RemoteHosts.Patience);
        try
        {
            while (await socket.GetStream().ReadAsync(answer, timeout.Token) > 0)
            {
                // A TLS alert may come before the end.
            }
        }
        catch (IOException)
        {
            // Reset is as good as an end.
        }

        Assert.False(timeout.IsCancellationRequested);
    }

    [Fact]
    public async Task A_new_certificate_is_used_without_a_restart()
    {
        var a = _hosts.Start(_authority.Settings("a"));
        // First with a certificate that nobody trusts, then with a good one in the same files.
        var other = new TestCertificates(_directory, "other");
        other.Issue("c");
        var c = _hosts.Start(other.Settings("c", _authority.AuthorityPath));
        RemoteHosts.Echo(a);
        await Assert.ThrowsAsync<ActorNotFoundException>(() =>
            RemoteHosts.At(c, a, "/user/echo").ResolveOne(TimeSpan.FromSeconds(1)));
        _authority.Issue("c");
        File.SetLastWriteTimeUtc(_authority.KeyPath("c"), DateTime.UtcNow.AddSeconds(5));
        var found = false;
        for (var i = 0; i < 20 && !found; i++)
        {
            try
            {
                await RemoteHosts.At(c, a, "/user/echo").ResolveOne(TimeSpan.FromSeconds(1));
                found = true;
            }
            catch (ActorNotFoundException)
            {
                // The gate may still be closed after the failure before.
            }
        }

        Assert.True(found);
    }

    [Fact]
    public void A_missing_certificate_is_a_configuration_error()
    {
        var settings = _authority.Settings("nobody");
        Assert.Throws<ConfigurationException>(() => _hosts.Start(settings));
    }

    public async ValueTask DisposeAsync()
    {
        await _hosts.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
