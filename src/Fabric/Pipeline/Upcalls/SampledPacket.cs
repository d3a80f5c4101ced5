using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>A packet that the bridge's sFlow collectors shall hear of.</summary>
/// <param name="Bridge">Where it came in.</param>
/// <param name="Port">The OpenFlow port by which it came.</param>
/// <param name="Output">ifIndex, 0x80000000 + ports, or 0x40000000 + reason.</param>
/// <param name="Tci">VLAN tag on the way in; 0: none.</param>
/// <param name="OutputTci">VLAN tag on the way out; 0: none.</param>
/// <param name="Size">Bytes of the packet.</param>
/// <param name="Header">Its first bytes, as it came.</param>
public sealed record SampledPacket(
    string Bridge, PortSnapshot Port, uint Output, ushort Tci, ushort OutputTci, int Size,
    ReadOnlyMemory<byte> Header)
{
    private const int HeaderSizeMax = 256;

    /// <summary>The tag above, the output below: travels in the datapath's action.</summary>
    public static ulong CookieOf(ushort tci, uint output) => ((ulong)tci << 32) | output;

    internal static SampledPacket Of(
        PortSnapshot port, ReadOnlySpan<byte> packet, in FlowKey key, ulong cookie) => new(
        port.Bridge, port, (uint)cookie, KeyCommit.Host(key.VlanTci0Wire), (ushort)(cookie >> 32),
        packet.Length, packet[..Math.Min(packet.Length, HeaderSizeMax)].ToArray());
}
