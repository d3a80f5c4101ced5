using System.Buffers.Binary;

namespace Fabric.Wire.Control;

/// <summary>An information element in a template.</summary>
/// <param name="Id">IANA's number, without enterprise bit.</param>
/// <param name="Size">Bytes.</param>
public readonly record struct IpfixField(ushort Id, ushort Size);

/// <summary>Writes one IPFIX message, RFC 7011 section 3, in network byte order.</summary>
public sealed class IpfixMessage
{
    /// <summary>Fits an Ethernet frame with an IPv6 header.</summary>
    public const int SizeMax = 1400;

    private const ushort Version = 10, TemplateSet = 2;
    private const int HeaderSize = 16, SetHeaderSize = 4;

    private readonly byte[] _bytes = new byte[SizeMax];
    private int _size = HeaderSize;
    private int _setAt;
    private ushort _set;

    /// <param name="exported">Seconds since 1970.</param>
    /// <param name="sequence">Data records sent before this message.</param>
    public IpfixMessage(uint exported, uint sequence, uint domain)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_bytes, Version);
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(4), exported);
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(8), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(12), domain);
    }

    /// <summary>Data records so far.</summary>
    public uint Records { get; private set; }

    /// <summary>Nothing was added yet.</summary>
    public bool IsEmpty => _size == HeaderSize;

    /// <summary>What is to be sent.</summary>
    public ReadOnlyMemory<byte> Bytes
    {
        get
        {
            CloseSet();
            BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(2), (ushort)_size);
            return _bytes.AsMemory(0, _size);
        }
    }

    /// <summary>False when there is no room left; nothing was added then.</summary>
    public bool TryAddTemplate(ushort template, ReadOnlySpan<IpfixField> fields)
    {
        var size = 4 + (4 * fields.Length);
        if (!HasRoom(TemplateSet, size)) return false;
        OpenSet(TemplateSet);
        Put(template);
        Put((ushort)fields.Length);
        foreach (var field in fields)
        {
            Put(field.Id);
            Put(field.Size);
        }

        return true;
    }

    /// <summary>False when there is no room left; nothing was added then.</summary>
    public bool TryAddRecord(ushort template, ReadOnlySpan<byte> record)
    {
        if (!HasRoom(template, record.Length)) return false;
        OpenSet(template);
        record.CopyTo(_bytes.AsSpan(_size));
        _size += record.Length;
        Records++;
        return true;
    }

    private bool HasRoom(ushort set, int size) =>
        _size + size + (set == _set ? 0 : SetHeaderSize) <= SizeMax;

    private void OpenSet(ushort set)
    {
        if (set == _set) return;
        CloseSet();
        (_setAt, _set) = (_size, set);
        Put(set);
        Put(0);
    }

    private void CloseSet()
    {
        if (_set == 0) return;
        BinaryPrimitives.WriteUInt16BigEndian(
            _bytes.AsSpan(_setAt + 2), (ushort)(_size - _setAt));
        _set = 0;
    }

    private void Put(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(_size), value);
        _size += 2;
    }
}
