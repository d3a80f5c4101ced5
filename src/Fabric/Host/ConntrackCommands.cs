using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Fabric.Datapath;

namespace Fabric.Host;

/// <summary>dpctl's commands about connections, and the same under `fabric conntrack`.</summary>
public static class ConntrackCommands
{
    /// <param name="tracker">The tracker at hand; null while there is no datapath.</param>
    public static void Register(UnixctlCommands commands, Func<IDatapathConntrack?> tracker)
    {
        Add("dpctl/dump-conntrack", "[-m] [-s] [dp] [zone=N]", 4, Dump);
        Add("conntrack/dump", "[ZONE]", 2, Dump);
        Add("dpctl/flush-conntrack",
            "[dp] [zone=N] [mark=X[/M]] [labels=X[/M]] [ct-tuple...]", 6, Flush);
        Add("conntrack/flush", "[ZONE]", 2, (connections, arguments) =>
        {
            var count = connections.Flush(new ConntrackFilter(Zone: ZoneOf(arguments)));
            return $"{count} connections removed\n";
        });
        Add("dpctl/ct-stats-show", "[dp] [zone=N] [verbose]", 3, Statistics);
        Add("dpctl/ct-get-nconns", "[dp]", 1,
            (connections, _) => $"{connections.Totals().Count}\n");
        Add("dpctl/ct-get-maxconns", "[dp]", 1, (connections, _) => $"{connections.CountMax}\n");
        Add("dpctl/ct-set-maxconns", "[dp] maxconns", 2, (connections, arguments) =>
        {
            if (!uint.TryParse(arguments[^1], out var max) || arguments.IsEmpty)
            {
                throw new UnixctlException("maxconns missing or malformed (Invalid argument)");
            }

            connections.CountMax = max;
            return "setting maxconns successful\n";
        });
        Add("dpctl/ct-get-limits", "[dp] [zone=N1[,N2]...]", 2, GetLimits);
        Add("conntrack/limits", "", 1, GetLimits);
        Add("dpctl/ct-set-limits", "[dp] [default=L] [zone=N,limit=L]...", 64, SetLimits);
        Add("dpctl/ct-del-limits", "[dp] zone=N1[,N2]...", 2, DeleteLimits);

        void Add(
            string name, string usage, int max,
            Func<IDatapathConntrack, ImmutableArray<string>, string> run) =>
            commands.Register(name, usage, 0, max, request => Task.FromResult(run(
                tracker() ?? throw new UnixctlException("no datapaths exist"),
                request.Arguments.Remove("--json"))));
    }

    private static string Dump(IDatapathConntrack connections, ImmutableArray<string> arguments)
    {
        var text = new StringBuilder();
        var hasStatistics = arguments.Contains("-s");
        connections.Dump(ZoneOf(arguments), entry =>
            text.Append(ConntrackText.Print(entry, hasStatistics)).Append('\n'));
        return text.ToString();
    }

    private static string Flush(IDatapathConntrack connections, ImmutableArray<string> arguments)
    {
        var filter = new ConntrackFilter(Zone: ZoneOf(arguments));
        foreach (var argument in arguments)
        {
            if (argument.StartsWith("mark=", StringComparison.Ordinal))
            {
                var (value, mask) = Masked(argument[5..], "mark");
                filter = filter with { Mark = (uint)value, MarkMask = (uint)mask };
            }
            else if (argument.StartsWith("labels=", StringComparison.Ordinal))
            {
                var (value, mask) = Masked(argument[7..], "labels");
                filter = filter with { Label = value, LabelMask = mask };
            }
            else if (argument.StartsWith("ct_", StringComparison.Ordinal))
            {
                var tuple = TupleOf(argument);
                filter = filter.Original is null
                    ? filter with { Original = tuple }
                    : filter with { Reply = tuple };
            }
        }

        connections.Flush(filter);
        return "";
    }

    private static string Statistics(
        IDatapathConntrack connections, ImmutableArray<string> arguments)
    {
        var totals = connections.Totals();
        var text = new StringBuilder("Connections Stats:\n");
        text.Append(CultureInfo.InvariantCulture, $"    Total: {totals.Count}\n");
        foreach (var (state, count) in totals.ByState)
        {
            text.Append(CultureInfo.InvariantCulture, $"        {state}: {count}\n");
        }

        return text.ToString();
    }

