using System.Collections.Immutable;

namespace Fabric.Wire.OpenFlow;

/// <summary>Matches as NXM or OXM entries, and the headers that actions name fields with.</summary>
/// <remarks><code>
///  0                   1                   2                   3
/// +-------------------------------+-------------+-+---------------+
/// |             class             |    field    |M|    length     |
/// +-------------------------------+-------------+-+---------------+
/// | experimenter id, only if class is 0xffff; counted in length   |
/// +---------------------------------------------------------------+
/// | value, then mask if M (each of the field's size)              |
/// </code>
/// OpenFlow 1.5 section 7.2.3.2; NXM: Nicira's ancestor of the same form.
/// </remarks>
public static class NxmCodec
{
    private const ushort ExperimenterClass = 0xFFFF;
    private const ushort NxClass = 1;
    private const byte CookieNumber = 30;
    private const int CookieSize = 8;

    [ThreadStatic] private static MatchBuilder? _builder;

    /// <summary>A field header as read: what it names and how long its payload is.</summary>
    /// <param name="Field">null when it has another size, too.</param>
    /// <param name="IsKnown">There is a field of this class and number.</param>
    public readonly record struct Header(
        MatchField? Field, bool HasMask, int PayloadSize, bool IsCookie, bool IsKnown)
    {
        /// <summary>Bytes of the value, and of the mask where there is one.</summary>
        public int ValueSize => HasMask ? PayloadSize / 2 : PayloadSize;
    }

    /// <summary>Reads a header of 4 or 8 bytes.</summary>
    public static Header ReadHeader(ref OfReader reader)
    {
        var header = reader.U32();
        var size = (int)(header & 0xFF);
        var experimenter = 0u;
        if (header >> 16 == ExperimenterClass)
        {
            experimenter = reader.U32();
            size -= 4;
        }

        var isCookie = header >> 16 == NxClass && ((header >> 9) & 0x7F) == CookieNumber
            && size >= CookieSize;
        var field = isCookie ? null : MatchField.Find(header, experimenter);
        var read = new Header(field, (header & 0x100) != 0, size, isCookie, field is not null);
        return field is null || Fits(field, in read) ? read : read with { Field = null };
    }

    private static bool Fits(MatchField field, in Header header)
    {
        if (header.HasMask && header.PayloadSize % 2 != 0) return false;
        return field.TlvIndex < 0 ? header.ValueSize == field.WireSize
            : header.ValueSize is > 0 and <= TlvTable.OptionSizeMax;
    }

    /// <summary>Reads a whole field with value and mask.</summary>
    public static OfErrorCode ReadEntry(
        ref OfReader reader, out Header header, out UInt128 value, out UInt128 mask)
    {
        header = ReadHeader(ref reader);
        (value, mask) = (0, 0);
        if (reader.Failed || header.PayloadSize < 0 || header.PayloadSize > reader.Remaining)
        {
            return OfErrorCode.MatchBadLength;
        }

        var size = header.ValueSize;
        var payload = new OfReader(reader.Bytes(header.PayloadSize));
        value = payload.Number(size);
        if (header.Field is not { } field)
        {
            mask = header.HasMask ? payload.Number(size) : ulong.MaxValue;
            return header.IsCookie && size == CookieSize
                ? OfErrorCode.None : OfErrorCode.MatchBadField;
        }

        mask = header.HasMask ? ReadMask(ref payload, field, size) : WireExact(field);
        if ((value & ~mask) != 0 && header.HasMask) return OfErrorCode.MatchBadWildcards;
        return OfErrorCode.None;
    }

    /// <summary>Decodes a list of entries that fills 'bytes'.</summary>
    /// <param name="isStrict">Unknown fields are errors; otherwise they are left out.</param>
    public static OfErrorCode DecodeMatch(
        ReadOnlySpan<byte> bytes, bool isStrict, out Match match,
        out ulong cookie, out ulong cookieMask)
    {
        match = Match.Any;
        (cookie, cookieMask) = (0, 0);
        var reader = new OfReader(bytes);
        var builder = _builder ??= new MatchBuilder();
        builder.Reset();
        Span<ulong> seen = stackalloc ulong[(MatchField.All.Length + 63) / 64];
        seen.Clear();
        while (!reader.IsEmpty)
        {
            var error = ReadEntry(ref reader, out var header, out var value, out var mask);
            if (error == OfErrorCode.MatchBadField && !isStrict) continue;
            if (error != OfErrorCode.None) return error;
            if (header.IsCookie)
            {
                if (cookieMask != 0) return OfErrorCode.MatchDuplicateField;
                (cookie, cookieMask) = ((ulong)value, (ulong)mask);
                continue;
            }

            var field = header.Field!;
            ref var word = ref seen[field.Id / 64];
            if ((word & (1UL << field.Id)) != 0) return OfErrorCode.MatchDuplicateField;
            word |= 1UL << field.Id;
            if (!builder.IsAllowed(field)) return OfErrorCode.MatchBadPrerequisite;
            builder.SetFromWire(field, value, mask);
        }

        return builder.TryBuild(out match, out var built) ? OfErrorCode.None : built;
    }

    /// <summary>Writes all entries of a match, NXM numbers first or OXM numbers first.</summary>
    public static void WriteMatch(OfWriter writer, Match match, in OfCodecContext context)
    {
        foreach (var entry in match.Entries) WriteMatchEntry(writer, in entry, in context);
    }

