using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;
using Fabric.Configuration;

namespace Fabric.Tests.Configuration;

/// <summary>The remotes of a database server, as rows come, change and go.</summary>
public sealed class ServerRemoteTests : TestKit
{
    private static readonly byte[] Echo =
        """{"method":"echo","params":[],"id":1}"""u8.ToArray();

    private readonly string _directory =
        Directory.CreateTempSubdirectory("fabric-remote-").FullName;
    private readonly IActorRef _server;

    public ServerRemoteTests() => _server = Sys.ActorOf(
        OvsdbServerActor.Props(TimeProvider.System, Guid.NewGuid));

    private OvsdbRemote Remote => OvsdbRemote.PassiveUnix(Path.Combine(_directory, "db.sock"));

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void A_remote_that_is_closed_and_opened_at_once_listens_again()
    {
        Open(new OpenRemote(Remote));
        for (var i = 0; i < 20; i++)
        {
            using var client = Connect();
            Assert.True(IsAnswered(client));

            _server.Tell(new CloseRemote(Remote.Text));
            Open(new OpenRemote(Remote));

            using var next = Connect();
            Assert.True(IsAnswered(next));
        }
    }

    [Fact]
    public void Who_opened_it_before_does_not_close_what_another_has_opened_since()
    {
        var before = CreateTestProbe();
        _server.Tell(new OpenRemote(Remote), before.Ref);
        before.FishForMessage(message => message is RemoteOpened);
        Open(new OpenRemote(Remote));
        using var client = Connect();
        Assert.True(IsAnswered(client));

        _server.Tell(new CloseRemote(Remote.Text), before.Ref);

        Open(new OpenRemote(Remote)); // By now it would be closed.
        Assert.True(IsAnswered(client));
        _server.Tell(new CloseRemote(Remote.Text), TestActor);
        Assert.Equal(0, client.Receive(new byte[1]));
    }

    [Fact]
    public void Another_probe_interval_disconnects_nobody()
    {
        Open(new OpenRemote(Remote));
        using var client = Connect();
        Assert.True(IsAnswered(client));

        Open(new OpenRemote(Remote) { ProbeInterval = TimeSpan.FromSeconds(30) });

        Assert.True(IsAnswered(client));
    }

    [Fact]
    public void A_client_whose_role_changes_starts_over()
    {
        Open(new OpenRemote(Remote));
        using var client = Connect();
        Assert.True(IsAnswered(client));

        Open(new OpenRemote(Remote) { Role = "ovn-controller" });

        Assert.Equal(0, client.Receive(new byte[1]));
    }

    [Fact]
    public void A_client_that_never_shakes_hands_is_cut_off_without_an_error()
    {
        var errors = CreateTestProbe();
        Sys.EventStream.Subscribe(errors.Ref, typeof(Error));
        Assert.True(OvsdbRemote.TryParse("pssl:0:127.0.0.1", out var remote));
        using var certificate = NewCertificate();
        var port = Open(new OpenRemote(remote)
        {
            ProbeInterval = TimeSpan.FromMilliseconds(50),
            Tls = new TlsSource { Current = new TlsIdentity(certificate, []) },
        });
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        client.Connect(IPAddress.Loopback, port);
        client.ReceiveTimeout = 20_000;

        Assert.Equal(0, client.Receive(new byte[1]));
        FishForMessage(message => message is RemoteStatus { SessionCount: 0 });
        errors.Ref.Tell("nothing before");
        errors.ExpectMsg("nothing before");
    }

    /// <returns>The TCP port.</returns>
    private int Open(OpenRemote open)
    {
        _server.Tell(open);
        var answer = FishForMessage(
            message => message is RemoteOpened or RemoteFailed, TimeSpan.FromSeconds(20));
        return Assert.IsType<RemoteOpened>(answer).Port;
    }

    private Socket Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = 20_000,
        };
        client.Connect(new UnixDomainSocketEndPoint(Remote.Path));
        return client;
    }

    private static bool IsAnswered(Socket client)
    {
        client.Send(Echo);
        var answer = new byte[256];
        var size = client.Receive(answer);
        return Encoding.UTF8.GetString(answer, 0, size)
            .Contains("\"id\":1", StringComparison.Ordinal);
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=server", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
    }
}
