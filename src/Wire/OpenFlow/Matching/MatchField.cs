using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Fabric.Wire.OpenFlow;

/// <summary>How a field's value is written in ovs-ofctl's text.</summary>
public enum FieldFormat : byte
{
    Decimal, Hexadecimal, Ethernet, Ipv4, Ipv6, Port16, Port32, ConntrackState, Fragment,
    TunnelFlags, TcpFlags, PacketType,
}

/// <summary>What must already be matched before a field may be.</summary>
public enum FieldPrerequisite : byte
{
    None, Ethernet, Vlan, Mpls, Ipv4, Ipv6, Ip, Arp, Tcp, Udp, Sctp, Icmpv4, Icmpv6, Nd,
    NdSolicit, NdAdvert, Nsh, Conntrack,
}

/// <summary>A field's name on the wire: OXM or NXM class, number and experimenter.</summary>
/// <param name="Experimenter">Only with class 0xffff, else 0.</param>
public readonly record struct FieldNumber(ushort Class, byte Number, uint Experimenter, string Name)
{
    /// <summary>Class and number as they stand in the header's upper 23 bits.</summary>
    public uint Prefix => ((uint)Class << 16) | ((uint)Number << 9);
}

/// <summary>
/// One field that a match can name: where it lies, what it is called, what it needs.
/// </summary>
/// <remarks>
/// A field is the lowest <see cref="BitWidth"/> bits of <see cref="KeySize"/> bytes at
/// <see cref="KeyOffset"/>, shifted right by <see cref="KeyShift"/>; big-endian. tun_metadata
/// fields are placed by the bridge's <see cref="TlvTable"/>. The catalogue itself is
/// MatchField.Catalogue.cs; numbers and names are OVS's (meta-flow) and OpenFlow's.
/// </remarks>
public sealed partial class MatchField
{
    private const int ReservedPort16 = 0xFF00;

    private MatchField(
        int id, string name, string? alias, (int Offset, int Size, int Shift) place, int bitWidth,
        int wireSize, bool isMaskable, FieldPrerequisite prerequisite, FieldFormat format,
        bool isWritable, FieldNumber? nxm, FieldNumber? oxm)
    {
        (Id, Name, Alias) = (id, name, alias);
        (KeyOffset, KeySize, KeyShift) = place;
        (BitWidth, WireSize, IsMaskable, IsWritable) = (bitWidth, wireSize, isMaskable, isWritable);
        (Prerequisite, Format, Nxm, Oxm) = (prerequisite, format, nxm, oxm);
        Oxm15 = oxm is { Experimenter: OfError.OnfVendor } onf
            ? new FieldNumber(0x8000, onf.Number, 0, onf.Name.Replace("ONFOXM_ET", "OXM_OF"))
            : null;
    }

    /// <summary>Position in <see cref="All"/>.</summary>
    public int Id { get; }

    /// <summary>The name in ovs-fields(7), for example "eth_src".</summary>
    public string Name { get; }

    /// <summary>The older name, for example "dl_src".</summary>
    public string? Alias { get; }

    public int KeyOffset { get; }
    public int KeySize { get; }
    public int KeyShift { get; }

    /// <summary>Bits that count.</summary>
    public int BitWidth { get; }

    /// <summary>
    /// Bytes of a value in NXM and OXM (for tun_metadata the most that is supported).
    /// </summary>
    public int WireSize { get; }

    public bool IsMaskable { get; }
    public bool IsWritable { get; }
    public FieldPrerequisite Prerequisite { get; }
    public FieldFormat Format { get; }
    public FieldNumber? Nxm { get; }
    public FieldNumber? Oxm { get; }

    /// <summary>
    /// The number that OpenFlow 1.5 gave to what was ONF's extension before; null for others.
    /// </summary>
    public FieldNumber? Oxm15 { get; }

    /// <summary>Index of a tun_metadata field, else -1.</summary>
    public int TlvIndex { get; private init; } = -1;

    /// <summary>Index of a 32-bit register, else -1.</summary>
    public int RegisterIndex { get; private init; } = -1;

    /// <summary>The value that matches the whole field: every valid bit set.</summary>
    public UInt128 ExactMask { get; private init; }

    /// <summary>The registers that an xreg or xxreg is made of, most significant first.</summary>
    public ImmutableArray<MatchField> Registers { get; private init; } = [];

    /// <summary>
    /// The name used for subfields in actions: NXM's if there is one, else OXM's.
    /// </summary>
    public string WireName => Nxm?.Name ?? Oxm?.Name ?? Name;

