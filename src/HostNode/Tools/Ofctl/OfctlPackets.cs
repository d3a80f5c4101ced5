using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Packets sent by hand, tunnel options and connections.</summary>
internal static partial class OfctlPackets
{
    public static readonly OfctlCommand[] Commands =
    [
        new("packet-out", 2, int.MaxValue, "BRIDGE IN_PORT ACTIONS HEX...",
            "execute actions on packets; or BRIDGE \"in_port=N packet=HEX actions=...\"",
            SendAsync),
        new("add-tlv-map", 2, 2, "BRIDGE MAP", "tunnel options become fields",
            call => MapAsync(call, TlvTableCommand.Add)),
        new("del-tlv-map", 1, 2, "BRIDGE [MAP]", "and no longer",
            call => MapAsync(
                call, call.Word(1) is null ? TlvTableCommand.Clear : TlvTableCommand.Delete)),
        new("dump-tlv-map", 1, 1, "BRIDGE", "which options are fields", DumpMapAsync),
        new("ct-flush-zone", 2, 2, "BRIDGE ZONE", "end a zone's connections", FlushZoneAsync),
        new("ct-flush", 1, 4, "BRIDGE [ZONE] [TUPLE [REPLY]]", "end connections", FlushAsync),
    ];

    private static async Task SendAsync(OfctlCall call)
    {
        if (call.Words.Length == 2)
        {
            var parts = Whole().Match(call.Words[1]);
            if (!parts.Success) throw new ToolException("in_port, packet and actions are needed");
            await SendAsync(
                call, parts.Groups[1].Value, parts.Groups[3].Value, [parts.Groups[2].Value]);
            return;
        }

        if (call.Words.Length == 3) throw new ToolException("a packet is missing");
        await SendAsync(call, call.Words[1], call.Words[2], call.Words[3..]);
    }

    private static async Task SendAsync(
        OfctlCall call, string port, string actions, string[] packets)
    {
        if (!OfActionText.TryParse(actions, out var list, out var error))
            throw new ToolException(error);
        var frames = packets.Select(Bytes).ToList();
        var source = OfPort.TryParse(port, out var number) ? number : await call.PortAsync(port);
        await call.ChangeAsync(
            [.. frames.Select(frame => new OfPacketOut(source, list, [.. frame]))]);
    }

    private static byte[] Bytes(string hex)
    {
        hex = hex.Replace(" ", "").Replace(":", "").Replace(".", "");
        try
        {
            return Convert.FromHexString(hex);
        }
        catch (FormatException)
        {
            throw new ToolException("Trailing garbage in packet data");
        }
    }

    private static async Task MapAsync(OfctlCall call, TlvTableCommand command)
    {
        var mappings = new List<TlvMapping>();
        var text = call.Word(1) ?? "";
        var found = Mapping().Matches(text);
        foreach (System.Text.RegularExpressions.Match match in found)
        {
            if (!TryNumber(match.Groups[1].Value, ushort.MaxValue, out var optionClass)
                || !TryNumber(match.Groups[2].Value, byte.MaxValue, out var type)
                || !TryNumber(match.Groups[3].Value, TlvTable.OptionSizeMax, out var size)
                || !TryNumber(match.Groups[4].Value, TlvTable.IndexCount - 1, out var index))
            {
                throw new ToolException($"invalid tlv mapping {match.Value}");
            }

            mappings.Add(
                new TlvMapping((ushort)optionClass, (byte)type, (byte)size, (ushort)index));
        }

        if (mappings.Count == 0 && text.Length > 0)
            throw new ToolException($"invalid tlv mapping {text}");
        await call.ChangeAsync([new OfTlvTableMod(command, [.. mappings])]);
    }

    private static bool TryNumber(string text, uint most, out uint number)
    {
        var isNumber = OfFieldText.TryNumber(text, out var value) && value <= most;
        number = isNumber ? (uint)value : 0;
        return isNumber;
    }