    private static string GetLimits(
        IDatapathConntrack connections, ImmutableArray<string> arguments)
    {
        var text = new StringBuilder();
        foreach (var (zone, limit, count) in connections.Limits())
        {
            text.Append(zone is null
                ? string.Create(CultureInfo.InvariantCulture, $"default limit={limit}\n")
                : string.Create(CultureInfo.InvariantCulture,
                    $"zone={zone},limit={limit},count={count}\n"));
        }

        return text.ToString();
    }

    private static string SetLimits(
        IDatapathConntrack connections, ImmutableArray<string> arguments)
    {
        foreach (var argument in arguments)
        {
            if (argument.StartsWith("default=", StringComparison.Ordinal))
            {
                connections.SetLimit(null, Number(argument[8..]));
                continue;
            }

            var parts = argument.Split(',');
            if (parts is not [['z', 'o', 'n', 'e', '=', .. var zone],
                ['l', 'i', 'm', 'i', 't', '=', .. var limit]])
            {
                if (argument.Contains('@')) continue; // The datapath's name.
                throw new UnixctlException($"invalid zone limit - {argument}");
            }

            connections.SetLimit((ushort)Number(zone), Number(limit));
        }

        return "";
    }

    private static string DeleteLimits(
        IDatapathConntrack connections, ImmutableArray<string> arguments)
    {
        foreach (var argument in arguments)
        {
            if (!argument.StartsWith("zone=", StringComparison.Ordinal)) continue;
            foreach (var zone in argument[5..].Split(','))
            {
                connections.SetLimit((ushort)Number(zone), null);
            }
        }

        return "";
    }

    private static ushort? ZoneOf(ImmutableArray<string> arguments)
    {
        foreach (var argument in arguments)
        {
            var text = argument.StartsWith("zone=", StringComparison.Ordinal)
                ? argument[5..]
                : argument;
            if (ushort.TryParse(text, out var zone)) return zone;
        }

        return null;
    }

    /// <summary>ct_nw_src=...,ct_tp_dst=... as flush-conntrack takes them.</summary>
    private static ConntrackTuple TupleOf(string text)
    {
        var tuple = new ConntrackTuple(null, null, null, null, null);
        foreach (var part in text.Split(','))
        {
            var equals = part.IndexOf('=');
            if (equals < 0) throw new UnixctlException($"failed to parse ct-tuple: {part}");
            var value = part[(equals + 1)..];
            tuple = part[..equals] switch
            {
                "ct_nw_src" or "ct_ipv6_src" => tuple with { Source = Address(value) },
                "ct_nw_dst" or "ct_ipv6_dst" => tuple with { Destination = Address(value) },
                "ct_nw_proto" => tuple with { Protocol = (byte)Number(value) },
                "ct_tp_src" => tuple with { PortSource = (ushort)Number(value) },
                "ct_tp_dst" => tuple with { PortDestination = (ushort)Number(value) },
                "icmp_id" => tuple with { IcmpId = (ushort)Number(value) },
                "icmp_type" => tuple with { PortSource = (ushort)Number(value) },
                "icmp_code" => tuple with { PortDestination = (ushort)Number(value) },
                var name => throw new UnixctlException($"invalid ct-tuple field: {name}"),
            };
        }

        return tuple;
    }

    private static IPAddress Address(string text) => IPAddress.TryParse(text, out var address)
        ? address
        : throw new UnixctlException($"failed to parse address {text}");

    private static uint Number(string text) => uint.TryParse(text, out var value)
        ? value
        : throw new UnixctlException($"failed to parse number {text}");

    private static (UInt128 Value, UInt128 Mask) Masked(string text, string name)
    {
        var parts = text.Split('/');
        if (parts.Length <= 2 && Hex(parts[0]) is { } value)
        {
            if (parts.Length == 1) return (value, UInt128.MaxValue);
            if (Hex(parts[1]) is { } mask) return (value, mask);
        }

        throw new UnixctlException($"failed to parse {name} {text}");
    }

    private static UInt128? Hex(string text)
    {
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return UInt128.TryParse(isHex ? text[2..] : text,
            isHex ? NumberStyles.HexNumber : NumberStyles.None, CultureInfo.InvariantCulture,
            out var value) ? value : null;
    }
}
