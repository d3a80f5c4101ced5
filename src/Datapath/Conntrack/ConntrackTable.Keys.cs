using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>How a flow key says what the tracker found.</summary>
public sealed partial class ConntrackTable
{
    /// <summary>Forgets what tracking said of the packet (ct_clear).</summary>
    public static void Clear(ref FlowKey key)
    {
        key.ConntrackStateWire = 0;
        key.ConntrackZoneWire = 0;
        key.ConntrackMarkWire = 0;
        key.ConntrackLabelHighWire = 0;
        key.ConntrackLabelLowWire = 0;
        ClearOriginal(ref key);
    }

    private static void ClearOriginal(ref FlowKey key)
    {
        key.Words[(FlowKey.OriginalTupleOffset / 8)..(FlowKey.LinkOffset / 8)].Clear();
        key.ConntrackProtocol = 0;
    }

    /// <summary>State, zone, marks and the original tuple, after a look-up.</summary>
    private void Write(ref TrackingRun run, ref FlowKey key, Expectation? expected)
    {
        run.State |= ConntrackState.Tracked;
        key.ConntrackState = run.State;
        key.ConntrackZone = run.Action.Zone;
        var connection = run.Connection;
        if (!connection.IsNone)
        {
            if (SetMarks(connection, run.Action) && (run.State & ConntrackState.New) == 0)
            {
                Raise(ConntrackChange.Updated, connection);
            }

            WriteMarks(ref key, connection);
            SetOriginal(ref key, connection.Extra?.Parent ?? connection.Original);
        }
        else if (expected is not null)
        {
            key.ConntrackMark = expected.Mark;
            WriteLabel(ref key, expected.Label);
            SetOriginal(ref key, expected.Parent);
        }
        else
        {
            key.ConntrackMarkWire = 0;
            WriteLabel(ref key, UInt128.Zero);
            SetOriginal(ref key, run.Tuple);
        }
    }

    private static void WriteMarks(ref FlowKey key, Connection connection)
    {
        key.ConntrackMark = connection.Mark;
        WriteLabel(ref key, connection.Label);
    }

    private static void WriteLabel(ref FlowKey key, UInt128 label)
    {
        key.ConntrackLabelHighWire = BinaryPrimitives.ReverseEndianness((ulong)(label >> 64));
        key.ConntrackLabelLowWire = BinaryPrimitives.ReverseEndianness((ulong)label);
    }

    /// <summary>
    /// Sets mark and label as the action says; an announced connection keeps its own.
    /// </summary>
    /// <returns>True when either is now another.</returns>
    private static bool SetMarks(Connection connection, ConntrackAction action)
    {
        if (action.MarkMask == 0 && action.LabelMask == UInt128.Zero) return false;
        if (connection.Extra?.Parent is not null) return false;
        var mark = (connection.Mark & ~action.MarkMask) | (action.Mark & action.MarkMask);
        var label = (connection.Label & ~action.LabelMask) | (action.Label & action.LabelMask);
        if (mark == connection.Mark && label == connection.Label) return false;
        connection.Mark = mark;
        if (label != connection.Label) connection.EnsureExtra().Label = label;
        return true;
    }

    private void SetInvalid(ref FlowKey key, ushort zone)
    {
        CountRefusal(DropReason.ConntrackInvalid);
        Forget();
        Clear(ref key);
        key.ConntrackZone = zone;
        key.ConntrackState = ConntrackState.Tracked | ConntrackState.Invalid;
    }

    private static void SetOriginal(ref FlowKey key, in ConntrackKey original)
    {
        ClearOriginal(ref key);
        key.ConntrackProtocol = original.Protocol;
        if (original.IsIpv6)
        {
            key.ConntrackIpv6Source = original.Source;
            key.ConntrackIpv6Destination = original.Destination;
        }
        else
        {
            key.ConntrackIpv4SourceWire = ConntrackKey.ToIpv4(original.Source);
            key.ConntrackIpv4DestinationWire = ConntrackKey.ToIpv4(original.Destination);
        }

        if (original.IsIcmp)
        {
            key.ConntrackPortSourceWire =
                BinaryPrimitives.ReverseEndianness((ushort)original.Kind);
        }
        else
        {
            key.ConntrackPortSourceWire = original.PortSourceWire;
            key.ConntrackPortDestinationWire = original.PortDestinationWire;
        }
    }

    /// <summary>The tuple that the key's ct_nw_src and so on stand for.</summary>
    /// <param name="packet">The packet's own tuple: zone, IP version and echo identifier.</param>
    private static ConntrackKey OriginalOf(ref FlowKey key, in ConntrackKey packet)
    {
        var tuple = packet;
        tuple.Protocol = key.ConntrackProtocol;
        if (packet.IsIpv6)
        {
            tuple.Source = key.ConntrackIpv6Source;
            tuple.Destination = key.ConntrackIpv6Destination;
        }
        else
        {
            tuple.Source = ConntrackKey.FromIpv4(key.ConntrackIpv4SourceWire);
            tuple.Destination = ConntrackKey.FromIpv4(key.ConntrackIpv4DestinationWire);
        }

        if (tuple.IsIcmp)
        {
            tuple.Kind = (byte)BinaryPrimitives.ReverseEndianness(key.ConntrackPortSourceWire);
        }
        else
        {
            tuple.Kind = packet.IsIpv6 ? (byte)6 : (byte)4;
            tuple.PortSourceWire = key.ConntrackPortSourceWire;
            tuple.PortDestinationWire = key.ConntrackPortDestinationWire;
        }

        return tuple;
    }
}
