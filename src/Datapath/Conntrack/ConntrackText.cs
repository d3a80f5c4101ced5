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
    public static string Print(ConntrackEntry entry, bool hasStatistics = false)
    {
        var text = new StringBuilder();
        text.Append(NameOf(entry.Original.Protocol ?? 0)).Append(",orig=(");
        AppendTuple(text, entry.Original);
        if (hasStatistics) AppendCounters(text, entry.PacketsOriginal, entry.BytesOriginal);
        text.Append("),reply=(");
        AppendTuple(text, entry.Reply);
        if (hasStatistics) AppendCounters(text, entry.PacketsReply, entry.BytesReply);
        text.Append(')');
        if (entry.Zone != 0) text.Append(CultureInfo.InvariantCulture, $",zone={entry.Zone}");
        if (hasStatistics)
        {
            text.Append(CultureInfo.InvariantCulture, $",timeout={entry.TimeoutSeconds}");
        }

        if (entry.Mark != 0) text.Append(CultureInfo.InvariantCulture, $",mark={entry.Mark}");
        if (entry.Label != UInt128.Zero)
        {
            text.Append(CultureInfo.InvariantCulture, $",labels=0x{entry.Label:x}");
        }

        if (entry.State is not null)
        {
            text.Append(",protoinfo=(state=").Append(entry.State).Append(')');
        }

        if (entry.Helper is not null) text.Append(",helper=").Append(entry.Helper);
        return text.ToString();
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