    private static async Task DumpMapAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var (xid, table) = await bridge.AskAsync<OfTlvTableReply>(new OfTlvTableRequest());
        var mappings = table.Mappings.AsEnumerable().ToList();
        await call.PrintHeadAsync("NXT_TLV_TABLE_REPLY", bridge, xid);
        await call.PrintAsync(
            $" max option space={table.MaxOptionSpace} max fields={table.MaxFields}\n"
            + $" allocated option space={mappings.Sum(one => one.OptionSize)}\n\n"
            + " mapping table:\n  class  type  length  match field\n"
            + " ------  ----  ------  --------------");
        foreach (var one in mappings)
        {
            await call.PrintAsync(
                $" {Hex(one.OptionClass),6} {Hex(one.OptionType),5} "
                + $"{one.OptionSize,7}  tun_metadata{one.Index}");
        }
    }

    private static string Hex(uint value) => value == 0 ? "0" : $"0x{value:x}";

    private static async Task FlushZoneAsync(OfctlCall call)
    {
        if (!ushort.TryParse(call.Words[1], CultureInfo.InvariantCulture, out var zone))
            throw new ToolException($"{call.Words[1]}: invalid zone");
        await call.ChangeAsync([new OfConntrackFlushZone(zone)]);
    }

    private static async Task FlushAsync(OfctlCall call)
    {
        var words = call.Words[1..].ToList();
        ushort? zone = null;
        if (words.Count > 0 && words[0].StartsWith("zone=", StringComparison.Ordinal))
        {
            zone = ushort.TryParse(words[0][5..], CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new ToolException($"invalid zone {words[0][5..]}");
            words.RemoveAt(0);
        }

        var (protocol, family) = ((byte)0, (byte)0);
        var tuples = new List<OfConntrackTuple>();
        foreach (var word in words) tuples.Add(Tuple(word, ref protocol, ref family));
        await call.ChangeAsync(
        [
            new OfConntrackFlush(
                protocol, family, zone, tuples.ElementAtOrDefault(0),
                tuples.ElementAtOrDefault(1)),
        ]);
    }

    private static OfConntrackTuple Tuple(string text, ref byte protocol, ref byte family)
    {
        const byte Inet = 2, Inet6 = 10;
        var tuple = new OfConntrackTuple(null, null, null, null, null, null, null);
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = part.Split('=') is [var left, var right]
                ? (left.Trim(), right.Trim())
                : throw new ToolException($"{part}: a value is missing");
            if (key is "ct_nw_src" or "ct_nw_dst" or "ct_ipv6_src" or "ct_ipv6_dst"
                && IPAddress.TryParse(value, out var address))
            {
                family = key.StartsWith("ct_ipv6", StringComparison.Ordinal) ? Inet6 : Inet;
                tuple = key.EndsWith("src", StringComparison.Ordinal)
                    ? tuple with { Source = address } : tuple with { Destination = address };
                continue;
            }

            if (!TryNumber(value, ushort.MaxValue, out var number))
                throw new ToolException($"invalid {key} {value}");
            if (key == "ct_nw_proto") protocol = (byte)number;
            else tuple = Set(tuple, key, (ushort)number);
        }

        return tuple;
    }

    private static OfConntrackTuple Set(OfConntrackTuple tuple, string key, ushort value) =>
        key switch
        {
            "ct_tp_src" => tuple with { PortSource = value },
            "ct_tp_dst" => tuple with { PortDestination = value },
            "icmp_type" => tuple with { IcmpType = (byte)value },
            "icmp_code" => tuple with { IcmpCode = (byte)value },
            "icmp_id" => tuple with { IcmpId = value },
            _ => throw new ToolException($"invalid conntrack tuple field: {key}"),
        };

    [GeneratedRegex(@"^\s*in_port=(\S+?)[,\s]+packet=([0-9a-fA-F]+)[,\s]+actions=(.*)$")]
    private static partial Regex Whole();

    [GeneratedRegex(@"\{class=(\w+),type=(\w+),len=(\w+)\}->tun_metadata(\d+)")]
    private static partial Regex Mapping();
}
