using System.Net;
using System.Net.Sockets;

namespace Fabric.Observability;

/// <summary>The collectors of one exporter: datagrams go to each of them.</summary>
internal sealed class UdpCollectors : IDisposable
{
    private readonly List<IPEndPoint> _targets = [];
    private readonly Socket _socket = new(
        AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp)
    {
        DualMode = true, Blocking = false,
    };

    /// <param name="targets">
    /// "192.0.2.1:6343", "[2001:db8::1]:6343"; the port may be left out. Others are left out.
    /// </param>
    public UdpCollectors(IEnumerable<string> targets, int portDefault)
    {
        foreach (var target in targets)
        {
            if (!IPEndPoint.TryParse(target, out var parsed)) continue;
            var address = parsed.AddressFamily == AddressFamily.InterNetwork
                ? parsed.Address.MapToIPv6() : parsed.Address;
            _targets.Add(new IPEndPoint(address, parsed.Port == 0 ? portDefault : parsed.Port));
        }
    }

    /// <summary>Our address on the way to the first collector.</summary>
    public IPAddress LocalAddress()
    {
        if (_targets.Count == 0) return IPAddress.Any;
        try
        {
            using var probe = new Socket(
                AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp)
            {
                DualMode = true,
            };
            probe.Connect(_targets[0]);
            var local = ((IPEndPoint)probe.LocalEndPoint!).Address;
            return local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local;
        }
        catch (SocketException)
        {
            return IPAddress.Any;
        }
    }

    public void Send(ReadOnlyMemory<byte> datagram)
    {
        foreach (var target in _targets)
        {
            try
            {
                _socket.SendTo(datagram.Span, SocketFlags.None, target);
            }
            catch (SocketException)
            {
                // A collector that is not there must not disturb the others.
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
