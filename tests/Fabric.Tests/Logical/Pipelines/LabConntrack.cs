using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

/// <summary>
/// A connection tracker small enough to be obviously right, for one host of the lab.
/// </summary>
internal sealed class LabConntrack : ILabConntrack
{
    private readonly record struct Tuple(
        ushort Zone, byte Protocol, uint Source, uint Destination, ushort PortSource,
        ushort PortDestination)
    {
        public Tuple Reversed => new(
            Zone, Protocol, Destination, Source, PortDestination, PortSource);
    }

    private sealed class Connection
    {
        public required Tuple Original { get; init; }

        /// <summary>The original tuple after translation.</summary>
        public required Tuple Translated { get; init; }

        public uint Mark { get; set; }
        public bool HasReply { get; set; }
    }

    private readonly List<Connection> _connections = [];

    public int Count => _connections.Count;

    public void Run(ConntrackAction action, ref FlowKey key)
    {
        var tuple = TupleOf(action.Zone, in key);
        var connection = _connections.Find(
            each => each.Original == tuple || each.Translated.Reversed == tuple);
        var isReply = connection is not null && connection.Original != tuple;
        if (connection is null && action.Commit)
        {
            connection = new Connection
            {
                Original = tuple,
                Translated = Translate(tuple, action.Nat),
            };
            _connections.Add(connection);
            key.ConntrackState = ConntrackState.Tracked | ConntrackState.New;
        }
        else
        {
            key.ConntrackState = StateOf(connection, isReply);
        }

        if (isReply) connection!.HasReply = true;
        if (action.Commit)
        {
            connection!.Mark =
                (connection.Mark & ~action.MarkMask) | (action.Mark & action.MarkMask);
        }

        key.ConntrackZone = action.Zone;
        key.ConntrackMark = connection?.Mark ?? 0;
        if (action.Nat is not null && connection is not null)
            Rewrite(isReply ? connection.Original.Reversed : connection.Translated, ref key);
    }

    private static ConntrackState StateOf(Connection? connection, bool isReply)
    {
        if (connection is null) return ConntrackState.Tracked | ConntrackState.New;
        if (isReply)
            return ConntrackState.Tracked | ConntrackState.Established | ConntrackState.Reply;
        return ConntrackState.Tracked
            | (connection.HasReply ? ConntrackState.Established : ConntrackState.New);
    }

    private static Tuple Translate(Tuple tuple, NatSpec? nat)
    {
        if (nat?.AddressMin is not { } address) return tuple;
        var bytes = address.GetAddressBytes();
        var number =
            ((uint)bytes[0] << 24) | ((uint)bytes[1] << 16) | ((uint)bytes[2] << 8) | bytes[3];
        if (nat.Type == NatType.Source) return tuple with { Source = number };
        return tuple with
        {
            Destination = number,
            PortDestination = nat.PortMin == 0 ? tuple.PortDestination : nat.PortMin,
        };
    }

    private static void Rewrite(Tuple tuple, ref FlowKey key)
    {
        (key.Ipv4Source, key.Ipv4Destination) = (tuple.Source, tuple.Destination);
        if (key.NetworkProtocol == 1) return;
        (key.PortSource, key.PortDestination) = (tuple.PortSource, tuple.PortDestination);
    }

    private static Tuple TupleOf(ushort zone, in FlowKey key)
    {
        var isIcmp = key.NetworkProtocol == 1;
        return new Tuple(
            zone, key.NetworkProtocol, key.Ipv4Source, key.Ipv4Destination,
            isIcmp ? (ushort)0 : key.PortSource, isIcmp ? (ushort)0 : key.PortDestination);
    }
}
