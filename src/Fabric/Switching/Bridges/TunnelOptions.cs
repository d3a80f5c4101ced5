using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Fabric.Datapath;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>Reads a tunnel interface's options, as vswitchd.conf.db(5) has them.</summary>
public static class TunnelOptions
{
    private const byte TtlDefault = 64;

    /// <summary>Kinds by Interface.type, with their usual UDP or TCP port (0: none).</summary>
    public static ImmutableSortedDictionary<string, (TunnelKind Kind, ushort Port)> Kinds { get; } =
        new Dictionary<string, (TunnelKind, ushort)>
        {
            ["geneve"] = (TunnelKind.Geneve, 6081),
            ["vxlan"] = (TunnelKind.Vxlan, 4789),
            ["gre"] = (TunnelKind.Gre, 0),
            ["ip6gre"] = (TunnelKind.Ip6Gre, 0),
            ["erspan"] = (TunnelKind.Erspan, 0),
            ["ip6erspan"] = (TunnelKind.Erspan, 0),
            ["stt"] = (TunnelKind.Stt, 7471),
            ["gtpu"] = (TunnelKind.Gtpu, 2152),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <param name="error">In OVS's words.</param>
    public static bool TryParse(InterfaceSpec spec, out TunnelConfig config, out string error)
    {
        config = null!;
        error = "";
        var (kind, port) = Kinds[spec.Type];
        var options = spec.Options;
        if (options.TryGetValue("dst_port", out var text)
            && (!ushort.TryParse(text, out port) || port == 0))
        {
            error = $"{spec.Name}: {spec.Type} type requires a valid 'dst_port' argument";
            return false;
        }

        if (!TryAddress(options, "remote_ip", out var remote, out var byFlow)
            || (remote is null && !byFlow))
        {
            error = $"{spec.Name}: {spec.Type} type requires valid 'remote_ip' argument";
            return false;
        }

        if (!TryAddress(options, "local_ip", out var local, out var localByFlow))
        {
            error = $"{spec.Name}: bad {spec.Type} 'local_ip'";
            return false;
        }

        var (keyIn, inByFlow) = Key(options, "in_key");
        var (keyOut, outByFlow) = Key(options, "out_key");
        var tos = options.GetValueOrDefault("tos");
        var ttl = options.GetValueOrDefault("ttl");
        config = new TunnelConfig(
            kind, port, remote, byFlow, local, localByFlow, keyIn, inByFlow, keyOut, outByFlow,
            tos is null or "inherit" ? (byte)0 : Number(tos, 0), tos == "inherit",
            ttl is null or "inherit" ? TtlDefault : Number(ttl, TtlDefault), ttl == "inherit",
            options.GetValueOrDefault("df_default") != "false",
            Checksum(kind, options.GetValueOrDefault("csum")),
            Mark(options.GetValueOrDefault("egress_pkt_mark")),
            options.GetValueOrDefault("seq") == "true");
        return true;
    }

    /// <summary>
    /// The datapath's listening port for such tunnels: shared by all of a kind and port.
    /// </summary>
    public static (string Name, TunnelPortSpec Spec) PortOf(TunnelConfig config, InterfaceSpec spec)
    {
        var extensions = spec.Options.GetValueOrDefault("exts", "");
        var listening = new TunnelPortSpec(
            config.Kind, config.DestinationPort,
            extensions.Contains("gbp", StringComparison.Ordinal),
            extensions.Contains("gpe", StringComparison.Ordinal));
        var number = config.DestinationPort.ToString(CultureInfo.InvariantCulture);
        var name = config.Kind switch
        {
            TunnelKind.Geneve => "genev_sys_" + number,
            TunnelKind.Vxlan => "vxlan_sys_" + number,
            TunnelKind.Stt => "stt_sys_" + number,
            TunnelKind.Gtpu => "gtpu_sys_" + number,
            TunnelKind.Erspan => "erspan_sys",
            TunnelKind.Ip6Gre => "ip6gre_sys",
            _ => "gre_sys",
        };
        return (name, listening);
    }

    private static bool TryAddress(
        ImmutableSortedDictionary<string, string> options, string name, out IPAddress? address,
        out bool byFlow)
    {
        address = null;
        byFlow = false;
        if (!options.TryGetValue(name, out var text)) return true;
        byFlow = text == "flow";
        return byFlow || IPAddress.TryParse(text, out address);
    }

    private static (ulong? Key, bool ByFlow) Key(
        ImmutableSortedDictionary<string, string> options, string name)
    {
        var text = options.GetValueOrDefault(name) ?? options.GetValueOrDefault("key");
        if (text is null) return (null, false);
        if (text == "flow") return (null, true);
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ulong.TryParse(isHex ? text[2..] : text,
            isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture, out var key) ? (key, false) : (null, false);
    }

    private static uint? Mark(string? text)
    {
        if (text is null) return null;
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return uint.TryParse(isHex ? text[2..] : text,
            isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture, out var mark) ? mark : 0;
    }

    private static byte Number(string text, byte otherwise)
    {
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return byte.TryParse(isHex ? text[2..] : text,
            isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture, out var value) ? value : otherwise;
    }

    private static bool Checksum(TunnelKind kind, string? text) =>
        text is null ? kind == TunnelKind.Stt : text == "true";
}
