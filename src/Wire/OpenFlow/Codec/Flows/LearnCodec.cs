namespace Fabric.Wire.OpenFlow;

/// <summary>Nicira's learn action: a fixed part, then specifications of 16-bit headers.</summary>
/// <remarks><code>
///  15 14 13 12 11 10                             0
/// +-----+--+-----+--------------------------------+
/// |  0  |s |  d  |            bit count           |   s: source 0 field, 1 immediate
/// +-----+--+-----+--------------------------------+   d: 0 match, 1 load, 2 output
/// | source: header + offset (16), or immediate in whole 16-bit words
/// | destination (match and load): header + offset (16)
/// </code></remarks>
internal static class LearnCodec
{
    private const int CountMask = 0x7FF;
    private const int ImmediateBit = 1 << 13;

    public static OfErrorCode Decode(ref OfReader body, bool isSecond, out OfAction action)
    {
        var learn = new OfLearn(body.U16(), body.U16(), body.U16(), body.U64(),
            (OfLearnFlags)body.U16(), body.U8(), Padded(ref body, out var isPadded), body.U16(),
            []);
        action = learn;
        if (!isPadded) return OfErrorCode.ActionBadArgument;
        if (learn.TableId == 255) return OfErrorCode.ActionBadArgument;
        if ((learn.Flags & ~(OfLearnFlags)7) != 0) return OfErrorCode.ActionBadArgument;
        if (isSecond)
        {
            var error = DecodeSecond(ref body, ref learn);
            if (error != OfErrorCode.None) return error;
        }
        else if ((learn.Flags & OfLearnFlags.WriteResult) != 0)
        {
            return OfErrorCode.ActionBadArgument;
        }

        var specs = new List<OfLearnSpec>();
        while (body.Remaining >= 2)
        {
            var header = body.U16();
            if (header == 0) break;
            var error = DecodeSpec(header, ref body, specs);
            if (error != OfErrorCode.None) return error;
        }

        if (body.Failed || body.Rest().ContainsAnyExcept((byte)0))
            return OfErrorCode.ActionBadLength;
        action = learn with { Specs = specs.ToEquatableArray() };
        return OfErrorCode.None;
    }

    public static void Write(OfWriter writer, OfLearn learn, in OfCodecContext context)
    {
        writer.U16(learn.IdleTimeout).U16(learn.HardTimeout).U16(learn.Priority).U64(learn.Cookie);
        writer.U16((ushort)learn.Flags).U8(learn.TableId).U8(0);
        writer.U16(learn.FinIdleTimeout).U16(learn.FinHardTimeout);
        if (IsSecond(learn))
        {
            writer.U32(learn.Limit).U16((ushort)(learn.ResultDestination?.Offset ?? 0)).U16(0);
            if (learn.ResultDestination is { } result)
            {
                NxmCodec.WriteHeader(writer, result.Field, in context);
            }
        }

        foreach (var spec in learn.Specs)
        {
            var isImmediate = spec.Source is null;
            writer.U16(
                (ushort)(spec.Width | ((int)spec.Kind << 11) | (isImmediate ? ImmediateBit : 0)));
            if (spec.Source is { } source) WriteSubfield(writer, source, in context);
            else writer.Number(spec.Immediate, (spec.Width + 15) / 16 * 2);
            if (spec.Destination is { } destination) WriteSubfield(writer, destination, in context);
        }
    }

    /// <summary>The limit and the result need the second form (subtype 45).</summary>
    public static bool IsSecond(OfLearn learn) =>
        learn.Limit != 0 || (learn.Flags & OfLearnFlags.WriteResult) != 0;

    private static ushort Padded(ref OfReader body, out bool isPadded)
    {
        isPadded = body.Zeros(1);
        return body.U16();
    }

    private static OfErrorCode DecodeSecond(ref OfReader body, ref OfLearn learn)
    {
        var limit = body.U32();
        var offset = body.U16();
        body.Skip(2);
        learn = learn with { Limit = limit };
        if ((learn.Flags & OfLearnFlags.WriteResult) == 0) return OfErrorCode.None;
        var header = NxmCodec.ReadHeader(ref body);
        if (header.Field is not { } field) return OfErrorCode.ActionBadSetType;
        if (offset >= field.BitWidth) return OfErrorCode.ActionBadSetLength;
        if (!field.IsWritable) return OfErrorCode.ActionBadSetArgument;
        learn = learn with { ResultDestination = new Subfield(field, offset, 1) };
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeSpec(ushort header, ref OfReader body, List<OfLearnSpec> specs)
    {
        var width = header & CountMask;
        var kind = (header >> 11) & 3;
        if (kind == 3 || header >> 14 != 0) return OfErrorCode.ActionBadArgument;
        if (width == 0) return OfErrorCode.ActionBadArgument;
        Subfield? source = null, destination = null;
        UInt128 immediate = 0;
        if ((header & ImmediateBit) != 0)
        {
            if (kind == (int)OfLearnDestination.Output) return OfErrorCode.ActionBadArgument;
            immediate = body.Number((width + 15) / 16 * 2);
        }
        else
        {
            var error = SubfieldOf(ref body, width, out source);
            if (error != OfErrorCode.None) return error;
        }

        if (kind != (int)OfLearnDestination.Output)
        {
            var error = SubfieldOf(ref body, width, out destination);
            if (error != OfErrorCode.None) return error;
            if (kind == (int)OfLearnDestination.Load && !destination!.Value.Field.IsWritable)
            {
                return OfErrorCode.ActionBadSetArgument;
            }
        }

        specs.Add(new OfLearnSpec((OfLearnDestination)kind, width, source, immediate, destination));
        return body.Failed ? OfErrorCode.ActionBadLength : OfErrorCode.None;
    }

    private static OfErrorCode SubfieldOf(ref OfReader body, int width, out Subfield? subfield)
    {
        subfield = null;
        var header = NxmCodec.ReadHeader(ref body);
        var offset = body.U16();
        if (body.Failed) return OfErrorCode.ActionBadLength;
        if (header.Field is not { } field || header.HasMask) return OfErrorCode.ActionBadSetType;
        if (offset + width > field.BitWidth) return OfErrorCode.ActionBadSetLength;
        subfield = new Subfield(field, offset, width);
        return OfErrorCode.None;
    }

    private static void WriteSubfield(OfWriter writer, Subfield subfield, in OfCodecContext context)
    {
        NxmCodec.WriteHeader(writer, subfield.Field, in context);
        writer.U16((ushort)subfield.Offset);
    }
}
