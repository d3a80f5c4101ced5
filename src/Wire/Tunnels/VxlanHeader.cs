using System.Buffers.Binary;
using System.Diagnostics;

namespace Fabric.Wire;

/// <summary>
/// A VXLAN header, RFC 7348 section 5, with group policy and generic protocol bits.
/// </summary>
/// <remarks><code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-------------------------------+
/// |G|R|R|R|I|P|R|R|R|D|R|R|A|R|R|R|  Group policy id or (GPE, in  |
/// |               |               |  its low byte) next protocol  |
/// +---------------+---------------+---------------+---------------+
/// |       VXLAN Network Identifier (VNI)          |   Reserved    |
/// +-----------------------------------------------+---------------+
/// </code>
/// Group policy: draft-smith-vxlan-group-policy; GPE: draft-ietf-nvo3-vxlan-gpe.
/// </remarks>
public readonly ref struct VxlanHeader
{
    public const int Size = 8;

    // Next protocols of GPE.
    public const byte NextIpv4 = 1;
    public const byte NextIpv6 = 2;
    public const byte NextEthernet = 3;
    public const byte NextNsh = 4;

    private const byte FlagGroupPolicy = 0x80;
    private const byte FlagVni = 0x08;
    private const byte FlagProtocol = 0x04;

    private readonly ReadOnlySpan<byte> _bytes;

    private VxlanHeader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public uint Vni => BinaryPrimitives.ReadUInt32BigEndian(_bytes[Field.Vni..]) >> 8;
    public bool HasGroupPolicy => (_bytes[Field.Flags] & FlagGroupPolicy) != 0;
    public bool HasNextProtocol => (_bytes[Field.Flags] & FlagProtocol) != 0;

    /// <summary>Don't learn (0x40) and policy applied (0x08).</summary>
    public byte PolicyFlags => (byte)(_bytes[Field.PolicyFlags] & 0x48);
    public ushort PolicyId => BinaryPrimitives.ReadUInt16BigEndian(_bytes[Field.PolicyId..]);

    /// <summary>GPE: <see cref="NextIpv4"/> and so on.</summary>
    public byte NextProtocol => _bytes[Field.NextProtocol];

    /// <summary>Splits 'packet' into its VXLAN header and the frame that it carries.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> packet, out VxlanHeader header, out ReadOnlySpan<byte> payload,
        out DropReason reason)
    {
        header = default;
        payload = default;

        if (packet.Length < Size)
        {
            reason = DropReason.VxlanTruncated;
            return false;
        }

        if ((packet[Field.Flags] & FlagVni) == 0)
        {
            reason = DropReason.VxlanFlags;
            return false;
        }

        header = new VxlanHeader(packet[..Size]);
        payload = packet[Size..];
        reason = DropReason.None;
        return true;
    }

    /// <summary>Writes a header without policy or next protocol.</summary>
    public static void Write(Span<byte> headroom, uint vni)
    {
        Debug.Assert(headroom.Length == Size);
        Debug.Assert(vni <= 0x00FF_FFFF);

        headroom[..Field.Vni].Clear();
        headroom[Field.Flags] = FlagVni;
        BinaryPrimitives.WriteUInt32BigEndian(headroom[Field.Vni..], vni << 8);
    }

    /// <summary>Adds a group policy to a written header.</summary>
    public static void WritePolicy(Span<byte> headroom, ushort policyId, byte policyFlags)
    {
        headroom[Field.Flags] |= FlagGroupPolicy;
        headroom[Field.PolicyFlags] = (byte)(policyFlags & 0x48);
        BinaryPrimitives.WriteUInt16BigEndian(headroom[Field.PolicyId..], policyId);
    }

    /// <summary>Adds a next protocol (GPE) to a written header.</summary>
    public static void WriteNextProtocol(Span<byte> headroom, byte nextProtocol)
    {
        headroom[Field.Flags] |= FlagProtocol;
        headroom[Field.NextProtocol] = nextProtocol;
    }

    private static class Field
    {
        public const int Flags = 0;
        public const int PolicyFlags = 1;
        public const int PolicyId = 2;
        public const int NextProtocol = 3;
        public const int Vni = 4;
    }
}
