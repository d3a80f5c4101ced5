using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

/// <summary>A connection tracker small enough to be obviously right, for one host of the lab.</summary>
internal sealed class LabConntrack
{
    private sealed class Connection
    {
        public uint Mark { get; set; }
        public bool IsCommitted { get; set; }
        public bool HasReply { get; set; }
    }

    private readonly record struct Tuple(
        ushort Zone, byte Protocol, uint Source, uint Destination, ushort PortSource,
        ushort PortDestination)
    {
        public Tuple Reversed => new(
            Zone, Protocol, Destination, Source, PortDestination, PortSource);
    }

    private readonly Dictionary<Tuple, Connection> _connections = [];

    public int Count => _connections.Count;

    public void Run(ConntrackAction action, ref FlowKey key)
    {
        var tuple = TupleOf(action.Zone, in key);
        var isReply = false;
        if (!_connections.TryGetValue(tuple, out var connection)
            && _connections.TryGetValue(tuple.Reversed, out connection))
        {
            isReply = true;
        }

        if (isReply) connection!.HasReply = true;
        var state = ConntrackState.Tracked;
        if (connection is null) state |= ConntrackState.New;
        else if (isReply) state |= ConntrackState.Established | ConntrackState.Reply;
        else state |= connection.HasReply ? ConntrackState.Established : ConntrackState.New;

        if (action.Commit)
        {
            if (connection is null)
                _connections[tuple] = connection = new Connection { IsCommitted = true };
            connection.Mark = (connection.Mark & ~action.MarkMask) | (action.Mark & action.MarkMask);
        }

        key.ConntrackState = state;
        key.ConntrackZone = action.Zone;
        key.ConntrackMark = connection?.Mark ?? 0;
    }

    private static Tuple TupleOf(ushort zone, in FlowKey key)
    {
        var isIcmp = key.NetworkProtocol == 1;
        return new Tuple(
            zone, key.NetworkProtocol, key.Ipv4Source, key.Ipv4Destination,
            isIcmp ? (ushort)0 : key.PortSource, isIcmp ? (ushort)0 : key.PortDestination);
    }
}
