using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

/// <summary>A class of the "htb" discipline, tc-htb(8).</summary>
/// <param name="Minor">What follows "1:".</param>
/// <param name="MinimumRate">What it gets when all want to send; bytes per second.</param>
/// <param name="MaximumRate">What it may borrow up to; bytes per second.</param>
/// <param name="Burst">Bytes that may leave at once; less than a packet counts as one.</param>
/// <param name="Priority">The lowest takes first what is left over.</param>
public sealed record HtbClass(
    ushort Minor, ulong MinimumRate, ulong MaximumRate, uint Burst, uint Priority)
{
    /// <summary>The class that all others borrow from.</summary>
    public const ushort RootMinor = 0xFFFE;

    private const ushort AttributeParameters = 1;
    private const ushort AttributeRate64 = 6;
    private const ushort AttributeCeiling64 = 7;
    private const int ParametersSize = 44; // struct tc_htb_opt
    private const int RateToQuantum = 10;
    private const byte LinkLayerEthernet = 1;
    private const byte CellLog = 3;
    private const ushort PacketSizeMin = 60;

    /// <summary>The kernel's clock for this ticks each 64 ns (PSCHED_SHIFT).</summary>
    private const ulong TicksPerSecond = 15_625_000;

    public uint Handle => TrafficControlRequest.Handle | Minor;

    internal uint Parent => TrafficControlRequest.Handle | (Minor == RootMinor ? 0u : RootMinor);

    internal void Write(ref NetlinkWriter writer, int mtu)
    {
        writer.PutText(TrafficControlRequest.AttributeKind, "htb");
        var options = writer.Begin(TrafficControlRequest.AttributeOptions);
        Span<byte> bytes = stackalloc byte[ParametersSize];
        bytes.Clear();
        WriteRate(bytes, MinimumRate);
        WriteRate(bytes[12..], MaximumRate);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[24..], TicksOf(MinimumRate, mtu));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[28..], TicksOf(MaximumRate, mtu));
        var isSlow = MinimumRate / RateToQuantum < (ulong)mtu;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[32..], isSlow ? (uint)mtu : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[40..], Priority);
        writer.Put(AttributeParameters, bytes);
        if (MinimumRate > uint.MaxValue) writer.PutUInt64(AttributeRate64, MinimumRate);
        if (MaximumRate > uint.MaxValue) writer.PutUInt64(AttributeCeiling64, MaximumRate);
        writer.End(options);
    }

    /// <summary>struct tc_ratespec.</summary>
    private static void WriteRate(Span<byte> bytes, ulong rate)
    {
        bytes[0] = CellLog;
        bytes[1] = LinkLayerEthernet;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[6..], PacketSizeMin);
        BinaryPrimitives.WriteUInt32LittleEndian(
            bytes[8..], (uint)Math.Min(rate, uint.MaxValue));
    }

    /// <summary>How long the burst takes at that rate.</summary>
    private uint TicksOf(ulong rate, int mtu)
    {
        var bytes = Math.Max(Burst, (ulong)mtu);
        return rate == 0
            ? 0 : (uint)UInt128.Min(uint.MaxValue, (UInt128)bytes * TicksPerSecond / rate);
    }
}
