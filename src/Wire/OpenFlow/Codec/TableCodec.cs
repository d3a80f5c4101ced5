namespace Fabric.Wire.OpenFlow;

/// <summary>Table-mods, table statistics and descriptions.</summary>
internal static class TableCodec
{
    private const ushort EvictionProperty = 2, VacancyProperty = 3;
    private const uint EvictionConfig = 4, VacancyConfig = 8;

    public static OfErrorCode DecodeMod(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var table = body.U8();
        body.Skip(3);
        var config = body.U32();
        var mod = new TableMod(table, TableMiss.Default, null, null, null, 0, 0);
        message = mod;
        if (body.Failed) return OfErrorCode.RequestBadLength;
        if (context.Version < OfVersion.OpenFlow13)
        {
            if (config > 3) return OfErrorCode.TableModBadConfig;
            var miss =
                (config & 3) switch
                {
                    0 => TableMiss.Controller,
                    1 => TableMiss.Continue,
                    2 =>
                TableMiss.Drop,
                    _ => TableMiss.Default
                };
            message = mod with { Miss = miss };
            return config == 3 ? OfErrorCode.TableModBadConfig : OfErrorCode.None;
        }

        if (context.Version == OfVersion.OpenFlow13)
        {
            return (config & ~3u) != 0 ? OfErrorCode.TableModBadConfig : OfErrorCode.None;
        }

        if ((config & ~(EvictionConfig | VacancyConfig)) != 0) return OfErrorCode.TableModBadConfig;
        mod = mod
            with
        {
            Eviction = (config & EvictionConfig) != 0,
            Vacancy = (config & VacancyConfig) != 0
        };
        while (!body.IsEmpty)
        {
            var (type, length) = (body.U16(), body.U16());
            if (body.Failed || length != 8 || body.Remaining < 4)
                return OfErrorCode.PropertyBadLength;
            switch (type)
            {
                case EvictionProperty:
                    mod = mod with { EvictionFlags = (EvictionFlags)body.U32() };
                    break;
                case VacancyProperty:
                    mod = mod with { VacancyDown = body.U8(), VacancyUp = body.U8() };
                    body.Skip(2);
                    if (mod.VacancyUp < mod.VacancyDown) return OfErrorCode.PropertyBadValue;
                    break;
                default: return OfErrorCode.PropertyBadType;
            }
        }

        message = mod;
        return (mod.EvictionFlags ?? 0) > (EvictionFlags)7 ? OfErrorCode.TableModBadConfig
            : OfErrorCode.None;
    }

    public static void WriteMod(OfWriter writer, TableMod mod, in OfCodecContext context)
    {
        writer.U8(mod.TableId).Zeros(3);
        if (context.Version < OfVersion.OpenFlow14)
        {
            writer.U32(mod.Miss switch { TableMiss.Continue => 1u, TableMiss.Drop => 2u, _ => 0u });
            return;
        }

        writer.U32((mod.Eviction == true ? EvictionConfig : 0)
            | (mod.Vacancy == true ? VacancyConfig : 0));
        if (mod.EvictionFlags is { } flags) writer.U16(EvictionProperty).U16(8).U32((uint)flags);
        if (mod.Vacancy == true)
            writer.U16(VacancyProperty).U16(8).U8(mod.VacancyDown).U8(mod.VacancyUp).Zeros(2);
    }

    public static void WriteDescription(OfWriter writer, OfTableDescription table)
    {
        var start = writer.Length;
        writer.U16(0).U8(table.TableId).Zeros(1);
        writer.U32((table.Eviction ? EvictionConfig : 0) | (table.Vacancy ? VacancyConfig : 0));
        writer.U16(EvictionProperty).U16(8).U32((uint)table.EvictionFlags);
        writer.U16(VacancyProperty).U16(8).U8(table.VacancyDown).U8(table.VacancyUp).U8(
            table.VacancyNow).Zeros(1);
        writer.PatchU16(start, writer.Length - start);
    }

