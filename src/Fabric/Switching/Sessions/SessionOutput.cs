using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>Sends packets of sessions out of their interfaces, past all tables.</summary>
internal static class SessionOutput
{
    /// <summary>The port as packets see it now; null while it is not there.</summary>
    public static PortSnapshot? PortOf(SwitchStore store, SessionPlace place)
    {
        if (store.FindDatapath(place.DatapathType) is not { } datapath) return null;
        if (!datapath.Current.Bridges.TryGetValue(place.Bridge, out var bridge)) return null;
        foreach (var port in bridge.PortsInOrder)
        {
            if (port.Name == place.Interface) return port;
        }

        return null;
    }

    /// <returns>False while there is no such port: the packet is as good as lost.</returns>
    public static bool Send(SwitchStore store, SessionPlace place, ReadOnlySpan<byte> frame)
    {
        if (PortOf(store, place) is not { } port) return false;
        if (store.FindDatapath(place.DatapathType) is not { } datapath) return false;
        if (store.FindBridge(place.Bridge) is not { } bridge) return false;
        var packet = new OfPacketOut(
            OfPort.None, ActionList.From([new OfOutput(port.OpenFlowPort)]),
            EquatableArray.Create(frame));
        return new PacketOuts(bridge, datapath, store.Time.Milliseconds()).Send(packet)
            == OfErrorCode.None;
    }
}
