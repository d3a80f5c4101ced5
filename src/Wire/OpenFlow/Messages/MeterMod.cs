namespace Fabric.Wire.OpenFlow;

/// <summary>Meter numbers with a meaning of their own (OpenFlow 1.3 section A.3.4.4).</summary>
public static class OfMeterNumber
{
    public const uint Max = 0xFFFF_0000;
    public const uint SlowPath = 0xFFFF_FFFD;
    public const uint Controller = 0xFFFF_FFFE;
    public const uint All = 0xFFFF_FFFF;
}

public enum MeterModCommand : ushort { Add = 0, Modify = 1, Delete = 2 }

[Flags]
public enum MeterFlags
    : ushort
{ None = 0, KilobitsPerSecond = 1, PacketsPerSecond = 2, Burst = 4, Stats = 8 }

public enum MeterBandType : ushort { Drop = 1, DscpRemark = 2 }

/// <param name="Rate">Kilobits or packets per second.</param>
/// <param name="BurstSize">Kilobits or packets.</param>
public readonly record struct MeterBand(
    MeterBandType Type, uint Rate, uint BurstSize, byte PrecedenceLevel);

public sealed record MeterMod(
    MeterModCommand Command, uint MeterId, MeterFlags Flags, EquatableArray<MeterBand> Bands)
    : OfMessage;
