namespace Fabric.Host;

/// <summary>Modules of ovs-vswitchd's log that scripts set levels of by name.</summary>
public static class VlogModules
{
    public static readonly string[] Names =
    [
        "bfd", "bond", "bridge", "bundle", "bundles", "cfm", "collectors", "command_line",
        "connmgr", "conntrack", "coverage", "ct_dpif", "daemon", "daemon_unix", "datapath",
        "dpdk", "dpif", "dpif_netdev", "dpif_netlink", "entropy", "fail_open", "fatal_signal",
        "flow", "hmap", "in_band", "ipf", "ipfix", "jsonrpc", "lacp", "lldp", "memory",
        "meta_flow", "native_tnl", "netdev", "netdev_dummy", "netdev_linux", "netdev_offload",
        "netdev_vport", "netflow", "netlink", "netlink_socket", "nx_match", "odp_execute",
        "odp_util", "ofp_actions", "ofp_errors", "ofp_msgs", "ofp_util", "ofproto",
        "ofproto_dpif", "ofproto_dpif_mirror", "ofproto_dpif_monitor", "ofproto_dpif_rid",
        "ofproto_dpif_upcall", "ofproto_dpif_xlate", "ovs_lldp", "ovs_numa", "ovs_rcu",
        "ovs_router", "ovs_thread", "ovsdb_cs", "ovsdb_error", "ovsdb_idl", "ovsdb_server",
        "pcap", "pmd_perf", "poll_loop", "process", "rconn", "reconnect", "route_table", "rstp",
        "sflow", "socket_util", "stp", "stream", "stream_fd", "stream_ssl", "stream_tcp",
        "stream_unix", "system_stats", "tc", "timeval", "tunnel", "unixctl", "userspace_tso",
        "util", "vconn", "vconn_stream", "vlog", "vswitchd",
    ];
}
