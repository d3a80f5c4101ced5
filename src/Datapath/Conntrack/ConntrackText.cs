using System.Globalization;
using System.Text;

namespace Fabric.Datapath;

/// <summary>Connections as `ovs-appctl dpctl/dump-conntrack` prints them.</summary>
public static class ConntrackText
{
    /// <summary>One line without its end.</summary>
    /// <param name="hasStatistics">
    /// Counters of both directions and the timeout in seconds (-s).
    /// </param>
    /// <param name="isVerbose">
    /// Identifier, both ends of TCP, the announcing connection (-m).
    /// </param>
    public static string Print(
        ConntrackEntry entry, bool hasStatistics = false, bool isVerbose = false)
    {
        var text = new StringBuilder();
        text.Append(NameOf(entry.Original.Protocol ?? 0)).Append(",orig=(");
        AppendTuple(text, entry.Original);
        if (hasStatistics) AppendCounters(text, entry.PacketsOriginal, entry.BytesOriginal);
        text.Append("),reply=(");
        AppendTuple(text, entry.Reply);
        if (hasStatistics) AppendCounters(text, entry.PacketsReply, entry.BytesReply);
        text.Append(')');
        if (isVerbose) text.Append(CultureInfo.InvariantCulture, $",id={entry.Id}");
        if (entry.Zone != 0) text.Append(CultureInfo.InvariantCulture, $",zone={entry.Zone}");
        if (isVerbose) text.Append(",status=0");
        if (hasStatistics)
        {
            text.Append(CultureInfo.InvariantCulture, $",timeout={entry.TimeoutSeconds}");
        }

        AppendMarks(text, entry.Mark, entry.Label);
        if (isVerbose && entry.Tcp is { } tcp) AppendTcp(text, tcp);
        else if (entry.State is not null) text.Append($",protoinfo=(state={entry.State})");
        if (entry.Helper is not null) text.Append(",helper=").Append(entry.Helper);
        if (isVerbose && entry.Parent is not null)
        {
            text.Append(",parent=(");
            AppendTuple(text, entry.Parent);
            text.Append(')');
        }

        return text.ToString();
    }

    /// <summary>An announced connection, as `dpctl/dump-conntrack-exp` prints it.</summary>
    public static string Print(ConntrackExpectation expected)
    {
        var text = new StringBuilder();
        text.Append(NameOf(expected.Expected.Protocol ?? 0)).Append(",orig=(");
        AppendTuple(text, expected.Expected);
        text.Append("),parent=(");
        AppendTuple(text, expected.Parent);
        text.Append(')');
        if (expected.Zone != 0) text.Append(CultureInfo.InvariantCulture, $",zone={expected.Zone}");
        text.Append(CultureInfo.InvariantCulture, $",timeout={expected.TimeoutSeconds}");
        AppendMarks(text, expected.Mark, expected.Label);
        if (expected.Helper is not null) text.Append(",helper=").Append(expected.Helper);
        return text.ToString();
    }

    private static void AppendMarks(StringBuilder text, uint mark, UInt128 label)
    {
        if (mark != 0) text.Append(CultureInfo.InvariantCulture, $",mark={mark}");
        if (label != UInt128.Zero)
        {
            text.Append(CultureInfo.InvariantCulture, $",labels=0x{label:x}");
        }
    }

    private static void AppendTcp(StringBuilder text, ConntrackTcp tcp)
    {
        text.Append($",protoinfo=(state_orig={tcp.State},state_reply={tcp.StateReply}");
        if (tcp.Scale != 0 || tcp.ScaleReply != 0)
        {
            text.Append(CultureInfo.InvariantCulture,
                $",wscale_orig={tcp.Scale},wscale_reply={tcp.ScaleReply}");
        }

        text.Append(",flags_orig=").Append(tcp.Flags).Append(",flags_reply=")
            .Append(tcp.FlagsReply).Append(')');
    }

    /// <summary>The protocol's name, or its number where it has none.</summary>
    public static string NameOf(byte protocol) => protocol switch
    {
        ConntrackKey.ProtocolIcmp => "icmp",
        2 => "igmp",
        ConntrackKey.ProtocolTcp => "tcp",
        ConntrackKey.ProtocolUdp => "udp",
        33 => "dccp",
        ConntrackKey.ProtocolIcmpv6 => "icmpv6",
        ConntrackKey.ProtocolSctp => "sctp",
        136 => "udplite",
        _ => protocol.ToString(CultureInfo.InvariantCulture),
    };

    private static void AppendTuple(StringBuilder text, ConntrackTuple tuple)
    {
        text.Append(CultureInfo.InvariantCulture, $"src={tuple.Source},dst={tuple.Destination}");
        if (tuple.IcmpId is { } id)
        {
            text.Append(CultureInfo.InvariantCulture,
                $",id={id},type={tuple.PortSource},code={tuple.PortDestination}");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture,
                $",sport={tuple.PortSource},dport={tuple.PortDestination}");
        }
    }

    private static void AppendCounters(StringBuilder text, ulong packets, ulong bytes) =>
        text.Append(CultureInfo.InvariantCulture, $",packets={packets},bytes={bytes}");
}
