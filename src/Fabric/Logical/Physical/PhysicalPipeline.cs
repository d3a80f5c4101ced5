using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;
using static Fabric.Logical.PhysicalTables;

namespace Fabric.Logical;

/// <summary>A logical port as the physical tables see it.</summary>
/// <param name="Name">For the conntrack zone.</param>
/// <param name="Row">Logical_Switch_Port or Logical_Router_Port.</param>
/// <param name="Interface">OpenFlow port on this host, when bound here.</param>
/// <param name="Tunnel">OpenFlow port of the tunnel to the host that has it.</param>
/// <param name="Patch">Datapath and port key on the other side of a link between datapaths.</param>
/// <param name="Redirect">The "cr-" port of a distributed gateway port.</param>
internal sealed record PhysicalPort(
    string Name, Guid Row, uint Key, uint? Interface, uint? Tunnel, PatchPeer? Patch,
    ushort Zone, int? Tag, bool IsLocalport, bool IsLocalnet, bool IsRouter,
    RedirectPort? Redirect = null)
{
    /// <summary>
    /// Key of the switch's port to a physical network here: used instead of tunnels.
    /// </summary>
    public uint? ViaLocalnet { get; init; }

    /// <summary>
    /// The link to a gateway router that is here: what is flooded from elsewhere reaches it, too.
    /// </summary>
    public bool IsLinkHere { get; init; }
}

/// <param name="Key">Tunnel key of the "cr-" port.</param>
/// <param name="IsHere">This host is the active gateway.</param>
/// <param name="Tunnel">
/// OpenFlow port of the tunnel to the active gateway, if it is elsewhere.
/// </param>
internal sealed record RedirectPort(uint Key, bool IsHere, uint? Tunnel);

/// <summary>Where a link between two datapaths leads.</summary>
/// <param name="Dnat">Conntrack zones of the datapath there.</param>
internal sealed record PatchPeer(uint DatapathKey, uint PortKey, ushort Dnat, ushort Snat);

/// <summary>Between OpenFlow ports and logical ports: tables 0, 54 to 57, 88 and 89.</summary>
/// <remarks>
/// The wire is OVN's: VNI = datapath key, Geneve option 0x0102/0x80 with 15 bits of input and 16
/// bits of output port. What comes from a tunnel enters at table 56 and sees egress only.
/// </remarks>
internal static class PhysicalPipeline
{
    /// <summary>What does not belong to a datapath: defaults and tunnels.</summary>
    public static void CompileHost(CompilePass pass)
    {
        pass.Block("physical", Guid.Empty, Guid.Empty, [], AddDefaults);
        foreach (var (host, port) in pass.Host.Tunnels)
        {
            pass.Block($"tunnel {host}", Guid.Empty, Guid.Empty, [port], block =>
                AddTunnel(block, port));
        }
    }

    /// <summary>Ports of one local datapath.</summary>
    public static void CompilePorts(
        CompilePass pass, Guid datapath, uint key, IEnumerable<PhysicalPort> ports)
    {
        var zones = new DatapathZones(
            pass.Host.Zone(ConntrackZones.DnatName(datapath)),
            pass.Host.Zone(ConntrackZones.SnatName(datapath)));
        foreach (var port in ports)
        {
            pass.Block("port", port.Row, datapath, [port, key, zones], block =>
                AddPort(block, key, port, zones));
        }
    }

    internal sealed record DatapathZones(ushort Dnat, ushort Snat);

    private static void AddDefaults(FlowBlockBuilder block)
    {
        block.Add(RemoteOutput, 0, FlowMatch.Any, FlowActions.To(LocalOutput));
        block.Add(
            RemoteOutput, 150, FlowMatch.Any.Has(LocalOnly), FlowActions.To(LocalOutput));
        block.Add(
            RemoteOutput, 150, FlowMatch.Any.Has(FromLocalport), FlowActions.To(LocalOutput));

        var enter = new FlowActions();
        for (var i = 0; i < 10; i++) enter.Set(Register(i), 0);
        block.Add(CheckLoopback, 0, FlowMatch.Any, enter.Next(LogicalEgress));

        block.Add(SaveInport, 0, FlowMatch.Any, FlowActions.To(LogicalToPhysical));
        Subfield inPort = MatchField.InPort;
        block.Add(SaveInport, 100, FlowMatch.Any.Has(AllowLoopback), new FlowActions()
            .Push(inPort).Set(inPort, 0).Next(LogicalToPhysical).Pop(inPort));
    }

