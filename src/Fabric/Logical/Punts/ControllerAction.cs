using System.Buffers.Binary;
using System.Text;

namespace Fabric.Logical;

/// <summary>What a flow asks this host's control plane to do with a packet.</summary>
internal enum ControllerOpcode : uint
{
    /// <summary>Resolve reg0 or xxreg0 at the output port, then send the packet on.</summary>
    Arp = 0,
    /// <summary>Remember arp.spa and arp.sha, or ND's, at the input port.</summary>
    PutNeighbor = 1,
    PutDhcpOptions = 2,
    DnsLookup = 3,
    /// <summary>Answer a neighbor solicitation with the MAC in the userdata.</summary>
    NdAdvert = 4,
    Log = 7,
    PutDhcpv6Options = 8,
    /// <summary>TCP RST, ICMP unreachable: towards the sender.</summary>
    Reject = 12,
    /// <summary>ICMP error of the type and code in the userdata, from the address in it.</summary>
    IcmpError = 14,
    RouterAdvert = 16,
    /// <summary>The sender answers for the virtual port of the key in the userdata.</summary>
    BindVirtual = 17,
    /// <summary>What a backend answers to a probe.</summary>
    ServiceAnswer = 18,
    /// <summary>IGMP and MLD: learn who is a member, then send it on.</summary>
    Membership = 19,
    /// <summary>BFD of a route's next hop, to the input port's own address.</summary>
    RouteBfd = 20,
    /// <summary>Remember eth.src at the input port.</summary>
    PutStation = 21,
    /// <summary>A DHCPv6 server answers a router that asks for prefixes.</summary>
    PrefixServer = 22,
}

/// <summary>Where a packet was refused: decides how the answer goes back.</summary>
internal enum RejectPlace : byte
{
    SwitchIngress = 0,
    SwitchEgress = 1,
    Router = 2,
}

/// <summary>
/// Userdata of controller actions: an opcode (32 bits, network order) and arguments.
/// </summary>
internal static class ControllerAction
{
    public const int OpcodeSize = 4;

    /// <summary>The controller id of these actions: no OpenFlow connection hears of them.</summary>
    public const ushort ControllerId = 0xfab0;

    public static byte[] Reject(RejectPlace place) =>
        Encode(ControllerOpcode.Reject, [(byte)place]);

    public static byte[] Arp() => Encode(ControllerOpcode.Arp, []);

    public static byte[] PutNeighbor() => Encode(ControllerOpcode.PutNeighbor, []);

    public static byte[] ServiceAnswer() => Encode(ControllerOpcode.ServiceAnswer, []);

    public static byte[] Membership() => Encode(ControllerOpcode.Membership, []);

    public static byte[] PutStation() => Encode(ControllerOpcode.PutStation, []);

    public static byte[] PrefixServer() => Encode(ControllerOpcode.PrefixServer, []);

    public static byte[] RouteBfd() => Encode(ControllerOpcode.RouteBfd, []);

    /// <summary>Argument: key of the virtual port.</summary>
    public static byte[] BindVirtual(uint port)
    {
        Span<byte> arguments = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(arguments, port);
        return Encode(ControllerOpcode.BindVirtual, arguments);
    }

    /// <summary>Arguments: MAC (6 bytes), 1 for a router.</summary>
    public static byte[] NdAdvert(ulong mac, bool isRouter)
    {
        Span<byte> arguments = stackalloc byte[9];
        BinaryPrimitives.WriteUInt64BigEndian(arguments, mac << 16);
        arguments[6] = isRouter ? (byte)1 : (byte)0;
        return Encode(ControllerOpcode.NdAdvert, arguments[..7]);
    }

    /// <summary>
    /// Arguments: type, code, MTU (4 bytes, 0 if it says none), address (4 or 16 bytes) that the
    /// error comes from.
    /// </summary>
    public static byte[] IcmpError(byte type, byte code, IpPrefix from, uint mtu = 0)
    {
        var address = from.ToAddress().GetAddressBytes();
        return Encode(
            ControllerOpcode.IcmpError,
            [
                type, code, (byte)(mtu >> 24), (byte)(mtu >> 16), (byte)(mtu >> 8), (byte)mtu,
                .. address,
            ]);
    }

    /// <summary>Arguments: 16 bytes of the DHCP_Options row, then the offered address.</summary>
    public static byte[] Dhcp(Guid options, IpPrefix offered)
    {
        var arguments = new byte[16 + (offered.IsIpv6 ? 16 : 4)];
        options.TryWriteBytes(arguments, bigEndian: true, out _);
        offered.ToAddress().GetAddressBytes().CopyTo(arguments, 16);
        var opcode = offered.IsIpv6
            ? ControllerOpcode.PutDhcpv6Options
            : ControllerOpcode.PutDhcpOptions;
        return Encode(opcode, arguments);
    }

    /// <summary>Argument: 16 bytes of the Logical_Switch row.</summary>
    public static byte[] Dns(Guid owner)
    {
        var arguments = new byte[16];
        owner.TryWriteBytes(arguments, bigEndian: true, out _);
        return Encode(ControllerOpcode.DnsLookup, arguments);
    }

    /// <summary>Argument: 16 bytes of the Logical_Router_Port row.</summary>
    public static byte[] RouterAdvert(Guid port)
    {
        var arguments = new byte[16];
        port.TryWriteBytes(arguments, bigEndian: true, out _);
        return Encode(ControllerOpcode.RouterAdvert, arguments);
    }

    /// <summary>
    /// Arguments: verdict, severity, direction, name, as text parted by zero bytes.
    /// </summary>
    public static byte[] Log(Acl acl)
    {
        var verdict = acl.Action switch
        {
            "drop" => "drop",
            "reject" => "reject",
            "pass" => "pass",
            _ => "allow",
        };
        var direction = acl.IsEgress ? "to-lport" : "from-lport";
        var text = $"{verdict}\0{acl.Severity}\0{direction}\0{acl.Name}";
        return Encode(ControllerOpcode.Log, Encoding.UTF8.GetBytes(text));
    }

    public static bool TryDecode(
        ReadOnlySpan<byte> userdata, out ControllerOpcode opcode, out byte[] arguments)
    {
        opcode = default;
        arguments = [];
        if (userdata.Length < OpcodeSize) return false;
        opcode = (ControllerOpcode)BinaryPrimitives.ReadUInt32BigEndian(userdata);
        arguments = userdata[OpcodeSize..].ToArray();
        return Enum.IsDefined(opcode);
    }

    private static byte[] Encode(ControllerOpcode opcode, ReadOnlySpan<byte> arguments)
    {
        var userdata = new byte[OpcodeSize + arguments.Length];
        BinaryPrimitives.WriteUInt32BigEndian(userdata, (uint)opcode);
        arguments.CopyTo(userdata.AsSpan(OpcodeSize));
        return userdata;
    }
}
