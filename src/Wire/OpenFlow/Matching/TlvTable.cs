using System.Collections.Immutable;

namespace Fabric.Wire.OpenFlow;

/// <summary>One tunnel option that a bridge knows: which tun_metadata field it is.</summary>
/// <param name="OptionSize">Bytes of the option's value: 4 to 124, a multiple of 4.</param>
/// <param name="Index">The field tun_metadata0 ... 63.</param>
public readonly record struct TlvMapping(
    ushort OptionClass, byte OptionType, byte OptionSize, ushort Index);

/// <summary>Where the values of mapped tunnel options lie in a PipelineKey: immutable.</summary>
/// <remarks>
/// Values are packed in the order in which mappings were added; a mapping keeps its place until it
/// is removed. The 256 bytes of <see cref="PipelineKey.Tlv"/> are the limit (OVS: the same).
/// </remarks>
public sealed class TlvTable
{
    public const int IndexCount = 64;
    public const int OptionSizeMax = 124;

    public static TlvTable Empty { get; } = new([]);

    /// <summary>The table that OVN uses: class 0x0102, type 0x80, 4 bytes, tun_metadata0.</summary>
    public static TlvTable Ovn { get; } = new([new TlvMapping(0x0102, 0x80, 4, 0)]);

    private readonly short[] _offset = new short[IndexCount];
    private readonly byte[] _size = new byte[IndexCount];

    private TlvTable(ImmutableArray<TlvMapping> mappings)
    {
        Mappings = mappings;
        Array.Fill(_offset, (short)-1);
        var next = 0;
        foreach (var mapping in mappings)
        {
            _offset[mapping.Index] = (short)next;
            _size[mapping.Index] = mapping.OptionSize;
            next += mapping.OptionSize;
        }
    }

    public ImmutableArray<TlvMapping> Mappings { get; }

    /// <summary>Bytes of the area that are in use.</summary>
    public int SizeUsed => Mappings.Sum(mapping => mapping.OptionSize);

    /// <summary>
    /// The bytes of 'index' in a PipelineKey; false when nothing is mapped there.
    /// </summary>
    public bool TryLocate(int index, out int offset, out int size)
    {
        offset = PipelineKey.TlvOffset + _offset[index];
        size = _size[index];
        return _offset[index] >= 0;
    }

    /// <summary>The mapping of an option on the wire.</summary>
    public bool TryFind(ushort optionClass, byte optionType, out TlvMapping mapping)
    {
        foreach (var candidate in Mappings)
        {
            if (candidate.OptionClass != optionClass || candidate.OptionType != optionType)
                continue;
            mapping = candidate;
            return true;
        }

        mapping = default;
        return false;
    }

    /// <summary>A table with 'added' as well.</summary>
    /// <returns>False with the error that NXT_TLV_TABLE_MOD names; nothing is added then.</returns>
    public bool TryAdd(IEnumerable<TlvMapping> added, out TlvTable table, out OfErrorCode error)
    {
        table = this;
        var all = Mappings.ToBuilder();
        foreach (var mapping in added)
        {
            error = CheckOf(mapping, all);
            if (error != OfErrorCode.None) return false;
            all.Add(mapping);
        }

        error = all.Sum(mapping => mapping.OptionSize) > PipelineKey.TlvSize
            ? OfErrorCode.TlvTableFull : OfErrorCode.None;
        if (error != OfErrorCode.None) return false;
        table = new TlvTable(all.ToImmutable());
        return true;
    }

    /// <summary>A table without the options of 'removed'.</summary>
    public TlvTable Remove(IEnumerable<TlvMapping> removed)
    {
        var gone = removed.Select(each => (each.OptionClass, each.OptionType)).ToHashSet();
        return new TlvTable(
            [.. Mappings.Where(each => !gone.Contains((each.OptionClass, each.OptionType)))]);
    }

    /// <summary>What is wrong with a mapping by itself.</summary>
    internal static OfErrorCode ErrorOf(TlvMapping mapping) =>
        mapping.OptionSize > OptionSizeMax || mapping.OptionSize % 4 != 0
            ? OfErrorCode.TlvBadOptionLength
            : mapping.Index >= IndexCount ? OfErrorCode.TlvBadFieldIndex : OfErrorCode.None;

    private static OfErrorCode CheckOf(TlvMapping mapping, IEnumerable<TlvMapping> present)
    {
        if (ErrorOf(mapping) is var error and not OfErrorCode.None) return error;
        foreach (var other in present)
        {
            if (other.Index == mapping.Index) return OfErrorCode.TlvAlreadyMapped;
            if (other.OptionClass == mapping.OptionClass && other.OptionType == mapping.OptionType)
            {
                return OfErrorCode.TlvDuplicateEntry;
            }
        }

        return mapping.OptionSize == 0 ? OfErrorCode.TlvBadOptionLength : OfErrorCode.None;
    }
}
