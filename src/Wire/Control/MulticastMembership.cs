using System.Buffers.Binary;

namespace Fabric.Wire.Control;

/// <summary>What a membership message is for, of either IP version.</summary>
public enum MembershipType
{
    Query,
    ReportV1,
    ReportV2,
    ReportV3,
    Leave,
}

/// <summary>Types of a group record, RFC 3376 section 4.2.12 and RFC 3810 section 5.2.12.</summary>
public enum GroupRecordType : byte
{
    ModeIsInclude = 1,
    ModeIsExclude = 2,
    ChangeToInclude = 3,
    ChangeToExclude = 4,
    AllowNewSources = 5,
    BlockOldSources = 6,
}

/// <summary>One group of a version 3 (IGMP) or version 2 (MLD) report.</summary>
public readonly ref struct GroupRecord
{
    public GroupRecordType Type { get; init; }

    /// <summary>4 or 16 bytes.</summary>
    public ReadOnlySpan<byte> Group { get; init; }

    /// <summary>The sources, 4 or 16 bytes each.</summary>
    public ReadOnlySpan<byte> Sources { get; init; }

    /// <summary>The host no longer wants the group: nothing is left to include.</summary>
    public bool IsLeave =>
        Type is GroupRecordType.ChangeToInclude or GroupRecordType.ModeIsInclude
        && Sources.IsEmpty;
}

/// <summary>
/// An IGMP message (RFC 1112, 2236, 3376) or an MLD message (RFC 2710, 3810): a view over bytes.
/// </summary>
/// <remarks>
/// IGMP: type, max response (1/10 s), checksum, group (4). MLD is ICMPv6: type, code, checksum,
/// max response (ms, 16 bits), reserved, group (16). IGMP's checksum is verified here; MLD's
/// covers the IPv6 pseudo-header and is verified where that is at hand.
/// </remarks>
public readonly ref struct MulticastMembership
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly bool _isV6;

    private MulticastMembership(ReadOnlySpan<byte> bytes, bool isV6, MembershipType type)
    {
        _bytes = bytes;
        _isV6 = isV6;
        Type = type;
    }

    public MembershipType Type { get; }

    private int AddressSize => _isV6 ? 16 : 4;
    private int GroupOffset => _isV6 ? 8 : 4;

    /// <summary>The group, 4 or 16 bytes; zero in a general query, empty in a v3 report.</summary>
    public ReadOnlySpan<byte> Group =>
        Type == MembershipType.ReportV3 ? default : _bytes.Slice(GroupOffset, AddressSize);

    /// <summary>The longest time to answer a query, milliseconds (RFC 3376 4.1.1).</summary>
    public int MaxResponseMilliseconds => _isV6
        ? DecodeMld(BinaryPrimitives.ReadUInt16BigEndian(_bytes[4..]))
        : DecodeIgmp(_bytes[1]) * 100;

    /// <summary>The records of a v3 report; empty for every other message.</summary>
    public RecordEnumerator Records => Type == MembershipType.ReportV3
        ? new RecordEnumerator(_bytes[8..], AddressSize, RecordCount) : default;

    private int RecordCount => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    /// <summary>Reads an IGMP message: the payload of an IPv4 packet of protocol 2.</summary>
    public static bool TryParseIgmp(
        ReadOnlySpan<byte> bytes, out MulticastMembership message, out DropReason reason)
    {
        message = default;
        reason = DropReason.IgmpMalformed;
        if (bytes.Length < 8) return false;
        MembershipType? type = bytes[0] switch
        {
            0x11 => MembershipType.Query,
            0x12 => MembershipType.ReportV1,
            0x16 => MembershipType.ReportV2,
            0x17 => MembershipType.Leave,
            0x22 => MembershipType.ReportV3,
            _ => null,
        };
        if (type is null) return false;
        if (InternetChecksum.ComputeWire(bytes) != 0)
        {
            reason = DropReason.ChecksumInvalid;
            return false;
        }

        if (!HasAllRecords(bytes, isV6: false, type.Value)) return false;
        message = new MulticastMembership(bytes, isV6: false, type.Value);
        reason = DropReason.None;
        return true;
    }

    /// <summary>Reads an MLD message: an ICMPv6 message of type 130 to 132 or 143.</summary>
    public static bool TryParseMld(
        ReadOnlySpan<byte> bytes, out MulticastMembership message, out DropReason reason)
    {
        message = default;
        reason = DropReason.IgmpMalformed;
        if (bytes.Length < 8) return false;
        MembershipType? type = bytes[0] switch
        {
            130 => MembershipType.Query,
            131 => MembershipType.ReportV2,
            132 => MembershipType.Leave,
            143 => MembershipType.ReportV3,
            _ => null,
        };
        if (type is null) return false;
        if (type != MembershipType.ReportV3 && bytes.Length < 24) return false;
        if (!HasAllRecords(bytes, isV6: true, type.Value)) return false;
        message = new MulticastMembership(bytes, isV6: true, type.Value);
        reason = DropReason.None;
        return true;
    }

    /// <remarks>A record that is cut ends the enumeration before the count is reached.</remarks>
    private static bool HasAllRecords(ReadOnlySpan<byte> bytes, bool isV6, MembershipType type)
    {
        var message = new MulticastMembership(bytes, isV6, type);
        if (type != MembershipType.ReportV3) return true;
        var records = message.Records;
        var seen = 0;
        while (records.MoveNext()) seen++;
        return seen == message.RecordCount;
    }

    private static int DecodeIgmp(byte code) =>
        code < 0x80 ? code : ((code & 0x0F) | 0x10) << (((code >> 4) & 0x07) + 3);

    private static int DecodeMld(ushort code) =>
        code < 0x8000 ? code : ((code & 0x0FFF) | 0x1000) << (((code >> 12) & 0x07) + 3);

    /// <summary>Walks the group records; stops at the first that is cut.</summary>
    public ref struct RecordEnumerator
    {
        private readonly int _addressSize;
        private ReadOnlySpan<byte> _rest;
        private int _left;

        internal RecordEnumerator(ReadOnlySpan<byte> bytes, int addressSize, int count)
        {
            _rest = bytes;
            _addressSize = addressSize;
            _left = count;
        }

        public GroupRecord Current { get; private set; }

        public readonly RecordEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_left == 0 || _rest.Length < 4 + _addressSize) return false;
            var sources = BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]) * _addressSize;
            var size = 4 + _addressSize + sources + (_rest[1] * 4);
            if (_rest.Length < size) return false;
            Current = new GroupRecord
            {
                Type = (GroupRecordType)_rest[0],
                Group = _rest.Slice(4, _addressSize),
                Sources = _rest.Slice(4 + _addressSize, sources),
            };
            _rest = _rest[size..];
            _left--;
            return true;
        }
    }
}
