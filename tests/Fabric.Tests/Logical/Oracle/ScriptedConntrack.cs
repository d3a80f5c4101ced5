using System.Buffers.Binary;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

/// <summary>
/// Reports what it was told to, whatever was committed: as ovn-trace models connection tracking.
/// </summary>
internal sealed class ScriptedConntrack(ConntrackState state) : ILabConntrack
{
    public void Run(ConntrackAction action, ref FlowKey key)
    {
        var isTracked = key.ConntrackState.HasFlag(ConntrackState.Tracked);
        var isLookup = action is { Nat: null, Commit: false };
        if (isLookup || !isTracked) key.ConntrackState = state | ConntrackState.Tracked;
        key.ConntrackZone = action.Zone;
        if (action.Nat is not { AddressMin: { } address } nat) return;

        var isSource = nat.Type == NatType.Source;
        key.ConntrackState |= isSource ? ConntrackState.SourceNat : ConntrackState.DestinationNat;
        if (key.IsIpv6)
        {
            if (isSource) key.Ipv6Source = Ipv6Bytes.From(address);
            else key.Ipv6Destination = Ipv6Bytes.From(address);
        }
        else
        {
            var number = BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
            if (isSource) key.Ipv4Source = number;
            else key.Ipv4Destination = number;
        }

        if (action.Commit)
        {
            key.ConntrackMark =
                (key.ConntrackMark & ~action.MarkMask) | (action.Mark & action.MarkMask);
        }

        if (nat.PortMin != 0 && !isSource) key.PortDestination = nat.PortMin;
    }
}
