using System.Collections.Immutable;
using System.Globalization;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>ovs-appctl's commands that make dummy devices receive packets.</summary>
public static class DummyCommands
{
    private const int PacketSizeMax = 65_535;

    public static void Register(UnixctlCommands commands, SwitchStore store) => commands.Register(
        "netdev-dummy/receive", "name [--qid queue_id] packet|flow [--len packet_len]", 2, 512,
        request => Task.FromResult(Receive(store, request.Arguments)));

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
                || size is < 14 or > PacketSizeMax))
            {
                throw new UnixctlException("too small packet len");
            }

            packets.Add(Parse(store, arguments[i], size));
            if (hasSize) i += 2;
        }

        foreach (var packet in packets) port.Inject(packet);
        return "success\n";
    }

    private static byte[] Parse(SwitchStore store, string text, int size)
    {
        if (!text.Contains('('))
        {
            if (text.Length % 2 == 0 && text.Length >= 28 && text.All(char.IsAsciiHexDigit))
            {
                return Convert.FromHexString(text);
            }

            throw new UnixctlException("bad packet or flow syntax");
        }

        uint? NumberOf(string name) => Find(store, name)?.Number;
        if (!OdpFlowText.TryParse(text, NumberOf, out var key, out _, out var error))
        {
            throw new UnixctlException($"bad packet or flow syntax: {error}");
        }

        return PacketBuilder.Compose(in key, size);
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
