using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>One network device as rtnetlink(7) lists it.</summary>
/// <param name="Peer">Interface index of the other end of a veth pair in this namespace.</param>
/// <param name="ForeignPeer">The same in another namespace, and that one's number here.</param>
/// <param name="Queueing">Name of the queueing discipline, as "noqueue".</param>
internal sealed record LinkState(
    int Index, string Name, uint Flags, int Mtu, MacBytes Mac, int Peer, string Kind,
    PortStatistics Statistics)
{
    public (int Index, int Namespace)? ForeignPeer { get; init; }
    public string Queueing { get; init; } = "";

    public bool IsLoopback => (Flags & 8) != 0;
    public bool IsUp => (Flags & 1) != 0;
    public bool IsRunning => (Flags & 0x40) != 0;
}

/// <param name="Source">Preferred source address, if the route names one.</param>
internal sealed record Route(
    int Device, IPAddress? Gateway, IPAddress? Source, int Mtu, bool IsLocal);

/// <summary>Requests to the kernel's routing socket, one at a time.</summary>
/// <remarks>
/// The socket is opened once and stays in the network namespace of whoever made it, whichever
/// thread asks later.
/// </remarks>
internal sealed unsafe class RouteSocket : IDisposable
{
    private const ushort GetLink = 18, NewLink = 16, DeleteLink = 17;
    private const ushort GetAddress = 22, NewAddress = 20, GetRoute = 26, NewRoute = 24;
    private const ushort Request = 1, Acknowledge = 4, Create = 0x400, Exclusive = 0x200;
    private const ushort DumpAll = 0x300;
    private const int BufferSize = 1 << 16;

    private readonly Lock _lock = new();
    private readonly int _socket;
    private readonly byte[] _buffer = new byte[BufferSize];
    private uint _sequence;

    private RouteSocket(int socket) => _socket = socket;

    public static RouteSocket? TryOpen(out string error)
    {
        var socket = Libc.Socket(
            LinuxNumbers.FamilyNetlink, LinuxNumbers.SocketRaw | LinuxNumbers.SocketCloseOnExec, 0);
        error = socket < 0 ? Libc.LastErrorText() : "";
        return socket < 0 ? null : new RouteSocket(socket);
    }

    /// <summary>All devices of the namespace.</summary>
    public ImmutableArray<LinkState> Links()
    {
        var links = ImmutableArray.CreateBuilder<LinkState>();
        Ask(GetLink, DumpAll, new byte[16], message =>
        {
            if (message.Type == NewLink && ReadLink(message.Payload) is { } link) links.Add(link);
        });
        return links.ToImmutable();
    }

    /// <param name="space">Number of another namespace; null: this one.</param>
    public LinkState? FindLink(int index, int? space = null)
    {
        const ushort TargetNamespace = 46;

        LinkState? found = null;
        var request = new byte[space is null ? 16 : 16 + 8];
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(4), index);
        if (space is { } number)
        {
            WriteAttribute(
                request.AsSpan(16), TargetNamespace, BitConverter.GetBytes(number));
        }

