using System.Globalization;
using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <content>Reading actions.</content>
public static partial class OfActionText
{
    /// <summary>Nested actions deeper than this are refused.</summary>
    private const int DepthMax = 64;

    /// <summary>Reads "output:2,resubmit(,5),..."; "drop" and "" are none.</summary>
    public static bool TryParse(string text, out ActionList actions, out string error) =>
        TryParse(text, 0, out actions, out error);

    private static bool TryParse(string text, int depth, out ActionList actions, out string error)
    {
        actions = ActionList.Empty;
        error = "";
        if (depth > DepthMax)
        {
            error = "actions are nested too deeply";
            return false;
        }

        var list = new List<OfAction>();
        var isDrop = false;
        var splitter = new KeyValueSplitter(text);
        while (splitter.Next(out var key, out var value))
        {
            if (key.Equals("drop", StringComparison.OrdinalIgnoreCase) && value is null)
            {
                isDrop = true;
                continue;
            }

            var argument =
                new Argument(value ?? "", splitter.Suffix, splitter.Delimiter == '(',
                value is not null, depth);
            var action = Parse(key, in argument, out error);
            if (action is null)
            {
                if (error.Length == 0) error = $"{text}: unknown action {key}";
                return false;
            }

            list.Add(action);
        }

        error = splitter.Error;
        if (isDrop && list.Count > 0)
            error = "\"drop\" must not be accompanied by any other action";
        actions = ActionList.From(list);
        return error.Length == 0;
    }

    /// <param name="Suffix">What follows the parenthesis: "->NXM_NX_REG0[0]".</param>
    private readonly record struct Argument(string Text, string Suffix, bool HasParentheses,
        bool Exists, int Depth);

    private static OfAction? Parse(string key, in Argument argument, out string error)
    {
        error = "";
        if (ParseSimple(key, argument.Text) is { } simple) return simple;
        var text = argument.Text;
        switch (key.ToLowerInvariant())
        {
            case "output": return ParseOutput(in argument, out error);
            case "controller": return ParseController(in argument, out error);
            case "resubmit": return ParseResubmit(in argument, out error);
            case "load": return ParseLoad(text, out error);
            case "move": return ParseMove(text, out error);
            case "set_field": return ParseSetField(text, out error);
            case "push": return Whole(text, out var push, out error) ? new OfStackPush(push) : null;
            case "pop": return Whole(text, out var pop, out error) ? new OfStackPop(pop) : null;
            case "ct": return ParseConntrack(in argument, out error);
            case "learn": return ParseLearn(text, out error);
            case "clone":
                return TryParse(text, argument.Depth + 1, out var cloned, out error)
                    ? new OfClone(cloned) : null;
            case "write_actions":
                return TryParse(text, argument.Depth + 1, out var written, out error)
                    ? new OfWriteActions(written) : null;
            case "apply_actions": return null;
            case "conjunction": return ParseConjunction(text, out error);
            case "check_pkt_larger": return ParseCheckPacketLarger(in argument, out error);
            case "multipath": return ParseMultipath(text, out error);
            case "bundle" or "bundle_load":
                return ParseBundle(text, key == "bundle_load",
                out error);
            case "sample": return ParseSample(text, out error);
            case "fin_timeout": return ParseFinTimeout(text, out error);
            case "encap": return ParseEncap(text, out error);
            case "decap": return ParseDecap(text, out error);
            case "write_metadata": return ParseWriteMetadata(text, out error);
            case "note": return ParseNote(text, out error);
            case "delete_field":
                return MatchField.Find(text) is { } field ? new OfDeleteField(field)
                    : Fail($"{text}: unknown field", out error);
            default: return ParsePort(key, in argument);
        }
    }

