using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Fabric.Wire.Netlink;

/// <summary>Walks a set of attributes; the first fault ends the walk and is kept.</summary>
/// <remarks>
/// Usage: while (reader.TryNext()) switch (reader.Type) ...; return reader.IsSound(out fault).
/// Getters that find a value of the wrong size return zero and set the fault. Integers are in
/// the host's order (little-endian) unless the name says Big. Nothing is allocated but by the
/// getters of strings and addresses.
/// </remarks>
public ref struct NetlinkAttributeReader
{
    private readonly string _where;
    private ReadOnlySpan<byte> _rest;
    private NetlinkAttribute _current;
    private NetlinkFault _fault;

    /// <param name="attributes">All bytes of the set, without the header above it.</param>
    /// <param name="where">Name of the set, for faults.</param>
    public NetlinkAttributeReader(ReadOnlySpan<byte> attributes, string where)
    {
        _rest = attributes;
        _where = where;
    }

    public readonly ushort Type => _current.Type;
    public readonly ReadOnlySpan<byte> Value => _current.Value;

    /// <summary>False at the end and at the first fault.</summary>
    public bool TryNext()
    {
        if (!_fault.IsNone || _rest.IsEmpty) return false;
        if (NetlinkAttribute.TryParse(_rest, out _current, out var rest))
        {
            _rest = rest;
            return true;
        }

        var kind = _rest.Length < NetlinkAttribute.HeaderSize
            ? NetlinkFaultKind.Truncated
            : NetlinkFaultKind.Length;
        _fault = new NetlinkFault(kind, _where);
        return false;
    }

    /// <summary>True when all that was read had no fault.</summary>
    public readonly bool IsSound(out NetlinkFault fault)
    {
        fault = _fault;
        return fault.IsNone;
    }

    /// <summary>Ends the walk: the current attribute is not what it must be.</summary>
    public void Refuse(NetlinkFaultKind kind)
    {
        if (_fault.IsNone) _fault = new NetlinkFault(kind, _where, Type);
    }

    /// <summary>Ends the walk with the fault of a nested set.</summary>
    public void Refuse(in NetlinkFault fault)
    {
        if (_fault.IsNone) _fault = fault;
    }

    /// <summary>True when the value has exactly 'size' bytes; a fault otherwise.</summary>
    public bool IsSize(int size)
    {
        if (Value.Length == size) return true;
        Refuse(NetlinkFaultKind.Size);
        return false;
    }

    /// <summary>True when the value has at least 'size' bytes; a fault otherwise.</summary>
    public bool IsSizeMin(int size)
    {
        if (Value.Length >= size) return true;
        Refuse(NetlinkFaultKind.Size);
        return false;
    }

    public byte UInt8() => IsSize(1) ? Value[0] : (byte)0;

    public ushort UInt16() =>
        IsSize(2) ? BinaryPrimitives.ReadUInt16LittleEndian(Value) : (ushort)0;

    public uint UInt32() => IsSize(4) ? BinaryPrimitives.ReadUInt32LittleEndian(Value) : 0;

    public ulong UInt64() => IsSize(8) ? BinaryPrimitives.ReadUInt64LittleEndian(Value) : 0;

    public ushort BigUInt16() =>
        IsSize(2) ? BinaryPrimitives.ReadUInt16BigEndian(Value) : (ushort)0;

    public uint BigUInt32() => IsSize(4) ? BinaryPrimitives.ReadUInt32BigEndian(Value) : 0;

    public ulong BigUInt64() => IsSize(8) ? BinaryPrimitives.ReadUInt64BigEndian(Value) : 0;

    /// <summary>The attribute is there: that is all it says. Its value must be empty.</summary>
    public bool Flag() => IsSize(0);

    /// <summary>Text up to its zero; bytes that are no UTF-8 become U+FFFD.</summary>
    public string Text()
    {
        var bytes = Value;
        if (bytes.Length > NetlinkLimits.NameSizeMax)
        {
            Refuse(NetlinkFaultKind.Size);
            return "";
        }

        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    /// <summary>Four or sixteen bytes of address.</summary>
    public IPAddress? Address()
    {
        if (Value.Length is 4 or 16) return new IPAddress(Value);
        Refuse(NetlinkFaultKind.Size);
        return null;
    }

    /// <summary>A 128-bit label: the low 64 bits first, host order (struct ovs_u128).</summary>
    public UInt128 Label() => IsSize(16) ? BinaryPrimitives.ReadUInt128LittleEndian(Value) : 0;
}
