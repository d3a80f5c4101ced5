using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>Sockets and addresses of tunnels: ip(7), ipv6(7), udp(7).</summary>
internal static unsafe class TunnelSockets
{
    private const int LevelIp = 0;
    private const int LevelIpv6 = 41;
    private const int IpTos = 1;
    private const int IpTtl = 2;
    private const int IpPacketInfo = 8;
    private const int IpMtuDiscover = 10;
    private const int IpReceiveTtl = 12;
    private const int IpReceiveTos = 13;
    private const int Ipv6MtuDiscover = 23;
    private const int Ipv6Checksum = 7;
    private const int Ipv6Only = 26;
    private const int Ipv6ReceivePacketInfo = 49;
    private const int Ipv6PacketInfo = 50;
    private const int Ipv6ReceiveHopLimit = 51;
    private const int Ipv6HopLimit = 52;
    private const int Ipv6ReceiveTrafficClass = 66;
    private const int Ipv6TrafficClass = 67;
    private const int MtuDiscoverNever = 0;
    private const int MtuDiscoverProbe = 3; // "Don't fragment" without keeping a path MTU.
    private const int SocketMark = 36;
    private const int LevelUdp = 17;
    private const int UdpNoCheckTransmit = 101;
    private const int UdpNoCheckReceive = 102;
    private const int UdpSegment = 103;
    private const int UdpReceiveOffload = 104;
    private const int BufferSize = 8 << 20;

    /// <summary>Where a packet goes, where it comes from, and how: for one message.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 192)]
    public struct OuterAddress
    {
        public fixed byte Name[32];
        public fixed byte Control[160];
    }

    /// <summary>The kernel shall cut the message into datagrams of 'size' bytes.</summary>
    public static void AddSegmentSize(
        OuterAddress* outer, ref Libc.MessageHeader message, ushort size)
    {
        var control = outer->Control + message.ControlSize;
        *(ulong*)(control + 16) = 0;
        *(ushort*)Begin(control, LevelUdp, UdpSegment, sizeof(ushort)) = size;
        message.Control = outer->Control;
        message.ControlSize += 24;
    }

    /// <returns>Negative when the host has no such family.</returns>
    public static int OpenSender(
        TunnelPortSpec tunnel, bool isIpv6, bool isUnfragmented, bool hasChecksum)
    {
        var socket = Open(isIpv6, tunnel);
        if (socket < 0) return socket;
        if (isIpv6 && tunnel.Kind == TunnelKind.Stt)
        {
            // The kernel fills in TCP's checksum.
            Libc.SetOption(socket, LevelIpv6, Ipv6Checksum, 16);
        }

        var discover = isUnfragmented ? MtuDiscoverProbe : MtuDiscoverNever;
        if (isIpv6)
        {
            Libc.SetOption(socket, LevelIpv6, Ipv6MtuDiscover, discover);
            if (!hasChecksum) Libc.SetOption(socket, LevelUdp, UdpNoCheckTransmit, 1);
        }
        else
        {
            Libc.SetOption(socket, LevelIp, IpMtuDiscover, discover);
            if (!hasChecksum)
            {
                Libc.SetOption(socket, LinuxNumbers.LevelSocket, LinuxNumbers.NoCheck, 1);
            }
        }

        return socket;
    }

    public static int OpenReceiver(bool isIpv6, TunnelPortSpec tunnel)
    {
        var socket = Open(isIpv6, tunnel);
        if (socket < 0) return socket;
        if (tunnel.Kind == TunnelKind.Stt) SttSockets.Filter(socket, isIpv6, tunnel);
        if (isIpv6)
        {
            Libc.SetOption(socket, LevelIpv6, Ipv6Only, 1);
            Libc.SetOption(socket, LevelIpv6, Ipv6ReceivePacketInfo, 1);
            Libc.SetOption(socket, LevelIpv6, Ipv6ReceiveHopLimit, 1);
            Libc.SetOption(socket, LevelIpv6, Ipv6ReceiveTrafficClass, 1);
            Libc.SetOption(socket, LevelUdp, UdpNoCheckReceive, 1);
        }
        else
        {
            Libc.SetOption(socket, LevelIp, IpPacketInfo, 1);
            Libc.SetOption(socket, LevelIp, IpReceiveTtl, 1);
            Libc.SetOption(socket, LevelIp, IpReceiveTos, 1);
        }

        Libc.SetOption(socket, LevelUdp, UdpReceiveOffload, 1);

        // struct sockaddr_in or sockaddr_in6, any address.
        var address = stackalloc byte[28];
        new Span<byte>(address, 28).Clear();
        *(ushort*)address = (ushort)(isIpv6 ? LinuxNumbers.FamilyInet6 : LinuxNumbers.FamilyInet);
        *(ushort*)(address + 2) = BinaryPrimitives.ReverseEndianness(
            IsRaw(tunnel) ? (ushort)0 : tunnel.DestinationPort);
        if (Libc.Bind(socket, address, isIpv6 ? 28 : 16) == 0) return socket;
        var error = Libc.LastError;
        Libc.Close(socket);
        Marshal.SetLastPInvokeError(error);
        return -1;
    }

