using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <content>The vport and netdev messages.</content>
internal sealed partial class KernelPorts
{
    private static bool TryNew(
        NetlinkConnection connection, DatapathPortSpec spec, OvsVportType type, out uint number,
        out string error)
    {
        var endpoint = connection.Requests;
        NetlinkOutcome outcome;
        number = 0;
        error = "";
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsVportMessage
            {
                PortNumber = spec.Number,
                Type = type,
                Name = spec.Name,
                Options = spec.Tunnel is { DestinationPort: not 0 } tunnel
                    ? new OvsTunnelOptions(tunnel.DestinationPort, tunnel.HasGbp, tunnel.HasGpe)
                    : null,
                UpcallPids = [PidOf(connection, spec.Number)],
            }.Write(ref writer, endpoint.Header(
                OvsFamily.Vport, OvsCommand.New, endpoint.ChangeAndTell));
            outcome = endpoint.Transact(ref writer, out var answer);
            // OVSEXT says "done" without a word when another tunnel has that port already.
            var isTold = outcome.IsOk && !answer.IsEmpty;
            if (isTold && OvsMessage.TryParse(answer, out var message, out _, out _)
                && OvsVportMessage.TryParse(message, out var vport, out _)
                && vport.PortNumber is { } given)
            {
                number = given;
            }
            else if (outcome.IsOk)
            {
                outcome = NetlinkOutcome.Of(OvsErrorCatalogue.Exists);
            }
        }

        if (outcome.IsOk)
        {
            if (spec.Number is null && connection.Packets.Length > 1) SetPid(connection, number);
            return true;
        }

        if (outcome.Error == OvsErrorCatalogue.Exists && TryAdopt(connection, spec, out number))
        {
            return true;
        }

        error = Explain(connection, spec, outcome);
        return false;
    }

    /// <summary>It is there already under this name: from before, or by another's hand.</summary>
    private static bool TryAdopt(
        NetlinkConnection connection, DatapathPortSpec spec, out uint number)
    {
        number = Vports(connection).FirstOrDefault(vport => vport.Name == spec.Name)?.PortNumber
            ?? 0;
        if (number == 0) return false;
        SetPid(connection, number);
        return true;
    }

    private static string Explain(
        NetlinkConnection connection, DatapathPortSpec spec, NetlinkOutcome outcome)
    {
        var isHyperV = connection.Dialect == NetlinkDialect.Ovsext
            && spec.Kind is DatapathPortKind.System or DatapathPortKind.Internal;
        return outcome.Error switch
        {
            _ when outcome.Status != DeviceStatus.Ok =>
                $"could not open network device {spec.Name} (the datapath is away)",
            OvsErrorCatalogue.Exists =>
                $"could not add network device {spec.Name} to ofproto (File exists)",
            OvsErrorCatalogue.Busy =>
                $"could not add network device {spec.Name} to ofproto (Device or resource busy)",
            OvsErrorCatalogue.Invalid when isHyperV =>
                $"could not open network device {spec.Name} "
                + "(no port of the Hyper-V switch has this friendly name)",
            OvsErrorCatalogue.NoDevice =>
                $"could not open network device {spec.Name} (No such device)",
            _ => $"could not open network device {spec.Name} ({outcome})",
        };
    }

    private static void Erase(NetlinkConnection connection, uint number)
    {
        var endpoint = connection.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsVportMessage { PortNumber = number }.Write(ref writer, endpoint.Header(
                OvsFamily.Vport, OvsCommand.Delete, endpoint.Change));
            endpoint.Transact(ref writer, out _);
        }
    }

    /// <summary>From now on the vport's packets come to our handle.</summary>
    private static void SetPid(NetlinkConnection connection, uint number)
    {
        var endpoint = connection.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsVportMessage
            {
                PortNumber = number,
                UpcallPids = [PidOf(connection, number)],
            }.Write(ref writer, endpoint.Header(
                OvsFamily.Vport, OvsCommand.Set, endpoint.Change));
            endpoint.Transact(ref writer, out _);
        }
    }

    private static uint PidOf(NetlinkConnection connection, uint? number)
    {
        FlowKey key = default;
        key.InPort = number ?? 0;
        return ExpandedFlows.PidOf(connection, in key);
    }

    private static OvsVportMessage? Vport(NetlinkConnection connection, uint number)
    {
        var endpoint = connection.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsVportMessage { PortNumber = number }.Write(
                ref writer, endpoint.Header(OvsFamily.Vport, OvsCommand.Get));
            return endpoint.Transact(ref writer, out var answer).IsOk
                && OvsMessage.TryParse(answer, out var message, out _, out _)
                && OvsVportMessage.TryParse(message, out var vport, out _)
                ? vport
                : null;
        }
    }

    private static List<OvsVportMessage> Vports(NetlinkConnection connection)
    {
        const ushort Flags = NetlinkFlags.Request | NetlinkFlags.Dump;
        var all = new List<OvsVportMessage>();
        var endpoint = connection.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsVportMessage().Write(ref writer, endpoint.Header(
                OvsFamily.Vport, OvsCommand.Get,
                endpoint.Dialect == NetlinkDialect.Ovsext
                    ? (ushort)(Flags | NetlinkFlags.Acknowledge)
                    : Flags));
            endpoint.Dump(ref writer, (ReadOnlySpan<byte> bytes, out NetlinkFault fault) =>
            {
                if (!OvsMessage.TryParse(bytes, out var message, out _, out fault)
                    || !OvsVportMessage.TryParse(message, out var vport, out fault))
                {
                    return false;
                }

                if (all.Count <= DatapathLimits.PortNumberMax) all.Add(vport);
                return true;
            });
        }

        return all;
    }

    /// <summary>The port as its network device is now.</summary>
    private static DatapathPort Netdev(NetlinkConnection connection, DatapathPort port)
    {
        if (port.Kind == DatapathPortKind.Tunnel) return port with { IsLinkUp = true };
        if (connection.Dialect == NetlinkDialect.Linux)
        {
            return NetworkDevice.Read(port.Name) is not { } state
                ? port with { IsLinkUp = false }
                : port with
                {
                    InterfaceIndex = state.Index,
                    Mac = state.Mac,
                    Mtu = state.Mtu,
                    IsAdminUp = state.IsAdminUp,
                    IsLinkUp = state.IsLinkUp,
                };
        }

        var endpoint = connection.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsNetdevMessage { Name = port.Name }.Write(
                ref writer, endpoint.Header(OvsFamily.Netdev, OvsNetdevCommand.Get));
            var outcome = endpoint.Transact(ref writer, out var answer);
            if (!outcome.IsOk || !OvsMessage.TryParse(answer, out var message, out _, out _)
                || !OvsNetdevMessage.TryParse(message, out var netdev, out _))
            {
                // Away by the device's word; a device that says nothing changes nothing.
                return outcome.Error == 0 || outcome.Error == NetlinkOutcome.BadMessage
                    ? port
                    : port with { IsLinkUp = false };
            }

            var isUp = (netdev.Flags & OvsNetdevFlags.Up) != 0;
            return port with
            {
                Mac = netdev.Mac ?? port.Mac,
                Mtu = (int)Math.Min(netdev.Mtu ?? (uint)port.Mtu, 65_535),
                IsAdminUp = netdev.Flags is null || isUp,
                IsLinkUp = netdev.Flags is null || isUp,
            };
        }
    }
}
