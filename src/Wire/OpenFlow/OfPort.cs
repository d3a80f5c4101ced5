using System.Globalization;

namespace Fabric.Wire.OpenFlow;

/// <summary>Port numbers with a meaning of their own, in OpenFlow 1.1's 32 bits.</summary>
/// <remarks>
/// OpenFlow 1.0 has the same numbers in 16 bits (0xfff8 ...); <see cref="FromWire16"/> and
/// <see cref="ToWire16"/> convert. Sources: OpenFlow 1.0 section 5.2.1, 1.3 section A.2.1.
/// </remarks>
public static class OfPort
{
    /// <summary>Ordinary ports are 1 to Max (OVS: below 0xff00).</summary>
    public const uint Max = 0xFFFF_FF00;
    public const uint InPort = 0xFFFF_FFF8;
    public const uint Table = 0xFFFF_FFF9;
    public const uint Normal = 0xFFFF_FFFA;
    public const uint Flood = 0xFFFF_FFFB;
    public const uint All = 0xFFFF_FFFC;
    public const uint Controller = 0xFFFF_FFFD;
    public const uint Local = 0xFFFF_FFFE;
    /// <summary>None (1.0) and Any (1.1 and later).</summary>
    public const uint None = 0xFFFF_FFFF;
    public const uint Any = None;
    /// <summary>OpenFlow 1.5: a match on in_port that a packet-out without a port has.</summary>
    public const uint Unset = 0xFFFF_FFF7;

    private const ushort Reserved16 = 0xFF00;

    /// <summary>A number that a port may have, or a reserved one, in 32 bits.</summary>
    public static bool IsNumber(uint port) => port < Reserved16 || port >= InPort;

    /// <summary>What a number that is none is answered with.</summary>
    internal static OfErrorCode ErrorOf(uint port) =>
        TryToWire16(port, out _) ? OfErrorCode.None : OfErrorCode.ActionBadOutPort;

    public static uint FromWire16(ushort port) => port >= Reserved16 ? 0xFFFF_0000u | port : port;

    /// <summary>The port in OpenFlow 1.0's 16 bits; false when it does not fit.</summary>
    public static bool TryToWire16(uint port, out ushort wire)
    {
        wire = (ushort)port;
        return port < Reserved16 || port >= 0xFFFF_0000u + Reserved16;
    }

    /// <summary>The port in 16 bits; what does not fit becomes NONE.</summary>
    public static ushort ToWire16(uint port) =>
        TryToWire16(port, out var wire) ? wire : (ushort)0xFFFF;

    /// <summary>The name of a reserved port as ovs-ofctl writes it, else null.</summary>
    public static string? NameOf(uint port) => port switch
    {
        InPort => "IN_PORT",
        Table => "TABLE",
        Normal => "NORMAL",
        Flood => "FLOOD",
        All => "ALL",
        Controller => "CONTROLLER",
        Local => "LOCAL",
        None => "ANY",
        Unset => "UNSET",
        _ => null,
    };

    /// <summary>
    /// A number or a reserved name in either case; "any" and "none" are the same.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out uint port)
    {
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port))
        {
            if (port is >= Reserved16 and <= ushort.MaxValue) port = FromWire16((ushort)port);
            return true;
        }

        Span<char> upper = stackalloc char[16];
        if (text.Length > upper.Length) return false;
        var count = text.ToUpperInvariant(upper);
        port = upper[..count] switch
        {
            "IN_PORT" => InPort,
            "TABLE" => Table,
            "NORMAL" => Normal,
            "FLOOD" => Flood,
            "ALL" => All,
            "CONTROLLER" => Controller,
            "LOCAL" => Local,
            "NONE" or "ANY" => None,
            "UNSET" => Unset,
            _ => 0,
        };
        return port != 0;
    }

    public static string ToText(uint port) =>
        NameOf(port) ?? port.ToString(CultureInfo.InvariantCulture);
}

/// <summary>OpenFlow protocol versions by their number on the wire.</summary>
public enum OfVersion : byte
{
    OpenFlow10 = 1,
    OpenFlow11 = 2,
    OpenFlow12 = 3,
    OpenFlow13 = 4,
    OpenFlow14 = 5,
    OpenFlow15 = 6,
}
