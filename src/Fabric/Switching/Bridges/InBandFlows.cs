using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Fabric.Controllers;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>
/// Hidden flows that let the way to in-band controllers through whatever controllers say.
/// </summary>
/// <remarks>
/// As in Open vSwitch (its manual calls them in-band control): the bridge's own DHCP and ARP, ARP
/// about the controllers, and TCP with them go by NORMAL, above every priority of OpenFlow. Off
/// with other_config:disable-in-band, and for controllers whose connection_mode is out-of-band.
/// </remarks>
internal static class InBandFlows
{
    private const int FirstPriority = 180_000;
    private const ulong Ip = 0x0800, Arp = 0x0806, Udp = 17, Tcp = 6, Request = 1, Reply = 2;
    private const ulong DhcpClient = 68, DhcpServer = 67;

    public static ImmutableArray<HiddenFlow> Of(BridgeSpec spec, BridgeSnapshot bridge)
    {
        if (spec.OtherConfig.GetValueOrDefault("disable-in-band") == "true") return [];
        if (!bridge.Ports.TryGetValue(OfPort.Local, out var local)) return [];
        var remotes = spec.Controllers.Values.Where(each => each.ConnectionMode != "out-of-band")
            .SelectMany(each => RemoteOf(each.Target)).Distinct().ToArray();
        if (remotes.Length == 0) return [];
        var flows = ImmutableArray.CreateBuilder<HiddenFlow>();
        Add(0, new MatchBuilder().Set(MatchField.InPortOxm, (ulong)OfPort.Local)
            .Set(MatchField.EthernetSource, local.Mac).Set(MatchField.EthernetType, Ip)
            .Set(MatchField.IpProtocol, Udp).Set(MatchField.UdpSource, DhcpClient)
            .Set(MatchField.UdpDestination, DhcpServer));
        Add(1, ArpOf(Reply).Set(MatchField.EthernetDestination, local.Mac));
        Add(2, ArpOf(Request).Set(MatchField.EthernetSource, local.Mac));
        foreach (var address in remotes.Select(each => each.Address).Distinct())
        {
            Add(5, ArpOf(Reply).Set(MatchField.ArpTpa, address));
            Add(6, ArpOf(Request).Set(MatchField.ArpSpa, address));
        }

        foreach (var (address, port) in remotes)
        {
            Add(7, TcpOf().Set(MatchField.Ipv4Destination, address)
                .Set(MatchField.TcpDestination, (ulong)port));
            Add(8, TcpOf().Set(MatchField.Ipv4Source, address)
                .Set(MatchField.TcpSource, (ulong)port));
        }

        return flows.ToImmutable();

        void Add(int above, MatchBuilder match) =>
            flows.Add(new HiddenFlow(FirstPriority + above, match.Build()));
    }

    private static IEnumerable<(IPAddress Address, int Port)> RemoteOf(string target)
    {
        if (!StreamTarget.TryParse(target, ControllersActor.DefaultPort, out var remote)
            || remote.IsPassive || remote.Kind == StreamKind.Unix
            || !IPAddress.TryParse(remote.Host, out var address)
            || address.AddressFamily != AddressFamily.InterNetwork)
        {
            yield break;
        }

        yield return (address, remote.Port);
    }

    private static MatchBuilder ArpOf(ulong operation) => new MatchBuilder()
        .Set(MatchField.EthernetType, Arp).Set(MatchField.ArpOpcode, operation);

    private static MatchBuilder TcpOf() => new MatchBuilder()
        .Set(MatchField.EthernetType, Ip).Set(MatchField.IpProtocol, Tcp);
}