    /// <summary>Actions of a name alone or a name and one number or address.</summary>
    private static OfAction? ParseSimple(string key, string text)
    {
        var isNumber = OfFieldText.TryNumber(text, out var wide);
        var n = (ulong)wide;
        var isMac = MacBytes.TryParse(text, out var mac);
        var isIp = IPAddress.TryParse(text, out var ip)
            && !ip.IsIpv6()
            && text.Contains('.', StringComparison.Ordinal);
        var address = isIp ? (uint)MatchBuilder.NumberOf(ip!) : 0;
        return key.ToLowerInvariant() switch
        {
            "group" when isNumber => new OfGroup((uint)n),
            "set_queue" when isNumber => new OfSetQueue((uint)n),
            "pop_queue" => new OfPopQueue(),
            "enqueue" => ParseEnqueue(text),
            "goto_table" when isNumber => new OfGotoTable((byte)n),
            "meter" when isNumber => new OfMeter((uint)n),
            "clear_actions" => new OfClearActions(),
            "exit" => new OfExit(),
            "ct_clear" => new OfConntrackClear(),
            "dec_nsh_ttl" => new OfDecrementNshTtl(),
            "debug_recirc" => new OfDebugRecirculate(),
            "debug_slow" => new OfDebugSlow(),
            "mod_vlan_vid" or "set_vlan_vid" when isNumber && n <= 0xFFF =>
                new OfSetVlanVid((ushort)n, key == "mod_vlan_vid"),
            "mod_vlan_pcp" or "set_vlan_pcp" when isNumber && n <= 7 =>
                new OfSetVlanPcp((byte)n, key == "mod_vlan_pcp"),
            "strip_vlan" => new OfStripVlan(),
            "pop_vlan" => new OfStripVlan(IsPop: true),
            "push_vlan" when isNumber => new OfPushVlan((ushort)n),
            "mod_dl_src" when isMac => new OfSetEthernetSource(mac),
            "mod_dl_dst" when isMac => new OfSetEthernetDestination(mac),
            "mod_nw_src" when isIp => new OfSetIpv4Source(address),
            "mod_nw_dst" when isIp => new OfSetIpv4Destination(address),
            "mod_nw_tos" when isNumber && n <= 255 && (n & 3) == 0 => new OfSetIpTos((byte)n),
            "mod_nw_ecn" when isNumber && n <= 3 => new OfSetIpEcn((byte)n),
            "mod_nw_ttl" when isNumber && n <= 255 => new OfSetIpTtl((byte)n),
            "mod_tp_src" when isNumber && n <= 65535 => new OfSetPortSource((ushort)n),
            "mod_tp_dst" when isNumber && n <= 65535 => new OfSetPortDestination((ushort)n),
            "dec_ttl" => ParseDecrementTtl(text),
            "set_mpls_label" when isNumber => new OfSetMplsLabel((uint)n),
            "set_mpls_tc" when isNumber => new OfSetMplsTc((byte)n),
            "set_mpls_ttl" when isNumber => new OfSetMplsTtl((byte)n),
            "dec_mpls_ttl" => new OfDecrementMplsTtl(),
            "push_mpls" when isNumber => new OfPushMpls((ushort)n),
            "pop_mpls" when isNumber => new OfPopMpls((ushort)n),
            "set_tunnel" when isNumber => new OfSetTunnel(n),
            "set_tunnel64" when isNumber => new OfSetTunnel(n, Is64: true),
            _ => null,
        };
    }

    private static OfDecrementTtl? ParseDecrementTtl(string text)
    {
        if (text.Length == 0) return new OfDecrementTtl();
        var ids = new List<ushort>();
        foreach (var part in text.Split(',', ' '))
        {
            if (!ushort.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                return null;
            ids.Add(id);
        }

        return new OfDecrementTtl(ids.ToEquatableArray());
    }

    private static OfEnqueue? ParseEnqueue(string text)
    {
        var parts = text.Split(':', ',');
        return parts.Length == 2 && OfPort.TryParse(parts[0], out var port)
            && uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture,
                out var queue)
            ? new OfEnqueue(port, queue) : null;
    }

    /// <summary>A port alone is an output: "2", "NORMAL".</summary>
    private static OfAction? ParsePort(string key, in Argument argument) =>
        OfPort.TryParse(key, out var port) && !argument.Exists ? new OfOutput(port) : null;

