using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <content>Packets of BFD and the like: neither tables nor learning see them.</content>
internal sealed partial class Translation
{
    private const int SessionKindShift = 32;

    private static readonly ImmutableArray<byte> BfdReason = [.. "bfd"u8];
    private static readonly ImmutableArray<byte> CfmReason = [.. "cfm"u8];
    private static readonly ImmutableArray<byte> NextHopReason = [.. "nexthop"u8];
    private static readonly ImmutableArray<byte> LacpReason = [.. "lacp"u8];
    private static readonly ImmutableArray<byte> TreeReason = [.. "stp"u8];

    /// <summary>What <see cref="TryHandToSession"/> made the datapath send up.</summary>
    public static SessionPacket SessionPacketOf(PacketBuffer packet, UpcallUserdata userdata) =>
        new((uint)userdata.Cookie, (SessionKinds)(userdata.Cookie >> SessionKindShift),
            packet.Bytes.ToArray());

    /// <summary>True when a session of the port takes the packet.</summary>
    private bool TryHandToSession(PortSnapshot port)
    {
        if (port.Tree.Id != 0 && IsBpdu())
        {
            HandUp(SessionKinds.Tree, port.Tree.Id, TreeReason);
            return true;
        }

        if (_switch.Sessions.Count == 0) return false;
        if (!_switch.Sessions.TryGetValue(port.Name, out var session)) return false;
        var kind = session.KindOf(in _flow.Flow, ref _wild.Flow);
        if (kind == SessionKinds.None) return false;
        var reason = kind switch
        {
            SessionKinds.Bfd => BfdReason,
            SessionKinds.Cfm => CfmReason,
            SessionKinds.NextHop => NextHopReason,
            _ => LacpReason,
        };
        HandUp(kind, session.Id, reason);
        return true;
    }

    private void HandUp(SessionKinds kind, uint id, ImmutableArray<byte> reason)
    {
        var cookie = ((ulong)kind << SessionKindShift) | id;
        _into.Add(new UserspaceAction(
            new UpcallUserdata(UpcallKind.SlowPath, cookie, reason)));
        _result.HasOutput = true;
    }

    /// <summary>The spanning tree lets nothing in, not even addresses to be learned.</summary>
    private bool IsBlocked(PortSnapshot port)
    {
        if (port.Tree.State is not (TreePortState.Blocking or TreePortState.Listening))
        {
            return false;
        }

        _trace?.Add(TraceKind.Table, " 0. priority 0");
        _wild.Flow.EthernetDestination = MacBytes.Broadcast;
        return true;
    }

    /// <summary>A frame between bridges: 802.3 to the bridge group address.</summary>
    private bool IsBpdu()
    {
        const ulong bridgeGroup = 0x0180_C200_0000;
        const ushort noEtherType = 0x05FF;
        _wild.Flow.EthernetDestination = MacBytes.Broadcast;
        return _flow.Flow.EthernetDestination.ToUInt64() == bridgeGroup
            && _flow.Flow.EthernetType == noEtherType;
    }
}
