using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>How a flow key says what the tracker found.</summary>
public sealed partial class ConntrackTable
{
    private static void SetUncommitted(
        ref FlowKey key, ushort zone, ConntrackState state, in ConntrackKey original)
    {
        Clear(ref key);
        key.ConntrackZone = zone;
        key.ConntrackState = state;
        SetOriginal(ref key, original);
    }

    private static void SetTracked(
        ref FlowKey key, ushort zone, ConntrackState state, Connection connection)
    {
        Clear(ref key);
        key.ConntrackZone = zone;
        key.ConntrackState = state;
        key.ConntrackMark = connection.Mark;
        var label = connection.Label;
        key.ConntrackLabelHighWire = BinaryPrimitives.ReverseEndianness((ulong)(label >> 64));
        key.ConntrackLabelLowWire = BinaryPrimitives.ReverseEndianness((ulong)label);
        SetOriginal(ref key, (connection.Parent ?? connection).Original);
    }

    private static void SetOriginal(ref FlowKey key, in ConntrackKey original)
    {
        key.ConntrackProtocol = original.Protocol;
        if (original.IsIpv6 != 0)
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
                BinaryPrimitives.ReverseEndianness((ushort)original.IcmpType);
            key.ConntrackPortDestinationWire =
                BinaryPrimitives.ReverseEndianness((ushort)original.IcmpCode);
        }
        else
        {
            key.ConntrackPortSourceWire = original.PortSourceWire;
            key.ConntrackPortDestinationWire = original.PortDestinationWire;
        }
    }
}
