using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>The bfd column of an Interface row, as ovs-vswitchd.conf.db(5) has it.</summary>
/// <param name="MinRx">Milliseconds, 1 at least; usually 1000.</param>
/// <param name="MinTx">Milliseconds, 1 at least; usually 100.</param>
/// <param name="Multiplier">Packets in a row that may be lost less one; 1 to 255.</param>
/// <param name="IsPathDown">cpath_down: tell the peer that what is behind us is lost.</param>
/// <param name="ChecksKey">Take packets of a tunnel with key 0 only.</param>
/// <param name="SourceMac">Of packets sent; null: the port's.</param>
/// <param name="DestinationMac">Of packets sent.</param>
/// <param name="RemoteDestination">Of packets received; null: any.</param>
public sealed record BfdSettings(
    int MinRx, int MinTx, byte Multiplier, bool IsPathDown, bool ChecksKey, MacBytes? SourceMac,
    MacBytes DestinationMac, MacBytes? RemoteDestination, IPAddress Source, IPAddress Destination)
{
    private const int MinRxDefault = 1000;
    private const int MinTxDefault = 100;
    private const byte MultiplierDefault = 3;

    /// <summary>What Open vSwitch and OVN send to where nobody has set another address.</summary>
    public static MacBytes DestinationDefault { get; } = MacBytes.FromUInt64(0x0023_2000_0001);

    public static BfdSettings Default { get; } =
        Parse(ImmutableSortedDictionary<string, string>.Empty);

    /// <summary>bfd:enable is true.</summary>
    public static bool IsEnabled(ImmutableSortedDictionary<string, string> column) =>
        column.GetValueOrDefault("enable") == "true";

    /// <summary>What is missing or makes no sense is as usual.</summary>
    public static BfdSettings Parse(ImmutableSortedDictionary<string, string> column)
    {
        return new BfdSettings(
            Number("min_rx", MinRxDefault, int.MaxValue), Number("min_tx", MinTxDefault,
                int.MaxValue), (byte)Number("mult", MultiplierDefault, byte.MaxValue),
            Is("cpath_down"), Is("check_tnl_key"), Mac("bfd_local_src_mac"),
            Mac("bfd_local_dst_mac") ?? DestinationDefault, Mac("bfd_remote_dst_mac"),
            Address("bfd_src_ip", "169.254.1.1"), Address("bfd_dst_ip", "169.254.1.0"));

        string? Text(string key) => column.GetValueOrDefault(key);

        bool Is(string key) => Text(key) == "true";

        int Number(string key, int otherwise, int max) =>
            int.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                && value >= 1 && value <= max ? value : otherwise;

        MacBytes? Mac(string key) =>
            MacBytes.TryParse(Text(key) ?? "", out var mac) && !mac.IsZero ? mac : null;

        IPAddress Address(string key, string otherwise) =>
            IPAddress.TryParse(Text(key), out var address)
                && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
                ? address : IPAddress.Parse(otherwise);
    }
}