    // Table 0: from a tunnel; the sender has decided where to.
    private static void AddTunnel(FlowBlockBuilder block, uint port) =>
        block.Add(
            PhysicalToLogical, 100, FlowMatch.Any.Is(MatchField.InPortOxm, port),
            new FlowActions()
                .Move(TunnelKey, new Subfield(MatchField.Metadata, 0, 24))
                .Move(TunnelInport, new Subfield(Inport.Field, 0, 15))
                .Move(TunnelOutport, new Subfield(Outport.Field, 0, 16))
                .Set(FromTunnel, 1)
                .Next(LocalOutput));

    private static void AddPort(
        FlowBlockBuilder block, uint datapath, PhysicalPort port, DatapathZones zones)
    {
        var here = FlowMatch.On(datapath);
        var to = here.Outport(port.Key);
        if (port.Redirect is { } redirect) AddRedirect(block, datapath, port, redirect, zones);
        if (port is { Tunnel: not null, Patch: null, ViaLocalnet: { } localnet })
        {
            block.Add(
                RemoteOutput, 100, to, new FlowActions().SetOutport(localnet).Next(LocalOutput));
            return;
        }

        if (port.Tunnel is { } tunnel)
        {
            block.Add(RemoteOutput, 100, to, Encapsulate(datapath).OutputTo(tunnel));
            if (port.Patch is null) return;
        }

        if (port.Interface is null && port.Patch is null) return;
        block.Add(
            LocalOutput, 100, to, Zones(port.Zone, zones).Next(CheckLoopback));
        block.Add(
            CheckLoopback, 100, to.Inport(port.Key).Lacks(AllowLoopback), FlowActions.Drop);
        if (port.Interface is { } openFlowPort)
            AddInterface(block, datapath, port, openFlowPort, zones);
        if (port.Patch is { } peer) AddPatch(block, to, peer);
    }

    // Tables 54 and 56: a distributed gateway port acts on one host.
    private static void AddRedirect(
        FlowBlockBuilder block, uint datapath, PhysicalPort port, RedirectPort redirect,
        DatapathZones zones)
    {
        var to = FlowMatch.On(datapath).Outport(redirect.Key);
        if (redirect.Tunnel is { } tunnel)
            block.Add(RemoteOutput, 100, to, Encapsulate(datapath).OutputTo(tunnel));
        if (!redirect.IsHere) return;
        var act = Zones(port.Zone, zones).SetOutport(port.Key);
        block.Add(LocalOutput, 100, to, act.Next(CheckLoopback));

        // The sender did not know the next hop's MAC: routing is repeated where it can be learnt.
        block.Add(
            LocalOutput, 110, to.Is(MatchField.EthernetDestination, default(MacBytes)),
            Zones(port.Zone, zones).Next(RouterIngress.RoutingPre));
    }

    /// <summary>Metadata of the tunnel from datapath, input and output port.</summary>
    private static FlowActions Encapsulate(uint datapath) => new FlowActions()
        .Set(TunnelKey, datapath)
        .Move(new Subfield(Outport.Field, 0, 16), TunnelOutport)
        .Move(new Subfield(Inport.Field, 0, 15), TunnelInport);

    private static FlowActions Zones(ushort zone, DatapathZones zones)
    {
        var actions = new FlowActions().Set(PortZone, zone);
        if (zones.Dnat != 0) actions.Set(DnatZone, zones.Dnat);
        if (zones.Snat != 0) actions.Set(SnatZone, zones.Snat);
        return actions;
    }

    // Tables 0 and 89: an interface of this host.
    private static void AddInterface(
        FlowBlockBuilder block, uint datapath, PhysicalPort port, uint openFlowPort,
        DatapathZones zones)
    {
        var from = FlowMatch.Any.Is(MatchField.InPortOxm, openFlowPort);
        var enter =
            Zones(port.Zone, zones).Set(LogicalFields.DatapathKey, datapath).Set(Inport, port.Key);
        if (port.IsLocalport) enter.Set(FromLocalport, 1);
        if (port.IsLocalnet) enter.Set(FromLocalnet, 1);
        if (port.Tag is { } tag and > 0)
        {
            var tagged = from.Masked(MatchField.VlanTci, (uint)tag | 0x1000, 0x1fff);
            enter.Add(new OfStripVlan(IsPop: true));
            block.Add(PhysicalToLogical, 150, tagged, enter.Next(LogicalIngress));
            block.Add(
                LogicalToPhysical, 100, FlowMatch.On(datapath).Outport(port.Key),
                new FlowActions()
                    .Add(new OfPushVlan())
                    .Set(new Subfield(MatchField.VlanTci, 0, 12), (uint)tag)
                    .OutputTo(openFlowPort)
                    .Add(new OfStripVlan(IsPop: true)));
            return;
        }

        block.Add(PhysicalToLogical, 100, from, enter.Next(LogicalIngress));
        block.Add(
            LogicalToPhysical, 100, FlowMatch.On(datapath).Outport(port.Key),
            new FlowActions().OutputTo(openFlowPort));
    }

