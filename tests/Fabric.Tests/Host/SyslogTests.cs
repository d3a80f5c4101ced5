using System.Net;
using System.Net.Sockets;
using System.Text;
using Fabric.Host;

namespace Fabric.Tests.Host;

public sealed class SyslogTests : IDisposable
{
    private readonly Socket _collector = new(
        AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
    {
        ReceiveTimeout = 10_000,
    };

    public SyslogTests() => _collector.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    [Fact]
    public void Lines_go_out_as_rfc_3164_wants_them_with_facility_and_severity()
    {
        var port = ((IPEndPoint)_collector.LocalEndPoint!).Port;
        using var log = new Vlog(
            TimeProvider.System, null, null, VlogLevel.Info,
            SyslogSocket.Open($"udp:127.0.0.1:{port}", null))
        {
            Program = "ovsdb-server",
        };
        Assert.Equal("invalid facility", log.Set("FACILITY:nosuch"));
        Assert.Null(log.Set("FACILITY:local3"));
        log.Write("bridge", VlogLevel.Warn, "words");
        log.Write("bridge", VlogLevel.Dbg, "not asked for");
        log.Write("bridge", VlogLevel.Err, "more");

        // local3 is 19; warning 4, error 3.
        Assert.Matches(
            @"^<156> \w{3} [ \d]\d [\d:]{8} \S+ ovsdb-server: ovs\|00001\|bridge\|WARN\|words$",
            Heard());
        Assert.EndsWith("|bridge|ERR|more", Heard());
    }

    [Fact]
    public void A_reader_that_was_started_anew_is_found_again()
    {
        var folder = Directory.CreateTempSubdirectory("fabric-syslog-").FullName;
        try
        {
            var path = Path.Combine(folder, "log");
            var first = Reader(path);
            using var log = new Vlog(
                TimeProvider.System, null, null, VlogLevel.Info,
                SyslogSocket.Open($"unix:{path}", null));
            log.Write("bridge", VlogLevel.Warn, "one");
            Assert.EndsWith("|one", Heard(first));
            first.Dispose();
            File.Delete(path);
            log.Write("bridge", VlogLevel.Warn, "lost");

            using var second = Reader(path);
            log.Write("bridge", VlogLevel.Warn, "two");

            Assert.EndsWith("|two", Heard(second));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("udp:nowhere")]
    [InlineData("unix:/nowhere/log")]
    [InlineData("smoke")]
    public void Where_no_log_can_be_reached_there_is_none(string method) =>
        Assert.Null(SyslogSocket.Open(method, null));

    private static Socket Reader(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = 10_000,
        };
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private string Heard() => Heard(_collector);

    private static string Heard(Socket collector)
    {
        var buffer = new byte[2048];
        return Encoding.UTF8.GetString(buffer, 0, collector.Receive(buffer));
    }

    public void Dispose() => _collector.Dispose();
}