    private static OfAction? ParseOutput(in Argument argument, out string error)
    {
        error = "";
        if (argument.HasParentheses)
        {
            uint? port = null, length = null;
            var splitter = new KeyValueSplitter(argument.Text);
            while (splitter.Next(out var key, out var value))
            {
                if (key == "port" && OfPort.TryParse(value, out var p)) port = p;
                else if (key == "max_len" && OfFieldText.TryNumber(value, out var n))
                    length = (uint)n;
                else return Fail($"output: invalid {key}", out error);
            }

            return port is { } to && length is { } max ? new OfOutputTruncate(to, max)
                : Fail("output: port and max_len are needed", out error);
        }

        if (OfPort.TryParse(argument.Text, out var plain))
        {
            return plain == OfPort.Controller ? new OfController() : new OfOutput(plain);
        }

        return Whole(argument.Text, out var source, out error) ? new OfOutputRegister(source)
            : null;
    }

    private static OfAction? ParseController(in Argument argument, out string error)
    {
        error = "";
        if (!argument.Exists) return new OfController();
        if (!argument.HasParentheses)
        {
            return OfFieldText.TryNumber(argument.Text, out var length)
                ? new OfController((ushort)length) : Fail("controller: invalid length", out error);
        }

        var controller = new OfController();
        var splitter = new KeyValueSplitter(argument.Text);
        while (splitter.Next(out var key, out var value))
        {
            OfFieldText.TryNumber(value, out var n);
            switch (key)
            {
                case "max_len": controller = controller with { MaxLength = (ushort)n }; break;
                case "id": controller = controller with { ControllerId = (ushort)n }; break;
                case "meter_id": controller = controller with { MeterId = (uint)n }; break;
                case "pause": controller = controller with { Pause = true }; break;
                case "reason":
                    var reason =
                        Enum.GetValues<PacketInReason>().Where(each =>
                        ReasonName(each) == value).ToArray();
                    if (reason.Length == 0) return Fail($"unknown reason \"{value}\"", out error);
                    controller = controller with { Reason = reason[0] };
                    break;
                case "userdata":
                    if (!TryDotted(value ?? "", out var data))
                        return Fail("bad hex digit in `controller' action `userdata'", out error);
                    controller = controller with { Userdata = data };
                    break;
                default: return Fail($"unknown key \"{key}\" parsing controller action", out error);
            }
        }

        return controller;
    }

    private static OfAction? ParseNote(string text, out string error)
    {
        error = "";
        return TryDotted(text, out var data) ? new OfNote(data)
            : Fail("bad hex digit in `note' argument", out error);
    }

    private static bool TryDotted(string text, out EquatableArray<byte> data)
    {
        var hex = text.Replace(".", "", StringComparison.Ordinal);
        data = [];
        if (hex.Length % 2 != 0 || hex.AsSpan().ContainsAnyExcept("0123456789abcdefABCDEF"))
            return false;
        data = Convert.FromHexString(hex);
        return true;
    }

    private static OfAction? ParseResubmit(in Argument argument, out string error)
    {
        error = "";
        var text = argument.Text;
        if (!argument.HasParentheses)
        {
            return OfPort.TryParse(text, out var only) ? new OfResubmit(only, 255)
                : Fail($"{text}: resubmit to unknown port", out error);
        }

        var parts = text.Split(',').Select(part => part.Trim()).ToArray();
        uint? port = null;
        if (parts[0].Length > 0)
        {
            if (!OfPort.TryParse(parts[0], out var parsed))
                return Fail($"{parts[0]}: resubmit to unknown port", out error);
            port = parsed == OfPort.InPort ? null : parsed;
        }

        byte table = 255;
        if (parts.Length > 1 && parts[1].Length > 0
            && !byte.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out table))
        {
            return Fail($"{parts[1]}: resubmit to unknown table", out error);
        }

