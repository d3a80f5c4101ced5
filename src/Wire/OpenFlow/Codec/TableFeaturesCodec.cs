namespace Fabric.Wire.OpenFlow;

/// <summary>
/// Table features: one entry says what a table's instructions, actions and fields are.
/// </summary>
/// <remarks>
/// The properties are the same for all tables: every instruction, the actions that OpenFlow 1.3
/// names, every OXM field to match, wildcard and set (OpenFlow 1.3 section A.3.5.5).
/// </remarks>
internal static class TableFeaturesCodec
{
    private const ushort Instructions = 0, NextTables = 2, WriteActions = 4, ApplyActions = 6,
        MatchFields = 8, Wildcards = 10, WriteSetField = 12, ApplySetField = 14;

    private const int FixedSize = 64;

    private static readonly ushort[] ActionTypes = [0, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25];

    public static void Write(OfWriter writer, OfTableFeatures table, in OfCodecContext context)
    {
        var start = writer.Length;
        writer.U16(0).U8(table.TableId);
        if (context.Version >= OfVersion.OpenFlow15) writer.U8(0).U32(0);
        else writer.Zeros(5);
        writer.Text(table.Name, 32).U64(table.MetadataMatch).U64(table.MetadataWrite);
        var capabilities = (table.SupportsEviction ? 4u : 0) | (table.SupportsVacancy ? 8u : 0);
        writer.U32(context.Version >= OfVersion.OpenFlow14 ? capabilities
            : 0).U32(table.MaxEntries);
        for (var miss = 0; miss < 2; miss++)
        {
            WriteInstructions(
                writer, (ushort)(Instructions + miss), !table.IsLastTable, in context);
            WriteProperty(writer, (ushort)(NextTables + miss), table.NextTables.AsSpan());
            WriteActionTypes(writer, (ushort)(WriteActions + miss));
            WriteActionTypes(writer, (ushort)(ApplyActions + miss));
            WriteFields(writer, (ushort)(WriteSetField + miss), field => field.IsWritable,
                in context);
            WriteFields(writer, (ushort)(ApplySetField + miss), field => field.IsWritable,
                in context);
        }

        WriteFields(writer, MatchFields, _ => true, in context, tellsMasks: true);
        WriteFields(writer, Wildcards, _ => true, in context);
        writer.PatchU16(start, writer.Length - start);
    }

    /// <summary>Whether a request to change features is whole.</summary>
    public static OfErrorCode ErrorOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % 8 != 0) return OfErrorCode.RequestBadLength;
        while (!bytes.IsEmpty)
        {
            var length = new OfReader(bytes).U16();
            if (length < FixedSize || length % 8 != 0 || length > bytes.Length)
                return OfErrorCode.PropertyBadLength;
            bytes = bytes[length..];
        }

        return OfErrorCode.None;
    }

    /// <summary>The fixed part; properties are passed over.</summary>
    public static OfErrorCode Decode(
        ref OfReader body, in OfCodecContext context, List<OfTableFeatures> tables)
    {
        while (!body.IsEmpty)
        {
            var (length, id) = (body.U16(), body.U8());
            body.Skip(5);
            var (name, match, write) = (body.Text(32), body.U64(), body.U64());
            var (capabilities, max) = (body.U32(), body.U32());
            if (body.Failed || length < 64 || length - 64 > body.Remaining)
                return OfErrorCode.RequestBadLength;
            var rest = new OfReader(body.Bytes(length - 64));
            var next = EquatableArray.Create(ReadOnlySpan<byte>.Empty);
            while (rest.Remaining >= 4)
            {
                var start = rest.Position;
                var (type, size) = (rest.U16(), rest.U16());
                if (size < 4) return OfErrorCode.PropertyBadLength;
                var data = rest.Bytes(size - 4);
                if (type == NextTables) next = EquatableArray.Create(data);
                rest.Align8(start);
            }

            var has14 = context.Version >= OfVersion.OpenFlow14;
            tables.Add(new OfTableFeatures(id, name, match, write, max, has14
                && (capabilities & 4) != 0,
                has14 && (capabilities & 8) != 0, next, next.IsEmpty));
        }

        return OfErrorCode.None;
    }

    private static void WriteInstructions(
        OfWriter writer, ushort property, bool canGoto, in OfCodecContext context)
    {
        var start = writer.Length;
        writer.U16(property).U16(0);
        // From OpenFlow 1.5 on a meter is an action.
        var last = context.Version >= OfVersion.OpenFlow15 ? 5 : 6;
        for (var type = canGoto ? 1 : 2; type <= last; type++) writer.U16((ushort)type).U16(4);
        End(writer, start);
    }

    private static void WriteActionTypes(OfWriter writer, ushort property)
    {
        var start = writer.Length;
        writer.U16(property).U16(0);
        foreach (var type in ActionTypes) writer.U16(type).U16(4);
        End(writer, start);
    }

    private static void WriteFields(
        OfWriter writer, ushort property, Func<MatchField, bool> isWanted,
        in OfCodecContext context, bool tellsMasks = false)
    {
        var start = writer.Length;
        writer.U16(property).U16(0);
        foreach (var field in MatchField.All)
        {
            // A list of all TLV fields and long views would say nothing more.
            var isListed = field.Oxm is not null || field.Nxm is not null;
            if (!isListed || !isWanted(field)) continue;
            NxmCodec.WriteHeader(writer, field, tellsMasks && field.IsMaskable, in context);
        }

        End(writer, start);
    }

    private static void WriteProperty(OfWriter writer, ushort property, ReadOnlySpan<byte> data)
    {
        var start = writer.Length;
        writer.U16(property).U16(0).Bytes(data);
        End(writer, start);
    }

    private static void End(OfWriter writer, int start)
    {
        writer.PatchU16(start + 2, writer.Length - start);
        writer.Align8(start);
    }
}