    /// <summary>
    /// The NXM cookie entry that Nicira's flow-mod and statistics requests carry.
    /// </summary>
    public static void WriteCookie(OfWriter writer, ulong cookie, ulong mask)
    {
        if (mask == 0) return;
        var isMasked = mask != ulong.MaxValue;
        var size = isMasked ? CookieSize * 2 : CookieSize;
        writer.U16(NxClass).U8((byte)((CookieNumber << 1) | (isMasked ? 1 : 0))).U8((byte)size);
        writer.U64(cookie & mask);
        if (isMasked) writer.U64(mask);
    }

    /// <summary>Writes a header that only names a field (its length is the field's size).</summary>
    public static void WriteHeader(OfWriter writer, MatchField field, in OfCodecContext context)
    {
        if (NumberOf(field, in context) is not { } number) writer.U32(0);
        else WriteHeader(writer, number, hasMask: false, WireSizeOf(field, in context));
    }

    /// <summary>Writes a header that says whether the field may have a mask.</summary>
    internal static void WriteHeader(
        OfWriter writer, MatchField field, bool hasMask, in OfCodecContext context)
    {
        if (NumberOf(field, in context) is not { } number) return;
        var size = WireSizeOf(field, in context);
        WriteHeader(writer, number, hasMask, hasMask ? size * 2 : size);
    }

    /// <summary>Writes one field with value and, unless it is exact, mask.</summary>
    public static void WriteEntry(
        OfWriter writer, MatchField field, UInt128 value, UInt128 mask, in OfCodecContext context)
    {
        if (NumberOf(field, in context) is not { } number) return;
        var size = WireSizeOf(field, in context);
        var isExact = (mask & WireExact(field)) == WireExact(field) || mask == field.ExactMask;
        WriteHeader(writer, number, !isExact, isExact ? size : size * 2);
        writer.Number(value, size);
        if (!isExact) writer.Number(mask, size);
    }

    /// <summary>The number that a field has in this version: OXM's from OpenFlow 1.2 on.</summary>
    public static FieldNumber? NumberOf(MatchField field, in OfCodecContext context) =>
        context.Version >= OfVersion.OpenFlow15 && field.Oxm15 is { } newest ? newest
        : context.HasOxm ? field.Oxm ?? field.Nxm : field.Nxm ?? field.Oxm;

    private static void WriteMatchEntry(
        OfWriter writer, in MatchEntry entry, in OfCodecContext context)
    {
        var (field, value, mask) = entry;
        if (context.HasOxm && ReferenceEquals(field, MatchField.VlanTci))
        {
            const uint vidBits = 0x1FFF;
            var vidMask = mask & vidBits;
            if (vidMask != 0)
            {
                WriteMasked(writer, MatchField.VlanVid, value & vidBits, vidMask,
                    vidMask == vidBits, in context);
            }

            if ((mask & 0xE000) != 0 && (value & 0x1000) != 0)
            {
                WriteEntry(writer, MatchField.VlanPcp, value >> 13, 7, in context);
            }
        }
        else if (!context.HasOxm && ReferenceEquals(field, MatchField.InPortOxm))
        {
            WriteEntry(writer, MatchField.InPort, OfPort.ToWire16((uint)value), 0xFFFF, in context);
        }
        else if (!context.HasOxm && ReferenceEquals(field, MatchField.IpDscp))
        {
            WriteEntry(writer, MatchField.IpTos, value << 2, 0xFC, in context);
        }
        else
        {
            WriteMasked(writer, field, value, mask, entry.IsExact, in context);
        }
    }

    private static void WriteMasked(
        OfWriter writer, MatchField field, UInt128 value, UInt128 mask, bool isExact,
        in OfCodecContext context)
    {
        if (NumberOf(field, in context) is not { } number) return;
        var size = WireSizeOf(field, in context);
        WriteHeader(writer, number, !isExact, isExact ? size : size * 2);
        writer.Number(value, size);
        if (!isExact) writer.Number(mask, size);
    }

    private static void WriteHeader(OfWriter writer, FieldNumber number, bool hasMask, int size)
    {
        var isExperimenter = number.Class == ExperimenterClass;
        var length = isExperimenter ? size + 4 : size;
        writer.U32(((uint)number.Class << 16) | ((uint)number.Number << 9)
            | (hasMask ? 0x100u : 0) | (byte)length);
        if (isExperimenter) writer.U32(number.Experimenter);
    }

    private static int WireSizeOf(MatchField field, in OfCodecContext context)
    {
        if (field.TlvIndex < 0) return field.WireSize;
        var isMapped = context.Tlv.TryLocate(field.TlvIndex, out _, out var size);
        return isMapped ? Math.Min(size, field.WireSize) : field.WireSize;
    }

    private static UInt128 ReadMask(ref OfReader reader, MatchField field, int size)
    {
        var mask = reader.Number(size);
        var isWhole = field.TlvIndex >= 0 && mask == MatchField.LowBits(size * 8);
        return isWhole ? UInt128.MaxValue : mask;
    }

    /// <summary>The mask that a value without a mask means.</summary>
    private static UInt128 WireExact(MatchField field) =>
        ReferenceEquals(field, MatchField.VlanVid) ? 0x1FFF
        : field.TlvIndex >= 0 ? UInt128.MaxValue : MatchField.LowBits(field.WireSize * 8);
}
