using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>From a bridge's rows and its opened interfaces to what packets read.</summary>
public static class BridgeSnapshots
{
    private const ushort QinqEthertype = 0x88A8;

    public static BridgeSnapshot Of(
        BridgeSpec spec, BridgeState state, ImmutableArray<InterfaceOpened> opened)
    {
        var byName = opened.ToDictionary(each => each.Spec.Name, StringComparer.Ordinal);
        var ports = new Dictionary<uint, PortSnapshot>();
        var bundles = new Dictionary<string, BundleSnapshot>();
        NumberWishes(spec, state, byName);
        var outputs = spec.Mirrors.Values.Select(mirror => mirror.OutputPort).ToHashSet();
        foreach (var port in spec.Ports.Values)
        {
            var members = ImmutableArray.CreateBuilder<uint>();
            foreach (var row in port.Interfaces.Values)
            {
                if (!byName.TryGetValue(row.Name, out var each) || each.Error is not null) continue;
                var number = state.NumberOf(row.Name, WishOf(row));
                ports[number] = PortOf(spec, state, port, each, number);
                members.Add(number);
            }

            members.Sort();
            bundles[port.Name] = BundleOf(
                port, state, members.ToImmutable(), ports, outputs.Contains(port.Name));
        }

        return new BridgeSnapshot(
            spec.Name, MacOf(spec, state, ports), state.Pipeline, ports.ToFrozenDictionary(),
            bundles.ToFrozenDictionary(), MirrorsOf(spec),
            spec.OtherConfig.GetValueOrDefault("forward-bpdu") == "true",
            state.SendsMisses || SendsMisses(spec))
        {
            SflowProbability = spec.Sflow is { Targets.Count: > 0 } sflow
                ? uint.MaxValue / (uint)sflow.Sampling : 0,
            IpfixInputProbability = spec.Ipfix is { SamplesInput: true } input
                ? (uint)(uint.MaxValue / input.Sampling) : 0,
            IpfixOutputProbability = spec.Ipfix is { SamplesOutput: true } output
                ? (uint)(uint.MaxValue / output.Sampling) : 0,
            SnoopsMulticast = spec.SnoopsMulticast,
            FloodVlans = spec.FloodVlans,
            FloodsUnregistered = spec.OtherConfig.GetValueOrDefault(
                "mcast-snooping-disable-flood-unregistered") != "true",
            Netflow = spec.Netflow is { Targets.Count: > 0 } ? state.Netflow : null,
            HasCollectors = spec.Ipfix is not null || !spec.CollectorSets.IsEmpty,
        };
    }

    /// <summary>A controller may speak a version in which a miss goes to the controller.</summary>
    private static bool SendsMisses(BridgeSpec spec) => !spec.Controllers.IsEmpty
        && (spec.Protocols.IsEmpty || spec.Protocols.Overlaps(
            ["OpenFlow10", "OpenFlow11", "OpenFlow12"]));

