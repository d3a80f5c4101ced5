using System.Collections.Immutable;

namespace Fabric.Pipeline;

/// <summary>By which device a tunnel's packets leave, as Interface.status tells it.</summary>
public static class TunnelEgress
{
    private static readonly ImmutableSortedDictionary<string, string> None =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <param name="linkOf">Of devices that the datapath has; null: it does not.</param>
    /// <returns>Empty while there is no route, or where each packet names its peer.</returns>
    public static ImmutableSortedDictionary<string, string> StatusOf(
        TunnelUnderlay underlay, TunnelConfig tunnel, Func<string, bool?> linkOf, long now)
    {
        if (tunnel.Remote is not { } remote) return None;
        underlay.Routes.Refresh(now);
        if (underlay.Routes.Find(remote, tunnel.EgressPacketMark ?? 0) is not { } route)
        {
            return None;
        }

        var isUp = linkOf(route.Device) ?? HasCarrier(route.Device);
        return None.Add("tunnel_egress_iface", route.Device)
            .Add("tunnel_egress_iface_carrier", isUp ? "up" : "down");
    }

    private static bool HasCarrier(string device)
    {
        try
        {
            return File.ReadAllText($"/sys/class/net/{device}/carrier").StartsWith('1');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false; // A device that is down does not tell.
        }
    }
}
