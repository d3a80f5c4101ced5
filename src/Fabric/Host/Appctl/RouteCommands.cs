using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Fabric.Datapath;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>ovs/route/* and tnl/*: the way that encapsulated packets take.</summary>
public static class RouteCommands
{
    private const string NeighbourPath = "/proc/net/arp";

    public static void Register(UnixctlCommands commands, SwitchStore store, RouteTable routes)
    {
        Add("ovs/route/show", "", 0, 0, _ => Show(routes));
        Add("ovs/route/add", "ip_addr/prefix_len out_br_name [gw] [pkt_mark=mark]", 2, 4,
            words => Give(routes, words));
        Add("ovs/route/del", "ip_addr/prefix_len [pkt_mark=mark]", 1, 2,
            words => Remove(routes, words));
        Add("ovs/route/lookup", "ip_addr [pkt_mark=mark]", 1, 2, words => Find(routes, words));
        Add("tnl/ports/show", "-v", 0, 1, _ => Ports(store));
        foreach (var name in (string[])["tnl/neigh/show", "tnl/arp/show"])
        {
            Add(name, "", 0, 0, _ => Neighbours());
        }

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
                throw new UnixctlException("Invalid pkt_mark or IP gateway");
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

        var route = routes.Find(address, Mark(words)) ?? throw new UnixctlException("Not found");
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

    /// <summary>The system's neighbours: what tunnels of the managed datapath go by.</summary>
    private static string Neighbours()
    {
        var text = new StringBuilder(
            $"{"IP",-46}{"MAC",-20}Bridge\n{new string('=', 74)}\n");
        if (!File.Exists(NeighbourPath)) return text.ToString();
        foreach (var line in File.ReadLines(NeighbourPath).Skip(1))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 6 || fields[3] == "00:00:00:00:00:00") continue;
            text.Append($"{fields[0],-46}{fields[3],-20}{fields[5]}\n");
        }

        return text.ToString();
    }
}
