using System.Collections.Immutable;

namespace Fabric.Datapath;

/// <summary>Seconds that a connection may be silent, by protocol state. Immutable.</summary>
/// <remarks>
/// Names and defaults are those of CT_Timeout_Policy rows for the userspace datapath
/// (ovs-vswitchd.conf.db(5)).
/// </remarks>
internal sealed record ConntrackTimeouts
{
    public static ConntrackTimeouts Default { get; } = new();

    public uint TcpSynSent { get; init; } = 30;
    public uint TcpSynReceived { get; init; } = 30;
    public uint TcpEstablished { get; init; } = 24 * 60 * 60;
    public uint TcpFinWait { get; init; } = 15 * 60;
    public uint TcpTimeWait { get; init; } = 45;
    public uint TcpClose { get; init; } = 30;
    public uint UdpFirst { get; init; } = 60;
    public uint UdpSingle { get; init; } = 60;
    public uint UdpMultiple { get; init; } = 30;
    public uint IcmpFirst { get; init; } = 60;
    public uint IcmpReply { get; init; } = 30;

    /// <summary>The policy with the named states changed; unknown names are passed over.</summary>
    public ConntrackTimeouts With(ImmutableSortedDictionary<string, uint> secondsByState)
    {
        var policy = this;
        foreach (var (state, seconds) in secondsByState)
        {
            policy = state switch
            {
                "tcp_syn_sent" => policy with { TcpSynSent = seconds },
                "tcp_syn_recv" => policy with { TcpSynReceived = seconds },
                "tcp_established" => policy with { TcpEstablished = seconds },
                "tcp_fin_wait" => policy with { TcpFinWait = seconds },
                "tcp_time_wait" => policy with { TcpTimeWait = seconds },
                "tcp_close" => policy with { TcpClose = seconds },
                "udp_first" => policy with { UdpFirst = seconds },
                "udp_single" => policy with { UdpSingle = seconds },
                "udp_multiple" => policy with { UdpMultiple = seconds },
                "icmp_first" => policy with { IcmpFirst = seconds },
                "icmp_reply" => policy with { IcmpReply = seconds },
                _ => policy,
            };
        }

        return policy;
    }

    /// <summary>For a connection without a handshake, or a TCP one that just began.</summary>
    public uint SecondsOf(Connection connection)
    {
        if (connection.Original.Protocol == ConntrackKey.ProtocolTcp) return TcpSynSent;

        if (connection.Original.IsIcmp)
        {
            return connection.Generic == GenericState.Both ? IcmpReply : IcmpFirst;
        }

        return connection.Generic switch
        {
            GenericState.First => UdpFirst,
            GenericState.Multiple => UdpSingle,
            _ => UdpMultiple,
        };
    }

    /// <summary>By the states of both ends, in any order.</summary>
    public uint TcpSeconds(TcpState one, TcpState other)
    {
        var (low, high) = one < other ? (one, other) : (other, one);
        if (low >= TcpState.FinWait2) return TcpClose;
        if (low >= TcpState.Closing) return TcpTimeWait;
        if (low < TcpState.Established) return TcpSynReceived;
        return high >= TcpState.Closing ? TcpFinWait : TcpEstablished;
    }
}
