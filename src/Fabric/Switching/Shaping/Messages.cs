using System.Collections.Immutable;

namespace Fabric.Switching;

/// <summary>To the shaping room: how all devices shall send, and how ports be policed.</summary>
/// <param name="Revision">Open_vSwitch.next_cfg that this state belongs to.</param>
public sealed record ShapingWanted(long Revision, ImmutableArray<InterfaceShape> Interfaces);

/// <summary>From the shaping room: it is so, as far as the kernel could.</summary>
public sealed record ShapingReconciled(long Revision);

/// <summary>One interface that is open.</summary>
/// <param name="DatapathType">"system", "netdev" or "dummy".</param>
/// <param name="Device">Interface index; 0: it has no device of the system's.</param>
/// <param name="Queueing">The row of QoS; null: none.</param>
public sealed record InterfaceShape(
    string Name, string DatapathType, int Device, int Mtu, QosLayout? Queueing,
    PolicingSpec Policing);

/// <summary>ingress_policing_* of a row of Interface; a rate of 0: none.</summary>
/// <param name="Rate">Kilobits per second.</param>
/// <param name="Burst">Kilobits; 0: <see cref="BurstDefault"/>.</param>
/// <param name="PacketRate">Thousands of packets per second.</param>
/// <param name="PacketBurst">Thousands of packets; 0: <see cref="PacketBurstDefault"/>.</param>
public readonly record struct PolicingSpec(
    long Rate, long Burst, long PacketRate, long PacketBurst)
{
    public const long BurstDefault = 8000;
    public const long PacketBurstDefault = 16;

    public bool IsNone => Rate == 0 && PacketRate == 0;
}