    /// <summary>Fills in remote and local address, TTL, TOS and mark of one message.</summary>
    public static void Address(
        TunnelMetadata tunnel, ushort port, uint mark, OuterAddress* outer,
        ref Libc.MessageHeader message)
    {
        var isIpv6 = tunnel.Destination.AddressFamily == AddressFamily.InterNetworkV6;
        var name = outer->Name;
        new Span<byte>(name, 32).Clear();
        *(ushort*)(name + 2) = BinaryPrimitives.ReverseEndianness(
            tunnel.PortDestination != 0 ? tunnel.PortDestination : port);
        message.Name = name;
        byte* end;
        if (isIpv6)
        {
            *(ushort*)name = LinuxNumbers.FamilyInet6;
            tunnel.Destination.TryWriteBytes(new Span<byte>(name + 8, 16), out _);
            *(int*)(name + 24) = (int)tunnel.Destination.ScopeId;
            message.NameSize = 28;
            end = Control6(tunnel, outer->Control);
        }
        else
        {
            *(ushort*)name = LinuxNumbers.FamilyInet;
            tunnel.Destination.TryWriteBytes(new Span<byte>(name + 4, 4), out _);
            message.NameSize = 16;
            end = Control4(tunnel, outer->Control);
        }

        if (mark != 0) end = Number(end, LinuxNumbers.LevelSocket, SocketMark, (int)mark);
        var size = (nuint)(end - outer->Control);
        message.Control = size > 0 ? outer->Control : null;
        message.ControlSize = size;
    }

    private static byte* Control4(TunnelMetadata tunnel, byte* control)
    {
        if (!tunnel.Source.Equals(System.Net.IPAddress.Any)
            && tunnel.Source.AddressFamily == AddressFamily.InterNetwork)
        {
            // struct in_pktinfo: interface, local address, header destination.
            var info = Begin(control, LevelIp, IpPacketInfo, 12);
            *(int*)info = 0;
            *(int*)(info + 8) = 0;
            tunnel.Source.TryWriteBytes(new Span<byte>(info + 4, 4), out _);
            control += 32;
        }

        if (tunnel.Ttl != 0) control = Number(control, LevelIp, IpTtl, tunnel.Ttl);
        if (tunnel.Tos != 0) control = Number(control, LevelIp, IpTos, tunnel.Tos);
        return control;
    }

    private static byte* Control6(TunnelMetadata tunnel, byte* control)
    {
        if (!tunnel.Source.Equals(System.Net.IPAddress.IPv6Any)
            && tunnel.Source.AddressFamily == AddressFamily.InterNetworkV6)
        {
            // struct in6_pktinfo: local address, interface.
            var info = Begin(control, LevelIpv6, Ipv6PacketInfo, 20);
            tunnel.Source.TryWriteBytes(new Span<byte>(info, 16), out _);
            *(int*)(info + 16) = 0;
            control += 40;
        }

        if (tunnel.Ttl != 0) control = Number(control, LevelIpv6, Ipv6HopLimit, tunnel.Ttl);
        if (tunnel.Tos != 0) control = Number(control, LevelIpv6, Ipv6TrafficClass, tunnel.Tos);
        return control;
    }

    private static byte* Number(byte* control, int level, int type, int value)
    {
        *(int*)Begin(control, level, type, sizeof(int)) = value;
        *(int*)(control + 20) = 0;
        return control + 24;
    }

    /// <summary>struct cmsghdr; returns where its data begins.</summary>
    private static byte* Begin(byte* control, int level, int type, int size)
    {
        *(nuint*)control = (nuint)(16 + size);
        *(int*)(control + 8) = level;
        *(int*)(control + 12) = type;
        return control + 16;
    }

    /// <summary>
    /// GRE and ERSPAN have an IP protocol of their own; STT looks like TCP but is not.
    /// </summary>
    public static bool IsRaw(TunnelPortSpec tunnel) =>
        tunnel.Kind is TunnelKind.Gre or TunnelKind.Ip6Gre or TunnelKind.Erspan
            or TunnelKind.Stt;

    private static int Open(bool isIpv6, TunnelPortSpec tunnel)
    {
        var isRaw = IsRaw(tunnel);
        var protocol = tunnel.Kind == TunnelKind.Stt
            ? Fabric.Wire.IpProtocol.Tcp
            : Fabric.Wire.IpProtocol.Gre;
        var socket = Libc.Socket(
            isIpv6 ? LinuxNumbers.FamilyInet6 : LinuxNumbers.FamilyInet,
            (isRaw ? LinuxNumbers.SocketRaw : LinuxNumbers.SocketDatagram)
                | LinuxNumbers.SocketNonBlocking | LinuxNumbers.SocketCloseOnExec,
            isRaw ? protocol : 0);
        if (socket < 0) return socket;
        Libc.SetOption(
            socket, LinuxNumbers.LevelSocket, LinuxNumbers.ReceiveBufferForce, BufferSize);
        Libc.SetOption(
            socket, LinuxNumbers.LevelSocket, LinuxNumbers.SendBufferForce, BufferSize);
        return socket;
    }
}
