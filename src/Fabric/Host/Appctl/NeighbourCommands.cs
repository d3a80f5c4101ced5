using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire;

namespace Fabric.Host;

/// <summary>tnl/neigh/*, by their old names tnl/arp/*: link addresses of peers.</summary>
public static class NeighbourCommands
{
    private const int AgingMax = 3_600;

    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        var table = store.Underlay.Neighbours;
        foreach (var group in (ImmutableArray<string>)["tnl/neigh", "tnl/arp"])
        {
            Add($"{group}/show", "", 0, 0, _ => Show(table, store.Time.Milliseconds()));
            Add($"{group}/set", "BRIDGE IP MAC", 3, 3,
                words => Set(table, words, store.Time.Milliseconds()));
            Add($"{group}/flush", "", 0, 0, _ =>
            {
                table.Flush();
                return "OK";
            });
            Add($"{group}/aging", "[SECS]", 0, 1, words => Age(table, words));
        }

        void Add(
            string name, string usage, int min, int max,
            Func<ImmutableArray<string>, string> run) => commands.Register(
            name, usage, min, max, request => Task.FromResult(run(request.Arguments)));
    }

    private static string Show(NeighbourTable table, long now)
    {
        table.Sweep(now);
        var text = new StringBuilder(
            $"{"IP",-46}{"MAC",-20}Bridge\n{new string('=', 74)}\n");
        foreach (var each in table.All)
        {
            text.Append($"{each.Address,-46}{each.Mac,-20}{each.Bridge}\n");
        }

        return text.ToString();
    }

    private static string Set(NeighbourTable table, ImmutableArray<string> words, long now)
    {
        if (!IPAddress.TryParse(words[1], out var address))
        {
            throw new UnixctlException("bad IP address");
        }

        if (!MacBytes.TryParse(words[2], out var mac))
        {
            throw new UnixctlException("bad MAC address");
        }

        table.Set(words[0], address, mac, now);
        return "OK";
    }

    private static string Age(NeighbourTable table, ImmutableArray<string> words)
    {
        if (words.IsEmpty) return table.AgingSeconds.ToString(CultureInfo.InvariantCulture);
        if (!int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var age)
            || age is < 1 or > AgingMax)
        {
            throw new UnixctlException("bad aging value");
        }

        table.AgingSeconds = age;
        return "OK";
    }
}
