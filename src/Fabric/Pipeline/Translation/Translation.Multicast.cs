using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Control;

namespace Fabric.Pipeline;

/// <content>NORMAL with multicast snooping: groups go where they are wanted (RFC 4541).</content>
internal sealed partial class Translation
{
    private const byte Igmp = 2;
    private const byte Icmpv6 = 58;

    /// <summary>True when snooping has decided where the packet goes.</summary>
    private bool TrySnoop(BundleSnapshot from, in VlanTags tags)
    {
        ref var flow = ref _flow.Flow;
        var destination = flow.EthernetDestination;
        if (!_bridge.SnoopsMulticast || !destination.IsMulticast
            || destination == MacBytes.Broadcast || !(flow.IsIpv4 || flow.IsIpv6))
        {
            return false;
        }

        _wild.Flow.NetworkProtocol = 0xFF;
        if (flow.IsIpv4 && flow.NetworkProtocol == Igmp) SnoopIgmp(from, in tags);
        else if (IsMld()) SnoopMld(from, in tags);
        else ForwardGroup(from, in tags);
        return true;
    }

    private void SnoopIgmp(BundleSnapshot from, in VlanTags tags)
    {
        _result.IsSlow = true;
        _wild.Flow.PortSourceWire = ushort.MaxValue;
        if (_hasEffects) HearIgmp(from.Name, tags.Vid);
        if (_flow.Flow.PortSource is 0x12 or 0x16 or 0x17 or 0x22)
        {
            SendReport(from, in tags);
            return;
        }

        Report(TraceKind.Detail, "multicast traffic, flooding");
        FloodNormal(from, in tags);
    }

    private void SnoopMld(BundleSnapshot from, in VlanTags tags)
    {
        _result.IsSlow = true;
        if (_hasEffects) HearMld(from.Name, tags.Vid);
        if (_flow.Flow.PortSource != 130)
        {
            SendReport(from, in tags);
            return;
        }

        Report(TraceKind.Detail, "MLD query, flooding");
        FloodNormal(from, in tags);
    }

    private bool IsMld()
    {
        ref var flow = ref _flow.Flow;
        if (!flow.IsIpv6 || flow.NetworkProtocol != Icmpv6) return false;
        _wild.Flow.PortSourceWire = ushort.MaxValue;
        return flow.PortSource is >= 130 and <= 132 or 143;
    }

    /// <summary>Reports go to routers only, that hosts do not hear each other's.</summary>
    private void SendReport(BundleSnapshot from, in VlanTags tags)
    {
        var ports = new GroupPorts(this, from);
        ports.Add(_bridge.Pipeline.Multicast.RoutersOf(tags.Vid), "mcast router port");
        foreach (var bundle in _bridge.FloodedBundles)
        {
            if (!bundle.FloodsReports || !bundle.Includes(tags.Vid)) continue;
            ports.Add(bundle, "mcast port", "forwarding report to mcast flagged port",
                "mcast port is input port, dropping the Report");
        }

        foreach (var bundle in ports.Chosen) OutputTo(bundle, in tags);
    }

    private void ForwardGroup(BundleSnapshot from, in VlanTags tags)
    {
        ref var flow = ref _flow.Flow;
        UInt128 group;
        if (flow.IsIpv4)
        {
            _wild.Flow.Ipv4DestinationWire = uint.MaxValue;
            group = MulticastTable.NumberOf(flow.Ipv4Destination);
        }
        else
        {
            Span<byte> bytes = stackalloc byte[16];
            bytes.Fill(byte.MaxValue);
            _wild.Flow.Ipv6Destination = Ipv6Bytes.From(bytes);
            flow.Ipv6Destination.CopyTo(bytes);
            group = MulticastTable.NumberOf(bytes);
        }

        if (IsLinkLocal(group))
        {
            Report(TraceKind.Detail, "RFC4541: section 2.1.2, item 2, flooding");
            FloodNormal(from, in tags);
            return;
        }

        var isKnown = _bridge.Pipeline.Multicast.TryFind(group, tags.Vid, out var wanting);
        if (!isKnown && _bridge.FloodsUnregistered)
        {
            Report(TraceKind.Detail, "unregistered multicast, flooding");
            FloodNormal(from, in tags);
            return;
        }

        var ports = new GroupPorts(this, from);
        ports.Add(wanting, "mcast group port");
        if (isKnown) AddFlooded(ports, tags.Vid);
        ports.Add(_bridge.Pipeline.Multicast.RoutersOf(tags.Vid), "mcast router port");
        if (!isKnown) AddFlooded(ports, tags.Vid);
        foreach (var bundle in ports.Chosen) OutputTo(bundle, in tags);
    }

    private void AddFlooded(GroupPorts ports, ushort vlan)
    {
        foreach (var bundle in _bridge.FloodedBundles)
        {
            if (!bundle.FloodsMulticast || !bundle.Includes(vlan)) continue;
            ports.Add(bundle, "mcast flood port");
        }
    }

