using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Fabric.Wire.OpenFlow;

/// <summary>
/// What an OpenFlow pipeline knows of a packet: its flow key and the pipeline's fields.
/// </summary>
/// <remarks>
/// One block of bytes in network order, so that a register, an xreg and an xxreg are views of the
/// same bytes and every <see cref="MatchField"/> is an offset and a width. A mask is another key.
/// <code>
///    0  flow key       (FlowKey, 608 bytes)
///  608  in_port        OpenFlow port number (32 bits)
///  612  actset_output
///  616  metadata
///  624  registers      reg0 ... reg31
///  752  conj_id
///  760  TLV presence   bit n (host order): tun_metadata n is there
///  768  TLV values     256 bytes, laid out by the bridge's TlvTable
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct PipelineKey : IEquatable<PipelineKey>
{
    public const int Size = 1024;
    public const int WordCount = Size / 8;
    public const int InPortOffset = 608;
    public const int ActionSetOutputOffset = 612;
    public const int MetadataOffset = 616;
    public const int RegisterOffset = 624;
    public const int RegisterCount = 32;
    public const int ConjunctionIdOffset = 752;
    public const int TlvPresenceOffset = 760;
    public const int TlvOffset = 768;
    public const int TlvSize = 256;

    [FieldOffset(0)] public FlowKey Flow;
    [FieldOffset(InPortOffset)] public uint InPortWire;
    [FieldOffset(ActionSetOutputOffset)] public uint ActionSetOutputWire;
    [FieldOffset(MetadataOffset)] public ulong MetadataWire;
    [FieldOffset(RegisterOffset)] public RegisterBytes RegistersWire;
    [FieldOffset(ConjunctionIdOffset)] public uint ConjunctionIdWire;
    [FieldOffset(TlvPresenceOffset)] public ulong TlvPresence;
    [FieldOffset(TlvOffset)] public TlvBytes Tlv;

    /// <summary>OpenFlow port that the packet came in on (see <see cref="OfPort"/>).</summary>
    public uint InPort
    {
        readonly get => BinaryPrimitives.ReverseEndianness(InPortWire);
        set => InPortWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public ulong Metadata
    {
        readonly get => BinaryPrimitives.ReverseEndianness(MetadataWire);
        set => MetadataWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public uint ConjunctionId
    {
        readonly get => BinaryPrimitives.ReverseEndianness(ConjunctionIdWire);
        set => ConjunctionIdWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public uint ActionSetOutput
    {
        readonly get => BinaryPrimitives.ReverseEndianness(ActionSetOutputWire);
        set => ActionSetOutputWire = BinaryPrimitives.ReverseEndianness(value);
    }

    /// <summary>Register 'index' (0-31) in host order.</summary>
    public readonly uint Register(int index) =>
        BinaryPrimitives.ReverseEndianness(RegistersWire[index]);

    public void SetRegister(int index, uint value) =>
        RegistersWire[index] = BinaryPrimitives.ReverseEndianness(value);

    /// <summary>All bytes of the key.</summary>
    [UnscopedRef]
    public Span<byte> Bytes => MemoryMarshal.AsBytes(new Span<PipelineKey>(ref this));

    /// <summary>The key as 64-bit words (of wire-order bytes): for masking and comparing.</summary>
    [UnscopedRef]
    public Span<ulong> Words => MemoryMarshal.Cast<byte, ulong>(Bytes);

    /// <summary>The bytes of a key that is only read.</summary>
    public static ReadOnlySpan<byte> BytesOf(in PipelineKey key) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<PipelineKey>(in key));

    public readonly bool Equals(PipelineKey other) =>
        BytesOf(in this).SequenceEqual(BytesOf(in other));

    public override readonly bool Equals(object? obj) => obj is PipelineKey other && Equals(other);

    public override readonly int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(BytesOf(in this));
        return hash.ToHashCode();
    }

    public static bool operator ==(PipelineKey left, PipelineKey right) => left.Equals(right);

    public static bool operator !=(PipelineKey left, PipelineKey right) => !left.Equals(right);
}

/// <summary>Thirty-two registers, each in network order.</summary>
[System.Runtime.CompilerServices.InlineArray(PipelineKey.RegisterCount)]
public struct RegisterBytes
{
    private uint _first;
}

/// <summary>The values of a tunnel's TLV options where the bridge's table puts them.</summary>
[System.Runtime.CompilerServices.InlineArray(PipelineKey.TlvSize)]
public struct TlvBytes
{
    private byte _first;
}
