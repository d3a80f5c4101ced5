using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>What a controller action's upcall carries through the datapath.</summary>
/// <remarks>
/// Fifteen bytes and the userdata: reason, flags (1 = paused), controller id, maximum length (16
/// bits
/// each), table, and the rule's cookie (64 bits); all big-endian.
/// </remarks>
internal sealed record PacketInCookie(
    PacketInReason Reason, ushort ControllerId, ushort MaxLength, byte Table, ulong RuleCookie,
    bool IsPaused, EquatableArray<byte> Userdata)
{
    private const int Size = 15;

    public ImmutableArray<byte> ToBytes()
    {
        var bytes = new byte[Size + Userdata.Count];
        bytes[0] = (byte)Reason;
        bytes[1] = IsPaused ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), ControllerId);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), MaxLength);
        bytes[6] = Table;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(7), RuleCookie);
        Userdata.AsSpan().CopyTo(bytes.AsSpan(Size));
        return [.. bytes];
    }

    public static bool TryParse(ImmutableArray<byte> bytes, out PacketInCookie cookie)
    {
        cookie = null!;
        if (bytes.IsDefault || bytes.Length < Size) return false;
        var span = bytes.AsSpan();
        cookie = new PacketInCookie(
            (PacketInReason)span[0], BinaryPrimitives.ReadUInt16BigEndian(span[2..]),
            BinaryPrimitives.ReadUInt16BigEndian(span[4..]), span[6],
            BinaryPrimitives.ReadUInt64BigEndian(span[7..]), (span[1] & 1) != 0,
            EquatableArray.Create(span[Size..]));
        return true;
    }
}
