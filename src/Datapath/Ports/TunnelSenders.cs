using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The sending sockets of one tunnel port, opened when they are first needed.</summary>
/// <remarks>
/// "Don't fragment" and checksum are properties of sockets, and so is the source port of UDP: each
/// combination has <see cref="PortCount"/> sockets among which the inner flow's hash chooses, so
/// that the underlay and receivers spread flows while each stays in order.
/// </remarks>
internal sealed class TunnelSenders(TunnelPortSpec tunnel) : IDisposable
{
    /// <summary>Outer source ports for each combination, address family and tunnel port.</summary>
    public const int PortCount = 16;

    private const int KindCount = 8;

    // Zero: not opened yet.
    private readonly int[] _sockets = new int[KindCount * PortCount];
    private readonly Lock _opening = new();
    private readonly bool _isRaw = TunnelSockets.IsRaw(tunnel);
    private bool _isDisposed;

    /// <summary>The socket for this outer header; negative when the host has none such.</summary>
    /// <param name="isSuper">
    /// The kernel shall cut what is sent, which it does only where it may fill in checksums:
    /// such packets carry one even if the header does not ask for it (RFC 7348 and 8926 let
    /// receivers take them).
    /// </param>
    public int SocketFor(TunnelMetadata outer, uint hash, bool isSuper)
    {
        var isIpv6 = outer.Destination.AddressFamily == AddressFamily.InterNetworkV6;
        var isUnfragmented = (outer.Flags & TunnelFlags.DontFragment) != 0;
        var hasChecksum = isSuper || (outer.Flags & TunnelFlags.Checksum) != 0;
        var kind = (isUnfragmented ? 1 : 0) | (hasChecksum ? 2 : 0) | (isIpv6 ? 4 : 0);
        var index = (kind * PortCount) + (_isRaw ? 0 : (int)(hash % PortCount));
        var socket = Volatile.Read(ref _sockets[index]);
        return socket != 0 ? socket : Open(index, isIpv6, isUnfragmented, hasChecksum);
    }

    private int Open(int index, bool isIpv6, bool isUnfragmented, bool hasChecksum)
    {
        lock (_opening)
        {
            if (_isDisposed) return -1;
            if (_sockets[index] != 0) return _sockets[index];
            var socket = TunnelSockets.OpenSender(tunnel, isIpv6, isUnfragmented, hasChecksum);
            if (socket > 0) Volatile.Write(ref _sockets[index], socket);
            return socket;
        }
    }

    public void Dispose()
    {
        lock (_opening)
        {
            _isDisposed = true;
            foreach (var socket in _sockets)
            {
                if (socket > 0) Libc.Close(socket);
            }
        }
    }
}
