using System.Collections.Immutable;
using Fabric.Datapath;

namespace Fabric.Pipeline;

/// <content>Packets of BFD and the like: neither tables nor learning see them.</content>
internal sealed partial class Translation
{
    private const int SessionKindShift = 32;

    private static readonly ImmutableArray<byte> BfdReason = [.. "bfd"u8];
    private static readonly ImmutableArray<byte> CfmReason = [.. "cfm"u8];
    private static readonly ImmutableArray<byte> NextHopReason = [.. "nexthop"u8];
    private static readonly ImmutableArray<byte> LacpReason = [.. "lacp"u8];

    /// <summary>What <see cref="TryHandToSession"/> made the datapath send up.</summary>
    public static SessionPacket SessionPacketOf(PacketBuffer packet, UpcallUserdata userdata) =>
        new((uint)userdata.Cookie, (SessionKinds)(userdata.Cookie >> SessionKindShift),
            packet.Bytes.ToArray());

    /// <summary>True when a session of the port takes the packet.</summary>
    private bool TryHandToSession(PortSnapshot port)
    {
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
        var cookie = ((ulong)kind << SessionKindShift) | session.Id;
        _into.Add(new UserspaceAction(
            new UpcallUserdata(UpcallKind.SlowPath, cookie, reason)));
        _result.HasOutput = true;
        return true;
    }
}
