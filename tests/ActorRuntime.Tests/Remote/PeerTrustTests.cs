using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;
using Akka.Remote.Wire;
using Fabric.ActorRuntime.Tests.Cluster;

namespace Fabric.ActorRuntime.Tests.Remote;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Members are who their certificates say, with the roles that these grant.</summary>
[Trait("Runtime", "Embedded")]
public sealed class PeerTrustTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("trust").FullName;
    private readonly ClusterHosts _hosts = new();
    private readonly TestCertificates _authority;

    public PeerTrustTests()
    {
        _authority = new TestCertificates(_directory, "authority");
        _authority.Issue("a", "voter");
        _authority.Issue("b", "gateway");
        _authority.Issue("c");
    }

    [Theory]
    [InlineData("b", "host-b", "gateway")]
    [InlineData("c", "host-c", "voter")] // Names no roles, and so may have any.
    public async Task A_host_joins_under_its_certificates_name(
        string certificate, string name, string role)
    {
        var (first, second) = (Start("a", "host-a", "voter"), Start(certificate, name, role));
        Join(first, first);
        Join(second, first);
        await ClusterHosts.Until(
            () => ClusterHosts.UpCount(first) == 2 && ClusterHosts.UpCount(second) == 2,
            "both are up");
    }

    [Theory]
    [InlineData("b", "host-x", "gateway")] // Another name.
    [InlineData("b", "host-a", "gateway")] // The name of a member.
    [InlineData("b", "host-b", "voter")] // A role that its certificate does not grant.
    public async Task A_host_that_claims_more_is_refused(
        string certificate, string name, string role)
    {
        var (first, second) = (Start("a", "host-a", "voter"), Start(certificate, name, role));
        Join(first, first);
        await ClusterHosts.Until(() => ClusterHosts.UpCount(first) == 1, "the first is up");
        var before = WireCounters.RefusedPeers.Value;
        Join(second, first);
        await ClusterHosts.Until(
            () => WireCounters.RefusedPeers.Value > before, "the refusal is counted");
        Assert.Single(Cluster.Get(first).State.Members);
        Assert.Empty(Cluster.Get(second).State.Members);
    }

    /// <remarks>Goal: the one that joins looks, too, at who welcomes it.</remarks>
    [Fact]
    public async Task A_cluster_under_a_wrong_name_is_not_joined()
    {
        var (first, second) = (Start("a", "host-z", "voter"), Start("b", "host-b", "gateway"));
        Join(first, first);
        await ClusterHosts.Until(() => ClusterHosts.UpCount(first) == 1, "the first is up");
        var before = WireCounters.RefusedPeers.Value;
        Join(second, first);
        await ClusterHosts.Until(
            () => WireCounters.RefusedPeers.Value > before, "the refusal is counted");
        Assert.Empty(Cluster.Get(second).State.Members);
    }

    [Fact]
    public async Task A_revoked_certificate_is_refused_without_a_restart()
    {
        var (first, second) = (Start("a", "host-a", "voter"), Start("b", "host-b", "gateway"));
        Join(first, first);
        await ClusterHosts.Until(() => ClusterHosts.UpCount(first) == 1, "the first is up");
        _authority.Revoke("b");
        var before = WireCounters.RefusedPeers.Value;
        Join(second, first);
        await ClusterHosts.Until(
            () => WireCounters.RefusedPeers.Value > before, "the refusal is counted");
        Assert.Single(Cluster.Get(first).State.Members);
    }

    /// <remarks>
    /// Goal: a host with a good certificate cannot speak for another. Method: frames whose sender
    /// is an actor of a third host, of the receiver itself, or of no address at all; then one of
    /// its own.
    /// </remarks>
    [Fact]
    public async Task A_host_speaks_for_itself_only()
    {
        var (first, second) = (Start("a", "host-a", "voter"), Start("b", "host-b", "gateway"));
        Join(first, first);
        Join(second, first);
        await ClusterHosts.Until(() => ClusterHosts.UpCount(second) == 2, "both are up");
        var inbox = new ConcurrentQueue<object>();
        first.ActorOf(Props.Create(() => new RemoteHosts.Recorder(inbox)), "recorder");
        var warnings = RemoteHosts.Warnings(first);
        var recorder = (RemoteActorRef)await RemoteHosts.At(second, first, "/user/recorder")
            .ResolveOne(RemoteHosts.Patience);
        var own = RemoteHosts.AddressOf(first);
        var before = WireCounters.ForgedSenders.Value;
        foreach (var sender in (string[])[$"{own.WithPort(1)}/user/x", $"{own}/user/x", "x:y"])
        {
            Assert.Null(recorder.Association.Send(
                Frame.Message("/user/recorder", sender, 17, "S", "forged"u8.ToArray())));
        }

        recorder.Tell("true", ActorRefs.NoSender);
        await RemoteHosts.Until(() => !inbox.IsEmpty, "what it says for itself is heard");
        Assert.Equal(["true"], inbox);
        Assert.Equal(before + 3, WireCounters.ForgedSenders.Value);
        await RemoteHosts.Until(() => warnings.Count == 3, "each name is said once");
        Assert.Contains($"in the name of {own.WithPort(1)}", warnings.First(),
            StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _hosts.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private ActorSystem Start(string certificate, string name, string role) => _hosts.Start(
        _authority.Settings(certificate) + $$"""

        akka.remote.dot-netty.tcp.ssl {
          peer-name-role-prefix = "host-"
          granted-roles = [voter, gateway]
        }
        akka.cluster.roles = ["{{name}}", "{{role}}"]
        """);

    private static void Join(ActorSystem system, ActorSystem through) =>
        Cluster.Get(system).Join(Cluster.Get(through).SelfAddress);
}