    public static OfErrorCode DecodeDescriptions(ref OfReader body, List<OfTableDescription> tables)
    {
        while (!body.IsEmpty)
        {
            var (length, id) = (body.U16(), body.U8());
            body.Skip(1);
            var config = body.U32();
            if (body.Failed || length < 8 || length - 8 > body.Remaining)
                return OfErrorCode.RequestBadLength;
            var rest = new OfReader(body.Bytes(length - 8));
            var table =
                new OfTableDescription(id, (config & EvictionConfig) != 0, 0,
                (config & VacancyConfig) != 0, 0, 0, 0);
            while (rest.Remaining >= 8)
            {
                var type = rest.U16();
                rest.Skip(2);
                if (type == EvictionProperty)
                {
                    table = table with { EvictionFlags = (EvictionFlags)rest.U32() };
                    continue;
                }

                table = table
                    with
                { VacancyDown = rest.U8(), VacancyUp = rest.U8(), VacancyNow = rest.U8() };
                rest.Skip(1);
            }

            tables.Add(table);
        }

        return OfErrorCode.None;
    }

    public static void WriteStats(OfWriter writer, OfTableStats table, in OfCodecContext context)
    {
        writer.U8(table.TableId);
        switch (context.Version)
        {
            case OfVersion.OpenFlow10:
                writer.Zeros(3).Text(table.Name,
                    32).U32(0x3FFFFF).U32(table.MaxEntries).U32(table.ActiveCount);
                break;
            case OfVersion.OpenFlow11:
                writer.Zeros(7).Text(table.Name, 32).U32(Fields11).U32(Fields11);
                writer.U32(InstructionsOf(table)).U32(Actions11).U32(Actions11);
                writer.U32(MissOf(table)).U32(table.MaxEntries).U32(table.ActiveCount);
                break;
            case OfVersion.OpenFlow12:
                writer.Zeros(7).Text(table.Name,
                    32).U64(AllFields).U64(AllFields).U32(Actions12).U32(Actions12);
                writer.U64(SetFields).U64(SetFields).U64(ulong.MaxValue).U64(ulong.MaxValue);
                writer.U32(InstructionsOf(table)).U32(MissOf(table));
                writer.U32(table.MaxEntries).U32(table.ActiveCount);
                break;
            default:
                writer.Zeros(3).U32(table.ActiveCount);
                break;
        }

        writer.U64(table.LookupCount).U64(table.MatchedCount);
    }

    private const ulong AllFields = (1UL << 36) - 1;
    private const uint Actions12 = 0x3FF_8001;

    // OpenFlow 1.1: OFPFMF_* without TYPE, and actions 0 to 24.
    private const uint Fields11 = 0xFBFF;
    private const uint Actions11 = 0x1FF_FFFF;
    private const byte LastTable = 253;
    private const ushort OxmClass = 0x8000;

    /// <summary>Bit n: the OXM field n can be set.</summary>
    private static readonly ulong SetFields = MatchField.All
        .Where(field => field is { IsWritable: true, Oxm: { Class: OxmClass, Number: < 36 } })
        .Aggregate(0UL, (bits, field) => bits | (1UL << field.Oxm!.Value.Number));

    /// <summary>The last table has nowhere to go to.</summary>
    private static uint InstructionsOf(OfTableStats table) =>
        table.TableId < LastTable ? 0x3Eu : 0x3Cu;

    private static uint MissOf(OfTableStats table) =>
        table.Miss switch { TableMiss.Continue => 1u, TableMiss.Drop => 2u, _ => 0u };

    public static OfErrorCode DecodeStats(
        ref OfReader body, in OfCodecContext context, List<OfTableStats> tables)
    {
        while (!body.IsEmpty)
        {
            var id = body.U8();
            var (name, max) = ("", 0u);
            var skip = context.Version switch
            {
                OfVersion.OpenFlow10 => 4,
                OfVersion.OpenFlow11 => 24,
                OfVersion.OpenFlow12 => 64,
                _ => -1,
            };
            body.Skip(context.Version is OfVersion.OpenFlow11 or OfVersion.OpenFlow12 ? 7 : 3);
            if (skip >= 0)
            {
                name = body.Text(32);
                body.Skip(skip);
                max = body.U32();
            }

            tables.Add(new OfTableStats(id, name, max, body.U32(), body.U64(), body.U64()));
            if (body.Failed) return OfErrorCode.RequestBadLength;
        }

        return OfErrorCode.None;
    }
}