    /// <summary>224.0.0.0/24 and ff02::1: protocols of the link, wanted by everybody.</summary>
    private static bool IsLinkLocal(UInt128 group)
    {
        var allNodes = (UInt128)0xFF02UL << 112 | 1;
        return group == allNodes || (group >> 8) == ((UInt128)0xFFFF_E000_0000UL >> 8);
    }

    private void HearIgmp(string port, ushort vlan)
    {
        ref var flow = ref _flow.Flow;
        var table = _bridge.Pipeline.Multicast;
        var group = MulticastTable.NumberOf(KeyCommit.Host(flow.IgmpGroupWire));
        switch (flow.PortSource)
        {
            case 0x12 or 0x16:
                if (!MayJoin(port) || !table.Join(group, vlan, port, _now)) break;
                ReportSnooped($"learned that {MulticastTable.AddressOf(group)} is", port, vlan);
                break;
            case 0x17:
                if (!MayLeave(port) || !table.Leave(group, vlan, port)) break;
                ReportSnooped($"leaving {MulticastTable.AddressOf(group)} is", port, vlan);
                break;
            case 0x11:
                // A querier without an address has no router behind it.
                if (flow.Ipv4SourceWire == 0 || !table.SeeRouter(vlan, port, _now)) break;
                ReportSnooped(
                    $"query from {OfAddress(flow.Ipv4Source)} is", port, vlan);
                break;
            case 0x22:
                if (TryTransport(out var bytes) && MulticastMembership.TryParseIgmp(
                    bytes, out var message, out _))
                {
                    HearRecords(in message, port, vlan);
                }

                break;
        }
    }

    private static string OfAddress(uint address) =>
        Fabric.Wire.OpenFlow.OfFieldText.Ipv4(address);

    private void HearMld(string port, ushort vlan)
    {
        if (!TryTransport(out var bytes)
            || !MulticastMembership.TryParseMld(bytes, out var message, out _))
        {
            return;
        }

        var table = _bridge.Pipeline.Multicast;
        if (message.Type == MembershipType.Query)
        {
            var hasAddress = _flow.Flow.Ipv6Source != default;
            if (hasAddress && table.SeeRouter(vlan, port, _now))
            {
                ReportSnooped("query", port, vlan);
            }

            return;
        }

        HearRecords(in message, port, vlan);
    }

    private void HearRecords(in MulticastMembership message, string port, ushort vlan)
    {
        var table = _bridge.Pipeline.Multicast;
        var count = 0;
        if (message.Type != MembershipType.ReportV3)
        {
            count = Hear(MulticastTable.NumberOf(message.Group),
                message.Type == MembershipType.Leave) ? 1 : 0;
        }

        foreach (var record in message.Records)
        {
            if (record.Type is < GroupRecordType.ModeIsInclude or > GroupRecordType.BlockOldSources)
            {
                continue;
            }

            if (Hear(MulticastTable.NumberOf(record.Group), record.IsLeave)) count++;
        }

        if (count > 0) ReportSnooped($"processed {count} addresses", port, vlan);

        bool Hear(UInt128 group, bool isLeave) => isLeave
            ? MayLeave(port) && table.Leave(group, vlan, port)
            : MayJoin(port) && table.Join(group, vlan, port, _now);
    }

    /// <summary>A port that gets all multicast needs no groups.</summary>
    private bool MayJoin(string port) => !_bridge.Bundles[port].FloodsMulticast;

    /// <summary>Behind a port that hears all reports are often several hosts.</summary>
    private bool MayLeave(string port) => !_bridge.Bundles[port].FloodsReports;

    private void ReportSnooped(string what, string port, ushort vlan) =>
        _trace?.Add(TraceKind.Detail, $"multicast snooping {what} on port {port} in VLAN {vlan}");

    /// <summary>The packet behind its IP header, where there is a packet.</summary>
    private bool TryTransport(out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (_bytes is not { } packet) return false;
        var key = _received;
        if (!FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out _)
            || layout.TransportOffset < 0 || layout.EndOffset > packet.Size)
        {
            return false;
        }

        bytes = packet.Bytes[layout.TransportOffset..layout.EndOffset];
        return true;
    }

    /// <summary>The ports that a packet of a group goes to, each once.</summary>
    private readonly struct GroupPorts(Translation translation, BundleSnapshot from)
    {
        public List<BundleSnapshot> Chosen { get; } = [];

        public void Add(ImmutableArray<string> ports, string kind)
        {
            foreach (var name in ports)
            {
                if (translation._bridge.Bundles.TryGetValue(name, out var bundle))
                {
                    Add(bundle, kind);
                }
            }
        }

        public void Add(BundleSnapshot bundle, string kind) => Add(
            bundle, kind, $"forwarding to {kind}", $"{kind} is input port, dropping");

        public void Add(BundleSnapshot bundle, string kind, string taken, string refused)
        {
            if (bundle.Name == from.Name)
            {
                translation.Report(TraceKind.Detail, refused);
            }
            else if (bundle.IsProtected && from.IsProtected)
            {
                translation.Report(TraceKind.Detail, $"{kind} is protected, dropping");
            }
            else
            {
                translation.Report(TraceKind.Detail, taken);
                if (!Chosen.Contains(bundle)) Chosen.Add(bundle);
            }
        }
    }
}
