using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Host;

/// <summary>ovs/route/* and tnl/ports, tnl/egress_port_range: how tunnels leave and come.</summary>
public static class RouteCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        var routes = store.Underlay.Routes;
        Add("ovs/route/show", "", 0, 0, _ => Show(routes));
        Add("ovs/route/add", "ip_addr/prefix_len out_br_name [gw] [pkt_mark=mark]", 2, 4,
            words => Give(routes, words));
        Add("ovs/route/del", "ip_addr/prefix_len [pkt_mark=mark]", 1, 2,
            words => Remove(routes, words));
        Add("ovs/route/lookup", "ip_addr [pkt_mark=mark]", 1, 2, words => Find(routes, words));
        Add("tnl/ports/show", "-v", 0, 1,
            words => words.Contains("-v") ? Addresses(store) : Ports(store));
        Add("tnl/egress_port_range", "min max", 0, 2, words => Range(store, words));

        void Add(
            string name, string usage, int min, int max,
            Func<ImmutableArray<string>, string> run) => commands.Register(
            name, usage, min, max, request => Task.FromResult(run(request.Arguments)));
    }

    private static string Show(RouteTable routes)
    {
        var text = new StringBuilder("Route Table:\n");
        foreach (var route in routes.All())
        {
            text.Append(route.IsUser ? "User: " : "Cached: ");
            text.Append($"{route.Prefix}/{route.Length}");
            if (route.Mark is { } mark) text.Append($" MARK {mark}");
            text.Append($" dev {route.Device}");
            if (route.Gateway is { } gateway) text.Append($" GW {gateway}");
            if (route.Source is { } source) text.Append($" SRC {source}");
            text.Append('\n');
        }

        return text.ToString();
    }

    private static string Give(RouteTable routes, ImmutableArray<string> words)
    {
        var (prefix, length) = Prefix(words[0]);
        IPAddress? gateway = null;
        foreach (var word in words[2..])
        {
            if (word.StartsWith("pkt_mark=", StringComparison.Ordinal)) continue;
            if (!IPAddress.TryParse(word, out gateway))
            {
                throw new UnixctlException("Invalid pkt_mark or gateway");
            }
        }

        var source = routes.SourceOf(words[1], gateway ?? prefix)
            ?? throw new UnixctlException("Error while inserting route.");
        routes.Add(new Route(prefix, length, words[1], gateway, source, true, Mark(words)));
        return "OK";
    }

    private static string Remove(RouteTable routes, ImmutableArray<string> words)
    {
        var (prefix, length) = Prefix(words[0]);
        return routes.Remove(prefix, length, Mark(words))
            ? "OK" : throw new UnixctlException("Not found");
    }

    private static string Find(RouteTable routes, ImmutableArray<string> words)
    {
        if (!IPAddress.TryParse(words[0], out var address))
        {
            throw new UnixctlException("Invalid parameters");
        }

        var route = routes.Find(address, Mark(words) ?? 0)
            ?? throw new UnixctlException("Not found");
        return $"src {route.Source}\ngateway {route.Gateway ?? IPAddress.IPv6Any}\n"
            + $"dev {route.Device}\n";
    }

    private static (IPAddress Prefix, int Length) Prefix(string text) =>
        RouteTable.TryParse(text, out var prefix, out var length)
            ? (prefix, length) : throw new UnixctlException("Invalid parameters");

    private static uint? Mark(ImmutableArray<string> words)
    {
        var word = words.FirstOrDefault(
            each => each.StartsWith("pkt_mark=", StringComparison.Ordinal));
        return uint.TryParse(word?[9..], out var mark) ? mark : null;
    }

    /// <summary>Tunnel ports that packets are received by, with their numbers.</summary>
    private static string Ports(SwitchStore store)
    {
        var text = new StringBuilder("Listening ports:\n");
        foreach (var datapath in store.Datapaths)
        {
            foreach (var port in datapath.Provider.Ports.Dump().OrderBy(each => each.Number))
            {
                if (port.Kind != DatapathPortKind.Tunnel) continue;
                var users = store.Ports.Users.Count(user =>
                    store.Ports.TryGet(user.Bridge, user.Interface, out var use)
                    && use.DatapathType == datapath.Type && use.PortName == port.Name);
                text.Append($"{port.Name} ({port.Number}) ref_cnt={users}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>What is opened as a tunnel, by address: as dpctl prints flows.</summary>
    private static string Addresses(SwitchStore store)
    {
        var text = new StringBuilder("Listening ports:\n");
        foreach (var datapath in store.Datapaths)
        {
            if (datapath.Native is null) continue;
            foreach (var local in Locals(datapath)) Addresses(text, datapath, local);
        }

        return text.ToString();
    }

    private static IEnumerable<PortSnapshot> Locals(SwitchedDatapath datapath) =>
        datapath.Current.BridgesInOrder
            .Select(bridge => bridge.Ports.GetValueOrDefault(OfPort.Local)).OfType<PortSnapshot>();

    private static void Addresses(
        StringBuilder text, SwitchedDatapath datapath, PortSnapshot local)
    {
        var tunnels = datapath.Provider.Ports.Dump()
            .Where(port => port.Kind == DatapathPortKind.Tunnel)
            .ToImmutableDictionary(port => port.Number, port => port.Name);
        var sources = datapath.Native!.Routes.All().Where(each => each.Device == local.Name)
            .Select(each => each.Source).OfType<IPAddress>().Distinct();
        foreach (var address in sources)
        {
            foreach (var (protocol, port, number) in datapath.Current.Listeners.All)
            {
                var isIpv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
                text.Append($"{tunnels.GetValueOrDefault(number, "")} ({number}) : ");
                text.Append($"eth(dst={local.Mac}),eth_type(0x{(isIpv6 ? "86dd" : "0800")}),");
                text.Append($"{(isIpv6 ? "ipv6" : "ipv4")}(dst={address},proto={protocol},");
                text.Append("frag=no)");
                if (protocol == IpProtocol.Udp) text.Append($",udp(dst={port})");
                text.Append('\n');
            }
        }
    }

    /// <summary>The outer source ports of UDP tunnels.</summary>
    private static string Range(SwitchStore store, ImmutableArray<string> words)
    {
        var datapaths = store.Datapaths.Select(each => each.Provider)
            .OfType<UserspaceDatapath>().ToArray();
        if (words.Length != 2)
        {
            var now = datapaths.FirstOrDefault()?.TunnelSourcePorts ?? SourcePorts.Default;
            return $"Tunnel UDP source port range: {now.Min}-{now.Max}\n";
        }

        // These are no errors to ovs-vswitchd: they are answers.
        if (!ushort.TryParse(words[0], out var min) || min == 0) return "Invalid min.";
        if (!ushort.TryParse(words[1], out var max) || max == 0) return "Invalid max.";
        foreach (var datapath in datapaths)
        {
            datapath.TunnelSourcePorts = new SourcePorts(
                Math.Min(min, max), Math.Max(min, max));
        }

        return "OK";
    }
}
