using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>NORMAL: a learning switch with VLANs, bonds and mirrors.</content>
internal sealed partial class Translation
{
    private void Normal()
    {
        _wild.Flow.EthernetSource = MacBytes.Broadcast;
        _wild.Flow.EthernetDestination = MacBytes.Broadcast;
        _wild.Flow.VlanTci0Wire |= KeyCommit.Host((ushort)0x1FFF);
        ref var flow = ref _flow.Flow;
        if (_inPort is not { } port || _bridge.BundleOf(port) is not { } bundle)
        {
            Report(TraceKind.Warn, "no input bundle, dropping");
            return;
        }

        if (bundle.IsMirrorOutput)
        {
            _trace?.Add(TraceKind.Warn,
                $"dropping packet received on port {bundle.Name}, which is reserved exclusively "
                + "for mirroring");
            return;
        }

        var received = VlanTags.Of(in flow);
        if (received.Vid == 0 && flow.VlanTci0Wire != 0)
        {
            // Whether the tag of a priority stays depends on the priority; OVS overlooks this.
            _wild.Flow.VlanTci0Wire |= KeyCommit.Host((ushort)0xE000);
        }

        if (bundle.VlanMode == VlanMode.Dot1qTunnel) FoldSecondTag();
        if (!received.IsAllowed(bundle, out var refusal))
        {
            Report(TraceKind.Error, refusal);
            Report(TraceKind.Warn, "disallowed VLAN VID for this input port, dropping");
            return;
        }

        var tags = received.Inward(bundle);
        if (!IsAdmissible(bundle, port)) return;
        var learns = !_bridge.FloodVlans.Contains(tags.Vid);
        if (learns) LearnStation(bundle, port, tags.Vid);
        if (TrySnoop(bundle, in tags)) return;
        var known = _bridge.Pipeline.Macs.Find(flow.EthernetDestination, tags.Vid);
        if (flow.EthernetDestination.IsMulticast || !learns) known = null;
        if (known is null)
        {
            Report(TraceKind.Detail, "no learned MAC for destination, flooding");
            FloodNormal(bundle, in tags);
            return;
        }

        if (!_bridge.Bundles.TryGetValue(known.Port, out var target))
        {
            Report(TraceKind.Detail, "learned port is unknown, dropping");
        }
        else if (target.Name == bundle.Name)
        {
            Report(TraceKind.Detail, "learned port is input port, dropping");
        }
        else if (bundle.IsProtected && target.IsProtected)
        {
            Report(TraceKind.Detail, "learned port is protected, dropping");
        }
        else
        {
            Report(TraceKind.Detail, "forwarding to learned port");
            OutputTo(target, in tags);
        }
    }

    private void FoldSecondTag()
    {
        _wild.Flow.VlanTci1Wire |= KeyCommit.Host((ushort)0x1FFF);
    }

    private bool IsAdmissible(BundleSnapshot bundle, PortSnapshot port)
    {
        var destination = _flow.Flow.EthernetDestination.ToUInt64();
        if (!_bridge.ForwardsReservedMulticast && (destination & ~0xFUL) == 0x0180_C200_0000)
        {
            Report(TraceKind.Detail, "packet has reserved destination MAC, dropping");
            return false;
        }

        if (bundle.Bond is not { } bond) return true;
        if (_flow.Flow.EthernetDestination.IsMulticast && port.OpenFlowPort != bond.Active)
        {
            Report(TraceKind.Warn, "bonding refused admissibility, dropping");
            return false;
        }

        if (bond.Mode != BondMode.ActiveBackup || port.OpenFlowPort == bond.Active) return true;
        Report(TraceKind.Warn, "bonding refused admissibility, dropping");
        return false;
    }

    private void LearnStation(BundleSnapshot bundle, PortSnapshot port, ushort vlan)
    {
        ref var flow = ref _flow.Flow;
        var isGratuitous = IsGratuitousArp();
        if (flow.EthernetSource.IsMulticast) return;
        var station = new StationSeen(
            _bridge.Pipeline.Macs, flow.EthernetSource, vlan, bundle.Name, port.OpenFlowPort,
            isGratuitous);
        _result.Saw(station);
        if (!_hasEffects) return;
        if (!station.Refresh(_now)) return;
        _trace?.Add(TraceKind.Detail,
            $"learned that {flow.EthernetSource} is on port {bundle.Name} in VLAN {vlan}");
    }

    private bool IsGratuitousArp()
    {
        ref var flow = ref _flow.Flow;
        if (flow.EthernetType != 0x0806) return false;
        if (flow.EthernetDestination != MacBytes.Broadcast) return false;
        _wild.Flow.NetworkProtocol = 0xFF;
        if (flow.NetworkProtocol == 2) return true;
        if (flow.NetworkProtocol != 1) return false;
        _wild.Flow.Ipv4SourceWire = _wild.Flow.Ipv4DestinationWire = uint.MaxValue;
        return flow.Ipv4SourceWire == flow.Ipv4DestinationWire;
    }

    private void FloodNormal(BundleSnapshot from, in VlanTags tags)
    {
        _floods = true;
        foreach (var port in _bridge.PortsToFlood)
        {
            if (_bridge.BundleOf(port) is not { } bundle || bundle.Name == from.Name) continue;
            if (bundle.Members.IsEmpty || bundle.Members[0] != port.OpenFlowPort) continue;
            if (!bundle.IsFloodable || bundle.IsMirrorOutput) continue;
            if (bundle.IsProtected && from.IsProtected)
            {
                Report(TraceKind.Warn, "Flow is between protected ports, skipping output.");
                continue;
            }

            if (bundle.Members.Length == 1 && (port.Config & OfPortConfig.NoFlood) != 0) continue;
            if (tags.IsCarriedBy(bundle)) OutputTo(bundle, in tags);
        }
    }

    /// <summary>Out of a bundle with the tags that it wants.</summary>
    private void OutputTo(BundleSnapshot bundle, in VlanTags tags, bool isMirrored = false)
    {
        var number = bundle.Members.IsEmpty ? 0 : bundle.Members[0];
        if (bundle.Bond is { } bond) number = MemberOf(bond, tags.Vid);
        if (number == 0)
        {
            Report(TraceKind.Detail, "no enabled member of the bond, dropping");
            return;
        }

        ref var flow = ref _flow.Flow;
        var before = (flow.VlanTci0Wire, flow.VlanTpid0Wire, flow.VlanTci1Wire,
            flow.VlanTpid1Wire);
        tags.Outward(bundle).Put(ref flow);
        OutputTo(number, isLast: false, isInPort: isMirrored);
        (flow.VlanTci0Wire, flow.VlanTpid0Wire, flow.VlanTci1Wire, flow.VlanTpid1Wire) = before;
    }

    private uint MemberOf(BondSnapshot bond, ushort vlan)
    {
        if (bond.Enabled.IsEmpty) return 0;
        if (bond.Mode == BondMode.ActiveBackup) return bond.Active;
        var hash = bond.Mode == BondMode.BalanceSlb
            ? FlowHash.Station(_flow.Flow.EthernetSource, vlan, bond.HashBasis)
            : FlowHash.Fields(
                in _flow.Flow, ref _wild.Flow, OfHashFields.SymmetricL4, (ushort)bond.HashBasis);
        var index = (int)(hash % (uint)bond.Owners.Length);
        _result.Credit(bond.Loads[index]);
        return bond.Owners[index];
    }
}
