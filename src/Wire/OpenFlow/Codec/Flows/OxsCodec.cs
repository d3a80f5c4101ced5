namespace Fabric.Wire.OpenFlow;

/// <summary>OpenFlow 1.5's flow statistics, a list of fields of class 0x8002.</summary>
/// <remarks>Reserved (16), length (16) with this header and without padding, fields (OXS: the form
/// of OXM), padding to 8 (OpenFlow 1.5 section 7.2.4).</remarks>
internal static class OxsCodec
{
    private const ushort BasicClass = 0x8002;

    public readonly record struct Stats(
        TimeSpan Duration, TimeSpan? Idle, ulong PacketCount, ulong ByteCount, uint? FlowCount);

    public static Stats Read(ref OfReader body)
    {
        var start = body.Position;
        body.Skip(2);
        var length = body.U16();
        var fields = new OfReader(body.Bytes(Math.Max(0, length - 4)));
        var stats = new Stats(default, null, ulong.MaxValue, ulong.MaxValue, null);
        while (fields.Remaining >= 4)
        {
            var header = fields.U32();
            var value = new OfReader(fields.Bytes((int)(header & 0xFF)));
            if (header >> 16 != BasicClass) continue;
            stats = ((header >> 9) & 0x7F) switch
            {
                0 => stats with { Duration = FlowCodec.ReadDuration(ref value) },
                1 => stats with { Idle = FlowCodec.ReadDuration(ref value) },
                3 => stats with { FlowCount = value.U32() },
                4 => stats with { PacketCount = value.U64() },
                5 => stats with { ByteCount = value.U64() },
                _ => stats,
            };
        }

        body.Align8(start);
        return stats;
    }

    public static void Write(
        OfWriter writer, TimeSpan? duration, TimeSpan? idle, ulong packets, ulong bytes,
            uint? flows)
    {
        var start = writer.Length;
        writer.U16(0).U16(0);
        if (duration is { } lived) FlowCodec.WriteDuration(Field(writer, 0, 8), lived);
        if (idle is { } quiet) FlowCodec.WriteDuration(Field(writer, 1, 8), quiet);
        if (flows is { } count) Field(writer, 3, 4).U32(count);
        if (packets != ulong.MaxValue) Field(writer, 4, 8).U64(packets);
        if (bytes != ulong.MaxValue) Field(writer, 5, 8).U64(bytes);
        writer.PatchU16(start + 2, writer.Length - start);
        writer.Align8(start);
    }

    private static OfWriter Field(OfWriter writer, int number, byte size) =>
        writer.U16(BasicClass).U8((byte)(number << 1)).U8(size);
}
