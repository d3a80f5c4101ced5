using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire;

namespace Fabric.Host;

/// <summary>netdev-dummy/*: devices that exist for tests only.</summary>
public static class DummyDeviceCommands
{
    private const int PacketSizeMax = 65_535;
    private const int PacketSizeMin = 14;

    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        commands.Register(
            "netdev-dummy/receive", "name [--qid queue_id] packet|flow [--len packet_len]", 2, 512,
            request => Task.FromResult(Receive(store, request.Arguments)));
        commands.Register(
            "netdev-dummy/set-admin-state", "[netdev] up|down", 1, 2,
            request => Task.FromResult(SetAdminState(store, request.Arguments)));
        commands.Register(
            "dpif-dummy/change-port-number", "dp port new-number", 3, 3,
            request => Task.FromResult(ChangeNumber(store, request.Arguments)));
        commands.Register(
            "netdev-dummy/conn-state", "[netdev]", 0, 1,
            request => Task.FromResult(ConnectionStates(store, request.Arguments)));
        commands.Register(
            "netdev-dummy/ip4addr", "[netdev] ipaddr/mask-prefix-len", 2, 2,
            request => Task.FromResult(Give(
                store, request.Arguments, AddressFamily.InterNetwork, "IPv4", "IP")));
        commands.Register(
            "netdev-dummy/ip6addr", "[netdev] ip6addr", 2, 2,
            request => Task.FromResult(Give(
                store, request.Arguments, AddressFamily.InterNetworkV6, "IPv6", "IPv6")));
    }

    /// <summary>Of one device, or of all.</summary>
    private static string SetAdminState(SwitchStore store, ImmutableArray<string> arguments)
    {
        var isUp = arguments[^1] switch
        {
            "up" => true,
            "down" => false,
            _ => throw new UnixctlException("Invalid Admin State"),
        };
        if (arguments.Length == 2)
        {
            var port = Find(store, arguments[0])
                ?? throw new UnixctlException("Unknown Dummy Interface");
            port.IsAdminUp = isUp;
            return "OK";
        }

        foreach (var datapath in store.Datapaths)
        {
            foreach (var each in datapath.Provider.Ports.Dump())
            {
                if (Find(store, each.Name) is { } port) port.IsAdminUp = isUp;
            }
        }

        return "OK";
    }

    /// <summary>Of devices with option `stream`, by which they connect.</summary>
    private static string ConnectionStates(SwitchStore store, ImmutableArray<string> arguments)
    {
        var states = store.Bridges.SelectMany(bridge => bridge.Interfaces)
            .Where(each => each.Spec.Options.ContainsKey("stream"))
            .ToImmutableSortedDictionary(
                each => each.Spec.Name,
                each => Find(store, each.Spec.Name) is { IsStreamConnected: true }
                    ? "connected" : "disconnected",
                StringComparer.Ordinal);
        return arguments is [var name]
            ? $"{name}: {states.GetValueOrDefault(name, "unknown")}\n"
            : string.Concat(states.Select(each => $"{each.Key}: {each.Value}\n"));
    }

    private static string ChangeNumber(SwitchStore store, ImmutableArray<string> arguments)
    {
        if (DatapathLookup.Find(store, arguments[0])?.Provider is not UserspaceDatapath datapath)
        {
            throw new UnixctlException("unknown datapath or not a dummy");
        }

        if (!uint.TryParse(arguments[2], out var number) || number == 0)
        {
            throw new UnixctlException("bad port number");
        }

        return datapath.TryChangeNumber(arguments[1], number)
            ? ""
            : throw new UnixctlException("unknown port, or port number in use");
    }

    private static string Give(
        SwitchStore store, ImmutableArray<string> arguments, AddressFamily family,
        string version, string word)
    {
        if (Find(store, arguments[0]) is null)
        {
            throw new UnixctlException("Unknown Dummy Interface");
        }

        var (text, slash) = (arguments[1], arguments[1].IndexOf('/'));
        var isAddress = IPAddress.TryParse(slash < 0 ? text : text[..slash], out var host)
            && host.AddressFamily == family;
        if (isAddress && RouteTable.TryParse(text, out var address, out _))
        {
            store.Underlay.Routes.AddAddress(arguments[0], address);
            return "OK";
        }

        var bits = family == AddressFamily.InterNetwork ? 32 : 128;
        throw new UnixctlException(isAddress
            ? $"{text}: {version} network prefix bits not between 0 and {bits}, inclusive"
            : $"{text}: invalid {word} address");
    }

    /// <remarks>Answers when everything that the packets cause has happened.</remarks>
    private static string Receive(SwitchStore store, ImmutableArray<string> arguments)
    {
        var port = Find(store, arguments[0]) ?? throw new UnixctlException("no such dummy netdev");
        var packets = new List<byte[]>();
        for (var i = 1; i < arguments.Length; i++)
        {
            if (arguments[i] == "--qid")
            {
                i++;
                continue;
            }

            var size = 0;
            var hasSize = i + 2 < arguments.Length && arguments[i + 1] == "--len";
            if (hasSize && (!int.TryParse(
                arguments[i + 2], NumberStyles.None, CultureInfo.InvariantCulture, out size)
                || size is < PacketSizeMin or > PacketSizeMax))
            {
                throw new UnixctlException("too small packet len");
            }

            if (!TryCompose(store, arguments[i], size, out var packet, out var problem))
            {
                throw new UnixctlException(problem);
            }

            packets.Add(packet);
            if (hasSize) i += 2;
        }

        foreach (var packet in packets) port.Inject(packet);
        return "";
    }

    /// <summary>Hexadecimal digits, blanks allowed, or a datapath flow.</summary>
    private static bool TryCompose(
        SwitchStore store, string text, int size, out byte[] packet, out string problem)
    {
        packet = [];
        problem = "";
        if (!text.Contains('('))
        {
            var digits = string.Concat(text.Where(c => !char.IsWhiteSpace(c)));
            if (digits.Length % 2 == 0 && digits.Length >= PacketSizeMin * 2
                && digits.All(char.IsAsciiHexDigit))
            {
                packet = Convert.FromHexString(digits);
                return true;
            }

            problem = $"syntax error at {text}";
            return false;
        }

        uint? NumberOf(string name) => Find(store, name)?.Number;
        if (!OdpFlowText.TryParse(text, NumberOf, out var key, out _, out var error))
        {
            problem = $"bad packet or flow syntax: {error}";
            return false;
        }

        packet = PacketBuilder.Compose(in key, size);
        return true;
    }

    private static MemoryPort? Find(SwitchStore store, string name)
    {
        foreach (var datapath in store.Datapaths)
        {
            if (datapath.Provider is UserspaceDatapath managed
                && managed.FindMemoryPort(name) is { } port)
            {
                return port;
            }
        }

        return null;
    }
}