        var withTuple = parts.Length > 2 && parts[2] == "ct";
        if (parts.Length > 2 && !withTuple)
            return Fail($"{parts[2]}: unknown parameter", out error);
        if (port is null && table == 255)
            return Fail("at least one \"in_port\" or \"table\" must be specified on resubmit",
            out error);
        return new OfResubmit(port, table, withTuple);
    }

    private static bool SplitArrow(string text, out string left, out string right, out string error)
    {
        var arrow = text.IndexOf("->", StringComparison.Ordinal);
        (left, right) = arrow < 0 ? ("", "") : (text[..arrow], text[(arrow + 2)..]);
        error = arrow < 0 ? $"{text}: missing `->'" : "";
        return arrow >= 0;
    }

    /// <summary>
    /// "NXM_NX_REG0[0..15]", "reg0[3]", "reg0[]"; a bare name is the whole field.
    /// </summary>
    public static bool TryParseSubfield(string text, out Subfield subfield, out string error)
    {
        subfield = default;
        error = "";
        var bracket = text.IndexOf('[', StringComparison.Ordinal);
        var name = bracket < 0 ? text : text[..bracket];
        if (MatchField.Find(name) is not { } field)
        {
            error = $"{text}: unknown field `{name}'";
            return false;
        }

        subfield = new Subfield(field);
        if (bracket < 0) return true;
        if (!text.EndsWith(']'))
        {
            error = $"{text}: missing ] following field name {name}";
            return false;
        }

        var range = text[(bracket + 1)..^1];
        if (range.Length == 0) return true;
        var dots = range.IndexOf("..", StringComparison.Ordinal);
        var from = dots < 0 ? range : range[..dots];
        var to = dots < 0 ? range : range[(dots + 2)..];
        if (!int.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            || !int.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var last))
        {
            error = $"{text}: syntax error expecting [] or [<bit>] or [<start>..<end>]";
            return false;
        }

        if (first > last || last >= field.BitWidth)
        {
            error = $"{text}: starting bit {first} is after ending bit {last} "
                + "or the field ends before";
            return false;
        }

        subfield = new Subfield(field, first, last - first + 1);
        return true;
    }

    private static bool Whole(string text, out Subfield subfield, out string error) =>
        TryParseSubfield(text, out subfield, out error);

    private static OfAction? ParseLoad(string text, out string error)
    {
        if (!SplitArrow(text, out var left, out var right, out error)) return null;
        if (!TryParseSubfield(right, out var destination, out error)) return null;
        if (!OfFieldText.TryNumber(left, out var value)
            && !OfFieldText.TryParse(destination.Field, left, out value, out _, out error))
        {
            return null;
        }

        error = "";
        if (destination.Width < 128 && value >> destination.Width != 0)
        {
            return Fail($"{text}: value does not fit into {destination.Width} bits", out error);
        }

        if (!destination.Field.IsWritable)
            return Fail($"{text}: field {destination.Field.Name} is read-only", out error);
        return value >> 64 == 0 ? new OfLoad(destination, (ulong)value)
            : new OfSetField(destination.Field, value << destination.Offset,
                MatchField.LowBits(destination.Width) << destination.Offset);
    }

    private static OfAction? ParseMove(string text, out string error)
    {
        if (!SplitArrow(text, out var left, out var right, out error)) return null;
        if (!TryParseSubfield(left, out var source, out error)) return null;
        if (!TryParseSubfield(right, out var destination, out error)) return null;
        if (source.Width != destination.Width)
        {
            return Fail(
                $"{text}: source field is {source.Width} bits wide "
                + $"but destination is {destination.Width} bits wide", out error);
        }

        return destination.Field.IsWritable ? new OfMove(source, destination)
            : Fail($"{text}: destination field {destination.Field.Name} is not writable",
                out error);
    }

    private static OfAction? ParseSetField(string text, out string error)
    {
        if (!SplitArrow(text, out var left, out var right, out error)) return null;
        if (MatchField.Find(right) is not { } field)
        {
            // A subfield takes a number, as load does.
            return TryParseSubfield(right, out var part, out _)
                && ParseLoad(text, out error) is { } load
                ? load : Fail($"{right} is not a valid OXM field name", out error);
        }

        if (!field.IsWritable) return Fail($"{right} is read-only", out error);
        if (!OfFieldText.TryParse(field, left, out var value, out var mask, out error)) return null;
        if (ReferenceEquals(field, MatchField.VlanVid))
            (value, mask) = (value & 0xFFF, mask & 0xFFF);
        return new OfSetField(field, value & mask, mask);
    }

    private static OfAction? Fail(string text, out string error)
    {
        error = text;
        return null;
    }
}
