using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>The shorter forms of an explained trace: ovn-trace's --summary and --minimal.</summary>
/// <remarks>
/// Summary: a block for each logical pipeline with the actions that ran in it. Minimal: only what
/// the packet looks like from outside: changes of its headers, and where it goes.
/// </remarks>
internal sealed partial class TraceSummary
{
    /// <summary>OVN's names of what is seen from outside.</summary>
    private static readonly Dictionary<string, string> Fields = new(StringComparer.Ordinal)
    {
        ["NXM_OF_ETH_SRC"] = "eth.src", ["NXM_OF_ETH_DST"] = "eth.dst",
        ["NXM_OF_IP_SRC"] = "ip4.src", ["NXM_OF_IP_DST"] = "ip4.dst",
        ["NXM_NX_IPV6_SRC"] = "ip6.src", ["NXM_NX_IPV6_DST"] = "ip6.dst",
        ["NXM_NX_IP_TTL"] = "ip.ttl", ["NXM_NX_IP_DSCP"] = "ip.dscp",
        ["NXM_OF_IP_TOS"] = "nw_tos", ["NXM_OF_ARP_OP"] = "arp.op",
        ["NXM_NX_ARP_SHA"] = "arp.sha", ["NXM_NX_ARP_THA"] = "arp.tha",
        ["NXM_OF_ARP_SPA"] = "arp.spa", ["NXM_OF_ARP_TPA"] = "arp.tpa",
        ["NXM_OF_TCP_SRC"] = "tcp.src", ["NXM_OF_TCP_DST"] = "tcp.dst",
        ["NXM_OF_UDP_SRC"] = "udp.src", ["NXM_OF_UDP_DST"] = "udp.dst",
        ["NXM_OF_ICMP_TYPE"] = "icmp4.type", ["NXM_NX_ICMPV6_TYPE"] = "icmp6.type",
    };

    private readonly StringBuilder _text = new();
    private readonly bool _isMinimal;
    private string _inport = "", _outport = "", _open = "";

    private TraceSummary(bool isMinimal) => _isMinimal = isMinimal;

    /// <param name="explained">What <see cref="LogicalTrace.Explain"/> returns.</param>
    public static string Of(string explained, TraceForm form)
    {
        if (form == TraceForm.Detailed) return explained;
        var summary = new TraceSummary(form == TraceForm.Minimal);
        foreach (var line in explained.Split('\n')) summary.Read(line);
        summary.Close();
        return summary._text.ToString();
    }

    private void Read(string line)
    {
        if (Stage().Match(line) is { Success: true } stage)
            Enter(stage.Groups[1].Value, stage.Groups[2].Value == "in");
        else if (line.StartsWith("continues on ", StringComparison.Ordinal))
            End(line);
        else if (line.StartsWith("    ", StringComparison.Ordinal))
            Act(line.Trim());
    }

    private void Enter(string datapath, bool isIngress)
    {
        var header = isIngress
            ? $"ingress(dp=\"{datapath}\", inport=\"{_inport}\") {{"
            : $"egress(dp=\"{datapath}\", inport=\"{_inport}\", outport=\"{_outport}\") {{";
        if (_isMinimal || header == _open) return;
        Close();
        _text.Append(header).Append('\n');
        _open = header;
    }

    private void Close()
    {
        if (_open.Length > 0) _text.Append("};\n");
        _open = "";
    }

    private void End(string line)
    {
        Close();
        _text.Append(line).Append('\n');
    }

    private void Act(string action)
    {
        if (Loaded().Match(action) is { Success: true } loaded)
        {
            Load(loaded);
        }
        else if (Sent().Match(action) is { Success: true } sent)
        {
            var remark = sent.Groups[1].Success ? $" /* {sent.Groups[1].Value} */" : "";
            Say($"output(\"{_outport}\");{remark}");
        }
        else if (action.StartsWith("dec_ttl", StringComparison.Ordinal))
        {
            Say("ip.ttl--;");
        }
        else if (action == "drop" || (!_isMinimal && !Inner().IsMatch(action)))
        {
            Say($"{action};");
        }
    }

    private void Load(System.Text.RegularExpressions.Match loaded)
    {
        var isResult = loaded.Groups[1].Success;
        var field = loaded.Groups[isResult ? 1 : 4].Value;
        var value = loaded.Groups[isResult ? 2 : 3].Value;
        var port = loaded.Groups[5].Value;
        if (field == "NXM_NX_REG14" && port.Length > 0) _inport = port;
        else if (field == "NXM_NX_REG15" && port.Length > 0) _outport = port;
        else if (Fields.TryGetValue(field, out var name)) Say($"{name} = {TextOf(name, value)};");
        if (field == "NXM_NX_REG15" && port.Length > 0 && !_isMinimal)
            Say($"outport = \"{port}\";");
    }

    private void Say(string action) =>
        _text.Append(_open.Length > 0 ? "    " : "").Append(action).Append('\n');

    private static string TextOf(string name, string value)
    {
        if (!ulong.TryParse(
            value.StartsWith("0x", StringComparison.Ordinal) ? value[2..] : value,
            NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var number))
        {
            return value;
        }

        return name switch
        {
            "eth.src" or "eth.dst" or "arp.sha" or "arp.tha" => $"{MacBytes.FromUInt64(number)}",
            "ip4.src" or "ip4.dst" or "arp.spa" or "arp.tpa" =>
                $"{IpPrefix.V4((uint)number).ToAddress()}",
            _ => number.ToString(CultureInfo.InvariantCulture),
        };
    }

    [GeneratedRegex(@"\[([^\[\]:]+): l[sr]_(in|out)_\w+\]$")]
    private static partial Regex Stage();

    /// <summary>FIELD and value of a result, or value and FIELD of a load; a port.</summary>
    [GeneratedRegex(
        @"^(?:-> (\w+)\[[0-9.]*\] is now (\S+)|load:(\S+?)->(\w+)\[[0-9.]*\])"
        + @"(?:\s+\[""(.+)""\])?$")]
    private static partial Regex Loaded();

    [GeneratedRegex(@"^output:\d+(?:\s+\[(to .+)\])?$")]
    private static partial Regex Sent();

    /// <summary>How OpenFlow goes on, where ovn-trace says "next;".</summary>
    [GeneratedRegex(@"^(resubmit\(|->|move:|push:|pop:|clone\()")]
    private static partial Regex Inner();
}