    // Table 89: a link to another datapath begins its ingress on a fresh copy.
    private static void AddPatch(FlowBlockBuilder block, FlowMatch to, PatchPeer peer)
    {
        var inner = new FlowActions().ClearConntrack();
        for (var i = 0; i <= 13; i++) inner.Set(Register(i), 0);
        if (peer.Dnat != 0) inner.Set(DnatZone, peer.Dnat);
        if (peer.Snat != 0) inner.Set(SnatZone, peer.Snat);
        inner.Set(Outport, 0)
            .Set(LogicalFields.DatapathKey, peer.DatapathKey)
            .Set(Inport, peer.PortKey)
            .Set(MatchField.InPort, 0);
        block.Add(LogicalToPhysical, 100, to, new FlowActions().Clone(inner.Next(LogicalIngress)));
    }

    /// <summary>Multicast groups of a switch; ports in the order of their keys.</summary>
    public static void CompileGroups(CompilePass pass, SwitchView view)
    {
        var hasLocalnet = view.LocalnetKey is not null;
        foreach (var (group, kind) in (ReadOnlySpan<(uint, string)>)
            [(FloodGroup, "flood"), (UnknownGroup, "unknown"), (FloodL2Group, "flood-l2")])
        {
            var tunnels = new SortedSet<uint>();
            var locals = ImmutableArray.CreateBuilder<uint>();
            var patches = ImmutableArray.CreateBuilder<uint>();
            foreach (var logical in view.Ports)
            {
                if (!IsMember(logical.Row, group)
                    || !view.Physical.TryGetValue(logical.Row.Uuid, out var port))
                {
                    continue;
                }

                if (port is { Patch: null, Tunnel: { } tunnel }) tunnels.Add(tunnel);
                if (port.Interface is not null || port.IsLinkHere) locals.Add(port.Key);
                if (port.Patch is not null && !port.IsLinkHere) patches.Add(port.Key);
            }

            var members = new GroupMembers(
                hasLocalnet ? [] : [.. tunnels], locals.ToImmutable(), patches.ToImmutable());
            var datapath = view.Row.Uuid;
            pass.Block(
                kind, datapath, datapath,
                [view.Key, members.Tunnels, members.Locals, members.Patches],
                block => AddGroup(block, view.Key, group, members));
        }
    }

    private sealed record GroupMembers(
        ImmutableArray<uint> Tunnels, ImmutableArray<uint> Locals, ImmutableArray<uint> Patches);

    private static bool IsMember(LogicalSwitchPort row, uint group) => group switch
    {
        FloodL2Group => !row.IsRouter,
        UnknownGroup => row.HasUnknown || row.IsLocalnet,
        _ => true,
    };

    // Tables 54 and 56: one copy per host, routers on this host only, then local ports.
    private static void AddGroup(
        FlowBlockBuilder block, uint datapath, uint group, GroupMembers members)
    {
        var (tunnels, locals, patches) = members;
        var to = FlowMatch.On(datapath).Outport(group);
        var remote = new FlowActions();
        if (!tunnels.IsEmpty) remote.Append(Encapsulate(datapath));
        foreach (var tunnel in tunnels) remote.OutputTo(tunnel);
        foreach (var patch in patches) remote.SetOutport(patch).Next(LocalOutput);
        remote.SetOutport(group).Next(LocalOutput);
        block.Add(RemoteOutput, 100, to, remote);

        if (locals.IsEmpty) return;
        var local = new FlowActions();
        foreach (var member in locals) local.SetOutport(member).Next(LocalOutput);
        block.Add(LocalOutput, 100, to, local.SetOutport(group));
    }
}
