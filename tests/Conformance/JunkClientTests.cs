using System.Net.Sockets;
using System.Text;

namespace Fabric.Conformance;

/// <summary>Clients that speak nonsense are turned away; the others do not notice.</summary>
public sealed class JunkClientTests(OneHost host) : IClassFixture<OneHost>
{
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(5);

    private static readonly string[] Sockets =
        ["db.sock", "ovnnb_db.sock", "fabric.sock", "br-int.mgmt"];

    private static readonly Dictionary<string, string> Frames = new()
    {
        ["unbalanced"] = Hex("""{"id":0,"method":"echo","params":["""),
        ["too deep"] = Hex(new string('[', 100_000)),
        ["not json"] = Hex("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ["not a request"] = Hex("""{"id":0,"method":5,"params":{}}[1,2]nulltrue"""),
        ["not text"] = "00ff80fe0001c0af",
        ["openflow too short"] = "0400000700000001",
        ["openflow of no version"] = "63000008000000010463ffff",
        ["openflow cut"] = "0400000800000001" + "040effff00000002" + "00",
    };

    public static TheoryData<string, string> Junk()
    {
        var data = new TheoryData<string, string>();
        foreach (var socket in Sockets)
        {
            foreach (var name in Frames.Keys) data.Add(socket, name);
        }

        return data;
    }

    private static string Hex(string text) => Convert.ToHexString(Encoding.UTF8.GetBytes(text));

    [Theory]
    [MemberData(nameof(Junk))]
    public async Task A_client_that_sends_junk_harms_nobody(string socketName, string junk)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, 0);
        await socket.ConnectAsync(
            new UnixDomainSocketEndPoint(Path.Combine(host.Node.RunFolder, socketName)));
        try
        {
            await socket.SendAsync(Convert.FromHexString(Frames[junk]));
            socket.Shutdown(SocketShutdown.Send);
            using var limit = new CancellationTokenSource(AnswerPatience);
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, SocketFlags.None, limit.Token) > 0)
            {
                // Whatever it answers (OpenFlow says hello first); the end must come.
            }
        }
        catch (SocketException)
        {
            // Hung up on at once: as good an answer as any.
        }

        Assert.True(host.Node.IsRunning);
        await host.SaysAsync("ovs-vsctl br-exists br-int");
        await host.SaysAsync("ovn-nbctl show");
        await host.SaysAsync("ovs-ofctl dump-desc br-int");
        await host.SaysAsync("fabric cluster show");
    }
}