    /// <summary>other_config:datapath-id, else the bridge's address.</summary>
    public static ulong DatapathIdOf(BridgeSpec spec, MacBytes mac)
    {
        var text = spec.OtherConfig.GetValueOrDefault("datapath-id", "");
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) text = text[2..];
        return text.Length is > 0 and <= 16 && ulong.TryParse(
            text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id)
            && id != 0 ? id : mac.ToUInt64();
    }

    /// <summary>The number that a row asks for or had.</summary>
    public static int? WishOf(InterfaceSpec spec) =>
        spec.OpenFlowPortRequest ?? spec.OpenFlowPortLast;

    /// <summary>
    /// Wishes first, so that a newcomer does not take a number that another one had.
    /// </summary>
    private static void NumberWishes(
        BridgeSpec spec, BridgeState state, Dictionary<string, InterfaceOpened> opened)
    {
        foreach (var row in spec.Ports.Values.SelectMany(port => port.Interfaces.Values))
        {
            if (WishOf(row) is null || !opened.TryGetValue(row.Name, out var each)) continue;
            if (each.Error is null) state.NumberOf(row.Name, WishOf(row));
        }
    }

    private static PortSnapshot PortOf(
        BridgeSpec spec, BridgeState state, PortSpec port, InterfaceOpened opened, uint number)
    {
        var device = opened.Port;
        var mac = opened.Spec.Mac ?? device?.Mac ?? default;
        if (mac.IsZero) mac = MadeUp(spec.Name + "/" + opened.Spec.Name);
        if (number == OfPort.Local
            && MacBytes.TryParse(spec.OtherConfig.GetValueOrDefault("hwaddr", ""), out var set))
        {
            mac = set;
        }

        // Who puts a port down puts its device down.
        var config = state.ConfigOf(opened.Spec.Name);
        if (device is { IsAdminUp: false }) config |= OfPortConfig.PortDown;
        var isUp = (device?.IsLinkUp ?? true) && (config & OfPortConfig.PortDown) == 0;
        return new PortSnapshot(
            spec.Name, opened.Spec.Name, number, device?.Number, mac, device?.Mtu ?? 1500,
            config, isUp, port.Name, opened.Peer,
            opened.Tunnel)
        {
            IsFaulty = state.Sessions.IsFaulty(opened.Spec.Name),
            Counters = opened.HasDevice ? null : state.CountersOf(opened.Spec.Name),
            Tree = state.TreePorts.GetValueOrDefault(opened.Spec.Name),
            InterfaceIndex = device?.InterfaceIndex ?? 0,
            LinkSpeed = device?.LinkSpeed ?? 0,
            SinceMilliseconds = state.SinceOf(opened.Spec.Name),
        };
    }

    private static BundleSnapshot BundleOf(
        PortSpec port, BridgeState state, ImmutableArray<uint> members,
        Dictionary<uint, PortSnapshot> ports,
        bool isMirrorOutput)
    {
        var mode = port.VlanMode switch
        {
            "access" => VlanMode.Access,
            "native-tagged" => VlanMode.NativeTagged,
            "native-untagged" => VlanMode.NativeUntagged,
            "dot1q-tunnel" => VlanMode.Dot1qTunnel,
            "trunk" => VlanMode.Trunk,
            _ => port.Tag is null ? VlanMode.Trunk : VlanMode.Access,
        };
        var vlan = mode == VlanMode.Trunk ? -1 : port.Tag ?? 0;
        var trunks = mode is VlanMode.Access or VlanMode.Dot1qTunnel ? [] : port.Trunks;
        return new BundleSnapshot(
            port.Name, mode, vlan, trunks, port.Cvlans, members,
            BondOf(port, state, members, ports),
            IsFloodable: true, port.IsProtected, isMirrorOutput,
            port.OtherConfig.GetValueOrDefault("qinq-ethtype") == "802.1q"
                ? (ushort)0x8100 : QinqEthertype,
            port.OtherConfig.GetValueOrDefault("priority-tags") switch
            {
                "if-nonzero" or "true" => PriorityTagging.IfNonzero,
                "always" => PriorityTagging.Always,
                _ => PriorityTagging.Never,
            })
        {
            FloodsMulticast =
                port.OtherConfig.GetValueOrDefault("mcast-snooping-flood") == "true",
            FloodsReports =
                port.OtherConfig.GetValueOrDefault("mcast-snooping-flood-reports") == "true",
        };
    }

    private static BondSnapshot? BondOf(
        PortSpec port, BridgeState state, ImmutableArray<uint> members,
        Dictionary<uint, PortSnapshot> ports) =>
        port.Interfaces.Count < 2 ? null : state.BondOf(port.Name).Update(
            port, members.Select(member => ports[member]), state.Now);

    private static ImmutableArray<MirrorSnapshot> MirrorsOf(BridgeSpec spec)
    {
        var mirrors = ImmutableArray.CreateBuilder<MirrorSnapshot>();
        foreach (var mirror in spec.Mirrors.Values)
        {
            if (mirrors.Count == 32) break; // OVS's limit: one bit each.
            mirrors.Add(new MirrorSnapshot(
                mirror.Name, mirrors.Count, mirror.SelectAll, mirror.SelectSourcePorts,
                mirror.SelectDestinationPorts, mirror.SelectVlans, mirror.OutputPort,
                mirror.OutputVlan, mirror.SnapLength ?? 0));
        }

        return mirrors.ToImmutable();
    }

    private static MacBytes MacOf(
        BridgeSpec spec, BridgeState state, Dictionary<uint, PortSnapshot> ports)
    {
        if (MacBytes.TryParse(spec.OtherConfig.GetValueOrDefault("hwaddr", ""), out var set))
        {
            return set;
        }

        if (ports.TryGetValue(Fabric.Wire.OpenFlow.OfPort.Local, out var local)) return local.Mac;
        return state.MadeUpMac ??= MadeUp(spec.Name);
    }

    /// <summary>A locally administered address from a name: where nothing else has one.</summary>
    private static MacBytes MadeUp(string name)
    {
        var hash = 14695981039346656037UL;
        foreach (var each in name) hash = (hash ^ each) * 1099511628211UL;
        return MacBytes.FromUInt64((hash & 0xFEFF_FFFF_FFFF) | 0x0200_0000_0000);
    }
}
