using Fabric.Datapath;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>What an Interface row asks of the datapath.</summary>
/// <param name="Port">Null for patch ports, which no datapath sees.</param>
/// <param name="Peer">Patch ports: the interface at the other end.</param>
public sealed record InterfacePlan(DatapathPortSpec? Port, TunnelConfig? Tunnel, string? Peer)
{
    private const string XdpMode = "xdp-mode";

    /// <summary>Null with OVS's words when the row cannot be followed.</summary>
    public static InterfacePlan? Of(InterfaceSpec spec, out string error)
    {
        error = "";
        if (spec.Type == "patch") return Patch(spec, out error);
        if (TunnelOptions.Kinds.ContainsKey(spec.Type))
        {
            if (!TunnelOptions.TryParse(spec, out var tunnel, out error)) return null;
            var (name, listening) = TunnelOptions.PortOf(tunnel, spec);
            return new InterfacePlan(
                new DatapathPortSpec(name, DatapathPortKind.Tunnel, Tunnel: listening), tunnel,
                null);
        }

        DatapathPortKind kind;
        var options = spec.Options;
        switch (spec.Type)
        {
            case "" or "system":
                kind = DatapathPortKind.System;
                break;
            case "afxdp" or "afxdp-nonpmd":
                kind = DatapathPortKind.System;
                if (!options.ContainsKey(XdpMode)) options = options.Add(XdpMode, "best-effort");
                break;
            case "internal":
                kind = DatapathPortKind.Internal;
                break;
            case "tap":
                kind = DatapathPortKind.Tap;
                break;
            case "dummy" or "dummy-pmd" or "dummy-internal":
                kind = DatapathPortKind.Dummy;
                break;
            case "memory":
                kind = DatapathPortKind.Memory;
                break;
            default:
                error = $"could not open network device {spec.Name} "
                    + "(Address family not supported by protocol)";
                return null;
        }

        return new InterfacePlan(
            new DatapathPortSpec(
                spec.Name, kind, null, spec.Mac, spec.MtuRequest, null, options), null, null);
    }

    private static InterfacePlan? Patch(InterfaceSpec spec, out string error)
    {
        error = "";
        if (spec.Options.TryGetValue("peer", out var peer) && peer.Length > 0)
        {
            if (peer != spec.Name) return new InterfacePlan(null, null, peer);
            error = $"{spec.Name}: patch peer must not be self";
            return null;
        }

        error = $"{spec.Name}: patch type requires valid 'peer' argument";
        return null;
    }
}
