using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Fabric.Datapath;

/// <summary>What the host's routing says of the way to a tunnel's remote address.</summary>
internal sealed record OuterPath(IPAddress Source, int Mtu, long Deadline);

/// <summary>Asks the kernel for source address and path MTU; remembers both a while.</summary>
internal sealed class OuterPaths
{
    private const int KeptMilliseconds = 1000;
    private const int PathsMax = 4096;

    private readonly ConcurrentDictionary<(IPAddress Remote, IPAddress Local), OuterPath> _known =
        new();

    /// <summary>Null when there is no route. The calling thread's namespace is asked.</summary>
    public OuterPath? Find(IPAddress remote, IPAddress local, long nowMilliseconds)
    {
        if (_known.TryGetValue((remote, local), out var path) && path.Deadline > nowMilliseconds)
        {
            return path;
        }

        var fresh = Ask(remote, local, nowMilliseconds + KeptMilliseconds);
        if (fresh is null) return null;
        if (_known.Count >= PathsMax) _known.Clear();
        _known[(remote, local)] = fresh;
        return fresh;
    }

    private static OuterPath? Ask(IPAddress remote, IPAddress local, long deadline)
    {
        var isIpv6 = remote.AddressFamily == AddressFamily.InterNetworkV6;
        try
        {
            using var socket = new Socket(
                remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            if (local.AddressFamily == remote.AddressFamily
                && !local.Equals(IPAddress.Any) && !local.Equals(IPAddress.IPv6Any))
            {
                socket.Bind(new IPEndPoint(local, 0));
            }

            socket.Connect(new IPEndPoint(remote, 9));
            Span<byte> mtu = stackalloc byte[4];
            // IP_MTU, IPV6_MTU: of the route to where the socket is connected.
            socket.GetRawSocketOption(isIpv6 ? 41 : 0, isIpv6 ? 24 : 14, mtu);
            return new OuterPath(
                ((IPEndPoint)socket.LocalEndPoint!).Address,
                BinaryPrimitives.ReadInt32LittleEndian(mtu), deadline);
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