        Ask(GetLink, 0, request, message =>
        {
            if (message.Type == NewLink) found = ReadLink(message.Payload);
        });
        return found;
    }

    /// <summary>All addresses of the namespace.</summary>
    public ImmutableArray<IPAddress> Addresses()
    {
        var addresses = ImmutableArray.CreateBuilder<IPAddress>();
        Ask(GetAddress, DumpAll, new byte[8], message =>
        {
            if (message.Type != NewAddress || message.Payload.Length < 8) return;
            IPAddress? local = null, any = null;
            var rest = message.Payload[8..];
            while (NetlinkAttribute.TryParse(rest, out var attribute, out rest))
            {
                if (attribute.Value.Length is not (4 or 16)) continue;
                if (attribute.Type == 2) local = new IPAddress(attribute.Value);
                else if (attribute.Type == 1) any = new IPAddress(attribute.Value);
            }

            if ((local ?? any) is { } address) addresses.Add(address);
        });
        return addresses.ToImmutable();
    }

    /// <summary>
    /// Has the kernel ask a neighbour that it knows whether it is still there, without doubting it
    /// meanwhile. Static neighbours are left alone.
    /// </summary>
    public void Probe(int device, IPAddress address)
    {
        const ushort NewNeighbour = 28, GetNeighbour = 30, Replace = 0x100;
        const ushort Reachable = 2, Stale = 4, Probing = 16;
        const int StateAt = 8;

        var bytes = address.GetAddressBytes();
        var request = new byte[12 + NetlinkAttribute.Align(4 + bytes.Length)];
        request[0] = (byte)(bytes.Length == 4 ? LinuxNumbers.FamilyInet : LinuxNumbers.FamilyInet6);
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(4), device);
        WriteAttribute(request.AsSpan(12), 1, bytes);
        ushort state = 0;
        Ask(GetNeighbour, 0, request, message =>
        {
            if (message.Type == NewNeighbour && message.Payload.Length >= 12)
            {
                state = BinaryPrimitives.ReadUInt16LittleEndian(message.Payload[StateAt..]);
            }
        });
        if (state is not (Reachable or Stale)) return;
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(StateAt), Probing);
        TryChange(NewNeighbour, Replace, request, out _);
    }

    /// <summary>The route to an address; null when there is none.</summary>
    public Route? FindRoute(IPAddress destination)
    {
        var bytes = destination.GetAddressBytes();
        var request = new byte[12 + NetlinkAttribute.Align(4 + bytes.Length)];
        request[0] = (byte)(bytes.Length == 4 ? LinuxNumbers.FamilyInet : LinuxNumbers.FamilyInet6);
        request[1] = (byte)(bytes.Length * 8);
        WriteAttribute(request.AsSpan(12), 1, bytes);
        Route? route = null;
        Ask(GetRoute, 0, request, message =>
        {
            if (message.Type == NewRoute) route = ReadRoute(message.Payload);
        });
        if (route is null || FindLink(route.Device) is not { } link) return null;
        return route with { Mtu = route.Mtu == 0 ? link.Mtu : Math.Min(route.Mtu, link.Mtu) };
    }

    /// <summary>
    /// Makes two devices that are each other's far end, without IPv6 of their own.
    /// </summary>
    public bool TryAddPair(string name, string peer, MacBytes? mac, out string error) =>
        TryAddPair(name, peer, mac, hasIpv6: true, out error)
        // Where IPv6 is switched off there is nothing to tell it.
        || TryAddPair(name, peer, mac, hasIpv6: false, out error);

    private bool TryAddPair(
        string name, string peer, MacBytes? mac, bool hasIpv6, out string error)
    {
        using var bytes = new MemoryStream();
        bytes.Write(new byte[16]);
        Append(bytes, 3, Text(name));
        if (mac is { } address)
        {
            var macBytes = new byte[MacBytes.Size];
            address.CopyTo(macBytes);
            Append(bytes, 1, macBytes);
        }

        using var far = new MemoryStream();
        far.Write(new byte[16]);
        Append(far, 3, Text(peer));
        // No link-local address on the hidden end.
        if (hasIpv6) Append(far, 26, Nested(10, Nested(8, [1])));
        var data = Nested(1, far.ToArray());
        using var info = new MemoryStream();
        Append(info, 1, Text("veth"));
        Append(info, 2, data);
        Append(bytes, 18, info.ToArray());
        return TryChange(NewLink, Create | Exclusive, bytes.ToArray(), out error);
    }

    public bool TryDelete(int index, out string error)
    {
        var request = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(4), index);
        return TryChange(DeleteLink, 0, request, out error);
    }

    /// <summary>Sets flags and clears others: 1 up, 0x100 promiscuous.</summary>
    public bool TrySetFlags(int index, uint flags, uint which)
    {
        var request = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(4), index);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(8), flags);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(12), which);
        return TryChange(NewLink, 0, request, out _);
    }

    public bool TrySetMtu(int index, int mtu)
    {
        var request = new byte[16 + 8];
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(4), index);
        WriteAttribute(request.AsSpan(16), 4, BitConverter.GetBytes(mtu));
        return TryChange(NewLink, 0, request, out _);
    }

    public bool TrySetMac(int index, MacBytes mac)
    {
        var request = new byte[16 + 12];
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(4), index);
        var bytes = new byte[MacBytes.Size];
        mac.CopyTo(bytes);
        WriteAttribute(request.AsSpan(16), 1, bytes);
        return TryChange(NewLink, 0, request, out _);
    }

    private delegate void Reader(NetlinkMessage message);

    private bool TryChange(ushort type, ushort flags, byte[] payload, out string error)
    {
        var code = Ask(type, (ushort)(flags | Acknowledge), payload, _ => { });
        error = code == 0
            ? ""
            : System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(code);
        return code == 0;
    }

    /// <summary>Sends a request and reads all of its answers; 0 or an errno.</summary>
    private int Ask(ushort type, ushort flags, byte[] payload, Reader read)
    {
        lock (_lock)
        {
            var sequence = ++_sequence;
            var request = new byte[NetlinkMessage.HeaderSize + payload.Length];
            BinaryPrimitives.WriteUInt32LittleEndian(request, (uint)request.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(4), type);
            BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(6), (ushort)(flags | Request));
            BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(8), sequence);
            payload.CopyTo(request, NetlinkMessage.HeaderSize);
            fixed (byte* bytes = request)
            {
                if (Libc.SendBytes(_socket, bytes, (nuint)request.Length, 0) < 0)
                {
                    return Libc.LastError;
                }
            }

            var isMany = (flags & DumpAll) != 0 || (flags & Acknowledge) != 0;
            while (true)
            {
                var result = ReadAnswer(sequence, read, out var isDone, out var isAnswer);
                if (result != 0 || isDone || (isAnswer && !isMany)) return result;
            }
        }
    }

    /// <param name="isAnswer">False: rests of what an earlier request did not read.</param>
    private int ReadAnswer(uint sequence, Reader read, out bool isDone, out bool isAnswer)
    {
        const ushort Error = 2, Done = 3;

        isDone = isAnswer = false;
        nint size;
        fixed (byte* bytes = _buffer)
        {
            size = Libc.ReceiveBytes(_socket, bytes, BufferSize, 0);
        }

        if (size <= 0) return Math.Max(1, Libc.LastError);
        ReadOnlySpan<byte> datagram = _buffer.AsSpan(0, (int)size);
        while (NetlinkMessage.TryParse(datagram, out var message, out datagram))
        {
            if (message.Sequence != sequence) continue;
            isAnswer = true;
            if (message.Type == Done) isDone = true;
            else if (message.Type == Error)
            {
                isDone = true;
                return message.Payload.Length < 4
                    ? 1
                    : -BinaryPrimitives.ReadInt32LittleEndian(message.Payload);
            }
            else read(message);
        }

        return 0;
    }

    private static LinkState? ReadLink(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 16) return null;
        var index = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]);
        string name = "", kind = "";
        int mtu = 0, peer = 0;
        MacBytes mac = default;
        int? space = null;
        var queueing = "";
        var statistics = new PortStatistics(0, 0, 0, 0, 0, 0, 0, 0);
        var rest = payload[16..];
        while (NetlinkAttribute.TryParse(rest, out var attribute, out rest))
        {
            var value = attribute.Value;
            switch (attribute.Type)
            {
                case 1 when value.Length >= MacBytes.Size: mac = MacBytes.From(value); break;
                case 3: name = Encoding.UTF8.GetString(value.TrimEnd((byte)0)); break;
                case 4 when value.Length >= 4: mtu = BitConverter.ToInt32(value); break;
                case 5 when value.Length >= 4: peer = BitConverter.ToInt32(value); break;
                case 6: queueing = Encoding.UTF8.GetString(value.TrimEnd((byte)0)); break;
                case 18: kind = KindOf(value); break;
                case 23 when value.Length >= 64: statistics = ReadStatistics(value); break;
                case 37 when value.Length >= 4: space = BitConverter.ToInt32(value); break;
            }
        }

        return new LinkState(
            index, name, flags, mtu, mac, space is null ? peer : 0, kind, statistics)
        {
            ForeignPeer = space is { } number ? (peer, number) : null,
            Queueing = queueing,
        };
    }

    private static string KindOf(ReadOnlySpan<byte> info)
    {
        while (NetlinkAttribute.TryParse(info, out var attribute, out info))
        {
            if (attribute.Type == 1)
            {
                return Encoding.UTF8.GetString(attribute.Value.TrimEnd((byte)0));
            }
        }

        return "";
    }

    /// <summary>struct rtnl_link_stats64.</summary>
    private static PortStatistics ReadStatistics(ReadOnlySpan<byte> value)
    {
        Span<ulong> counts = stackalloc ulong[8];
        for (var i = 0; i < counts.Length; i++)
        {
            counts[i] = BinaryPrimitives.ReadUInt64LittleEndian(value[(i * 8)..]);
        }

        return new PortStatistics(
            counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6],
            counts[7]);
    }

    private static Route? ReadRoute(ReadOnlySpan<byte> payload)
    {
        const byte Local = 2, Unicast = 1;

        if (payload.Length < 12 || payload[7] is not (Unicast or Local)) return null;
        var device = 0;
        var mtu = 0;
        IPAddress? gateway = null, source = null;
        var rest = payload[12..];
        while (NetlinkAttribute.TryParse(rest, out var attribute, out rest))
        {
            var value = attribute.Value;
            switch (attribute.Type)
            {
                case 4 when value.Length >= 4: device = BitConverter.ToInt32(value); break;
                case 5 when value.Length is 4 or 16: gateway = new IPAddress(value); break;
                case 7 when value.Length is 4 or 16: source = new IPAddress(value); break;
                case 8: mtu = ReadMetricMtu(value); break;
            }
        }

        return device == 0
            ? null
            : new Route(device, gateway, source, mtu, payload[7] == Local);
    }

    private static int ReadMetricMtu(ReadOnlySpan<byte> metrics)
    {
        while (NetlinkAttribute.TryParse(metrics, out var attribute, out metrics))
        {
            if (attribute.Type == 2 && attribute.Value.Length >= 4)
            {
                return BitConverter.ToInt32(attribute.Value);
            }
        }

        return 0;
    }

    private static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    private static byte[] Nested(ushort type, byte[] value)
    {
        using var bytes = new MemoryStream();
        Append(bytes, type, value);
        return bytes.ToArray();
    }

    private static void Append(MemoryStream bytes, ushort type, byte[] value)
    {
        var attribute = new byte[NetlinkAttribute.Align(4 + value.Length)];
        WriteAttribute(attribute, type, value);
        bytes.Write(attribute);
    }

    private static void WriteAttribute(Span<byte> to, ushort type, ReadOnlySpan<byte> value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], type);
        value.CopyTo(to[4..]);
    }

    public void Dispose() => Libc.Close(_socket);
}