    public override string ToString() => Name;

    /// <summary>A field by name or alias or by its NXM or OXM name; null when unknown.</summary>
    public static MatchField? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>A field by its header on the wire; null when unknown.</summary>
    /// <param name="header">The 32 bits; has-mask and length are ignored.</param>
    /// <param name="experimenter">The experimenter id that follows when the class is
    /// 0xffff.</param>
    public static MatchField? Find(uint header, uint experimenter) =>
        ByNumber.GetValueOrDefault((header & 0xFFFF_FE00u, experimenter));

    /// <summary>Where the field lies, asking 'table' for tun_metadata.</summary>
    /// <returns>False for a tun_metadata that nothing is mapped to.</returns>
    public bool TryLocate(TlvTable table, out int offset, out int size)
    {
        if (TlvIndex >= 0) return table.TryLocate(TlvIndex, out offset, out size);
        (offset, size) = (KeyOffset, KeySize);
        return true;
    }

    /// <summary>Bits of the field, asking 'table' for tun_metadata (0 when not mapped).</summary>
    public int BitWidthIn(TlvTable table)
    {
        if (TlvIndex < 0) return BitWidth;
        return table.TryLocate(TlvIndex, out _, out var size) ? size * 8 : 0;
    }

    /// <summary>The field's value in 'key', right-aligned; 0 for unmapped tun_metadata.</summary>
    public UInt128 Read(in PipelineKey key, TlvTable table)
    {
        if (!TryLocate(table, out var offset, out var size)) return 0;
        var bytes = PipelineKey.BytesOf(in key);
        if (size > 16) (offset, size) = (offset + size - 16, 16);
        var value = ReadBigEndian(bytes.Slice(offset, size)) >> KeyShift;
        return TlvIndex >= 0 ? value : value & LowBits(BitWidth);
    }

    public UInt128 Read(in PipelineKey key) => Read(in key, TlvTable.Empty);

    /// <summary>Sets the field in 'key'; bits beyond its width are ignored.</summary>
    /// <remarks>A 16-bit in_port is widened so that reserved ports stay reserved.</remarks>
    public void Write(ref PipelineKey key, UInt128 value, TlvTable table) =>
        Write(ref key, value, UInt128.MaxValue, table);

    public void Write(ref PipelineKey key, UInt128 value) =>
        Write(ref key, value, UInt128.MaxValue, TlvTable.Empty);

    /// <summary>Sets those bits of the field that 'mask' names.</summary>
    public void Write(ref PipelineKey key, UInt128 value, UInt128 mask, TlvTable table)
    {
        if (!TryLocate(table, out var offset, out var size)) return;
        if (TlvIndex >= 0) key.TlvPresence |= 1UL << TlvIndex;
        if (size > 16) (offset, size) = (offset + size - 16, 16);
        var bytes = key.Bytes.Slice(offset, size);
        var width = TlvIndex >= 0 ? size * 8 : BitWidth;
        var bits = (mask & LowBits(width)) << KeyShift;
        var merged = (ReadBigEndian(bytes) & ~bits) | ((value << KeyShift) & bits);
        WriteBigEndian(bytes, merged);
        if (ReferenceEquals(this, InPort)) key.InPort = OfPort.FromWire16((ushort)merged);
    }

    /// <summary>The lowest 'count' bits set; all for 128 and more.</summary>
    public static UInt128 LowBits(int count) =>
        count >= 128 ? UInt128.MaxValue : (UInt128.One << count) - 1;

    internal static UInt128 ReadBigEndian(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 4) return BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (bytes.Length == 2) return BinaryPrimitives.ReadUInt16BigEndian(bytes);
        if (bytes.Length == 8) return BinaryPrimitives.ReadUInt64BigEndian(bytes);
        if (bytes.Length == 16) return BinaryPrimitives.ReadUInt128BigEndian(bytes);
        UInt128 value = 0;
        foreach (var each in bytes) value = (value << 8) | each;
        return value;
    }

    internal static void WriteBigEndian(Span<byte> bytes, UInt128 value)
    {
        if (bytes.Length == 4) BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)value);
        else if (bytes.Length == 2) BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        else if (bytes.Length == 1) bytes[0] = (byte)value;
        else if (bytes.Length == 8) BinaryPrimitives.WriteUInt64BigEndian(bytes, (ulong)value);
        else
        {
            for (var i = bytes.Length - 1; i >= 0; i--)
            {
                bytes[i] = (byte)value;
                value >>= 8;
            }
        }
    }
}
