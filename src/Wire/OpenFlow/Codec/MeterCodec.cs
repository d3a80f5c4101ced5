namespace Fabric.Wire.OpenFlow;

/// <summary>Meter-mods, configurations and statistics (OpenFlow 1.3 and later).</summary>
internal static class MeterCodec
{
    private const int BandSize = 16;

    public static OfErrorCode DecodeMod(ref OfReader body, out OfMessage message)
    {
        var command = body.U16();
        var flags = body.U16();
        var meter = body.U32();
        message = new MeterMod((MeterModCommand)command, meter, (MeterFlags)flags, []);
        if (body.Failed) return OfErrorCode.RequestBadLength;
        if (command > 2) return OfErrorCode.MeterBadCommand;
        var isDelete = command == (int)MeterModCommand.Delete;
        if (isDelete) return OfErrorCode.None;
        if (meter == 0 || (meter > OfMeterNumber.Max && !IsReserved(meter)))
            return OfErrorCode.MeterInvalid;
        const MeterFlags rates = MeterFlags.KilobitsPerSecond | MeterFlags.PacketsPerSecond;
        if (flags > 15 || ((MeterFlags)flags & rates) is MeterFlags.None or rates)
            return OfErrorCode.MeterBadFlags;
        var error = DecodeBands(ref body, out var bands);
        message = new MeterMod((MeterModCommand)command, meter, (MeterFlags)flags, bands);
        return error;
    }

    private static bool IsReserved(uint meter) =>
        meter is OfMeterNumber.SlowPath or OfMeterNumber.Controller;

    public static void WriteMod(OfWriter writer, MeterMod mod)
    {
        writer.U16((ushort)mod.Command).U16((ushort)mod.Flags).U32(mod.MeterId);
        WriteBands(writer, mod.Bands);
    }

    public static OfErrorCode DecodeConfigs(ref OfReader body, List<OfMeterConfig> configs)
    {
        while (!body.IsEmpty)
        {
            var (length, flags, meter) = (body.U16(), body.U16(), body.U32());
            if (body.Failed || length < 8 || length - 8 > body.Remaining)
                return OfErrorCode.RequestBadLength;
            var rest = new OfReader(body.Bytes(length - 8));
            var error = DecodeBands(ref rest, out var bands);
            if (error != OfErrorCode.None) return error;
            configs.Add(new OfMeterConfig(meter, (MeterFlags)flags, bands));
        }

        return OfErrorCode.None;
    }

    public static void WriteConfig(OfWriter writer, OfMeterConfig config)
    {
        var start = writer.Length;
        writer.U16(0).U16((ushort)config.Flags).U32(config.MeterId);
        WriteBands(writer, config.Bands);
        writer.PatchU16(start, writer.Length - start);
    }

    public static OfErrorCode DecodeStats(ref OfReader body, List<OfMeterStats> meters)
    {
        while (!body.IsEmpty)
        {
            var meter = body.U32();
            var length = body.U16();
            body.Skip(6);
            var (flows, packets, bytes) = (body.U32(), body.U64(), body.U64());
            var duration = FlowCodec.ReadDuration(ref body);
            if (body.Failed || length < 40 || (length - 40) % 16 != 0
                || length - 40 > body.Remaining)
            {
                return OfErrorCode.RequestBadLength;
            }

            var bands = new OfMeterBandStats[(length - 40) / 16];
            for (var i = 0; i < bands.Length; i++) bands[i] =
                new OfMeterBandStats(body.U64(), body.U64());
            meters.Add(new OfMeterStats(meter, flows, packets, bytes, duration, bands));
        }

        return OfErrorCode.None;
    }

    public static void WriteStats(OfWriter writer, OfMeterStats stats)
    {
        var start = writer.Length;
        writer.U32(stats.MeterId).U16(0).Zeros(6).U32(stats.FlowCount);
        writer.U64(stats.PacketInCount).U64(stats.ByteInCount);
        FlowCodec.WriteDuration(writer, stats.Duration);
        foreach (var band in stats.Bands) writer.U64(band.PacketCount).U64(band.ByteCount);
        writer.PatchU16(start + 4, writer.Length - start);
    }

    private static OfErrorCode DecodeBands(ref OfReader body, out EquatableArray<MeterBand> bands)
    {
        var list = new List<MeterBand>();
        bands = [];
        while (!body.IsEmpty)
        {
            var (type, length, rate, burst) = (body.U16(), body.U16(), body.U32(), body.U32());
            if (body.Failed || length != BandSize || body.Remaining < 4)
                return OfErrorCode.RequestBadLength;
            var level = body.U8();
            body.Skip(3);
            if (type is not (1 or 2)) return OfErrorCode.MeterBadBand;
            list.Add(new MeterBand((MeterBandType)type, rate, burst, type == 2 ? level : (byte)0));
        }

        bands = list.ToEquatableArray();
        return OfErrorCode.None;
    }

    private static void WriteBands(OfWriter writer, EquatableArray<MeterBand> bands)
    {
        foreach (var band in bands)
        {
            writer.U16((ushort)band.Type).U16(BandSize).U32(band.Rate).U32(band.BurstSize);
            writer.U8(band.PrecedenceLevel).Zeros(3);
        }
    }
}
