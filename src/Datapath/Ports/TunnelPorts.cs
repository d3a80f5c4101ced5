namespace Fabric.Datapath;

/// <summary>Opens the port for a kind of tunnel.</summary>
internal static class TunnelPorts
{
    public static bool TryOpen(
        DatapathPortSpec spec, uint number, GeneveOptions options, out PacketPort? port,
        out string error)
    {
        port = null;
        error = "Address family not supported by protocol";
        switch (spec.Tunnel?.Kind)
        {
            case TunnelKind.Geneve or TunnelKind.Vxlan:
                var isOpen = UdpTunnelPort.TryOpen(
                    spec, spec.Tunnel, number, options, out var udp, out error);
                port = udp;
                return isOpen;
            case null:
                error = "Invalid argument";
                return false;
            default:
                return false;
        }
    }
}
