namespace Fabric.Logical;

/// <summary>What Copp.meters calls the kinds of punted packets.</summary>
internal static class CoppMeters
{
    /// <returns>Null: that kind is not metered (logging has meters of its own).</returns>
    public static string? NameOf(ControllerOpcode opcode, bool isIpv6) => opcode switch
    {
        ControllerOpcode.Arp => isIpv6 ? "nd-ns-resolve" : "arp-resolve",
        ControllerOpcode.PutNeighbor => isIpv6 ? "nd-na" : "arp",
        ControllerOpcode.NdAdvert => "nd-na",
        ControllerOpcode.PutDhcpOptions => "dhcpv4-opts",
        ControllerOpcode.PutDhcpv6Options => "dhcpv6-opts",
        ControllerOpcode.DnsLookup => "dns",
        ControllerOpcode.Reject => "reject",
        ControllerOpcode.IcmpError => isIpv6 ? "icmp6-error" : "icmp4-error",
        ControllerOpcode.RouterAdvert => "nd-ra-opts",
        ControllerOpcode.ServiceAnswer => "svc-monitor",
        ControllerOpcode.Membership => "igmp",
        ControllerOpcode.RouteBfd => "bfd",
        _ => null,
    };
}
