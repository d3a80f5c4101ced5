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
            if (options.ContainsKey("remote_ip"))
            {
                error = $"{spec.Name}: bad {spec.Type} 'remote_ip'\n{error}";
            }

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
            options.GetValueOrDefault("seq") == "true")
        {
            Payload = PayloadOf(kind, options.GetValueOrDefault("packet_type")),
            HasGbp = Extends(options, "gbp"),
            HasGpe = Extends(options, "gpe"),
            Erspan = ErspanOf(options),
        };
        return true;
    }

    private static bool Extends(ImmutableSortedDictionary<string, string> options, string name) =>
        options.GetValueOrDefault("exts", "").Contains(name, StringComparison.Ordinal);

    private static TunnelPayload PayloadOf(TunnelKind kind, string? text) => text switch
    {
        "ptap" => TunnelPayload.Any,
        "legacy_l2" when kind != TunnelKind.Gtpu => TunnelPayload.Frame,
        "legacy_l3" => TunnelPayload.Network,
        _ => kind == TunnelKind.Gtpu ? TunnelPayload.Network : TunnelPayload.Frame,
    };

    /// <summary>erspan_ver and what belongs to it; null when the flow says all of it.</summary>
    private static ErspanMetadata? ErspanOf(ImmutableSortedDictionary<string, string> options)
    {
        var version = options.GetValueOrDefault("erspan_ver");
        if (version is not ("1" or "2")) return null;
        if (options.GetValueOrDefault("erspan_idx") == "flow") return null;
        return new ErspanMetadata(
            (byte)(version[0] - '0'), Mark(Hexadecimal(options, "erspan_idx")) ?? 0,
            (byte)(Mark(options.GetValueOrDefault("erspan_dir")) ?? 0),
            (byte)(Mark(Hexadecimal(options, "erspan_hwid")) ?? 0));
    }

    /// <summary>Written without 0x all the same.</summary>
    private static string? Hexadecimal(
        ImmutableSortedDictionary<string, string> options, string name) =>
        options.GetValueOrDefault(name) is not { } text ? null
            : text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text : "0x" + text;

    /// <summary>
    /// The datapath's listening port for such tunnels: shared by all of a kind and port.
    /// </summary>
    public static (string Name, TunnelPortSpec Spec) PortOf(TunnelConfig config, InterfaceSpec spec)
    {
        var listening = new TunnelPortSpec(
            config.Kind, config.DestinationPort, config.HasGbp, config.HasGpe);
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
