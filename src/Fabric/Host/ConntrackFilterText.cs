using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Fabric.Datapath;

namespace Fabric.Host;

/// <summary>Which connections flush-conntrack means.</summary>
internal static class ConntrackFilterText
{
    /// <summary>
    /// [zone=N] [mark=X[/M]] [labels=X[/M]] [ct-orig-tuple [ct-reply-tuple]]; a bare number is a
    /// zone, an empty first tuple any. A zone stands first.
    /// </summary>
    /// <exception cref="UnixctlException">A word that is none of these.</exception>
    public static ConntrackFilter Parse(ImmutableArray<string> arguments)
    {
        var filter = new ConntrackFilter();
        var tuples = 0;
        foreach (var (place, argument) in arguments.Index())
        {
            if (place == 0 && ConntrackCommands.ZoneOf(argument) is { } zone)
            {
                filter = filter with { Zone = zone };
            }
            else if (place == 0 && argument.StartsWith("zone=", StringComparison.Ordinal))
            {
                throw Invalid("failed to parse zone");
            }
            else if (argument.StartsWith("mark=", StringComparison.Ordinal))
            {
                var (value, mask) = Masked(argument[5..], "mark");
                filter = filter with { Mark = (uint)value, MarkMask = (uint)mask };
            }
            else if (argument.StartsWith("labels=", StringComparison.Ordinal))
            {
                var (value, mask) = Masked(argument[7..], "labels");
                filter = filter with { Label = value, LabelMask = mask };
            }
            else if (tuples++ == 0)
            {
                filter = filter with { Original = argument.Length == 0 ? null : Tuple(argument) };
            }
            else
            {
                filter = filter with { Reply = Tuple(argument) };
            }
        }

        return filter;
    }

    private static ConntrackTuple Tuple(string text)
    {
        var tuple = new ConntrackTuple(null, null, null, null, null);
        var isOfIcmp = false;
        foreach (var part in text.Split(','))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) throw Invalid($"field {part} missing value");
            var (name, value) = (part[..equals], part[(equals + 1)..]);
            isOfIcmp |= name.StartsWith("icmp_", StringComparison.Ordinal);
            tuple = name switch
            {
                "ct_nw_src" or "ct_ipv6_src" =>
                    tuple with { Source = Address(value, name, tuple.Destination) },
                "ct_nw_dst" or "ct_ipv6_dst" =>
                    tuple with { Destination = Address(value, name, tuple.Source) },
                "ct_nw_proto" => tuple with { Protocol = (byte)Number(value, name) },
                "ct_tp_src" => tuple with { PortSource = Number(value, name) },
                "ct_tp_dst" => tuple with { PortDestination = Number(value, name) },
                "icmp_id" => tuple with { IcmpId = Number(value, name) },
                "icmp_type" => tuple with { PortSource = Number(value, name) },
                "icmp_code" => tuple with { PortDestination = Number(value, name) },
                _ => throw Invalid($"invalid conntrack tuple field: {name}"),
            };
        }

        return !isOfIcmp || tuple.Protocol is 1 or 58 ? tuple : throw Invalid("invalid L4 fields");
    }

    /// <param name="other">The tuple's other address, which is of the same family.</param>
    private static IPAddress Address(string text, string field, IPAddress? other)
    {
        if (!IPAddress.TryParse(text, out var address)) throw Refused(field);
        return other is null || other.AddressFamily == address.AddressFamily
            ? address
            : throw Invalid($"the L3 protocol does not match {text}");
    }

    private static ushort Number(string text, string field) =>
        ushort.TryParse(text, out var value) ? value : throw Refused(field);

    private static UnixctlException Refused(string field) =>
        Invalid($"failed to parse field {field}");

    private static UnixctlException Invalid(string what) => new($"{what} (Invalid argument)");

    private static (UInt128 Value, UInt128 Mask) Masked(string text, string name)
    {
        var parts = text.Split('/');
        if (parts.Length <= 2 && Hex(parts[0]) is { } value)
        {
            if (parts.Length == 1) return (value, UInt128.MaxValue);
            if (Hex(parts[1]) is { } mask) return (value, mask);
        }

        throw Invalid($"failed to parse {name}");
    }

    private static UInt128? Hex(string text)
    {
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return UInt128.TryParse(isHex ? text[2..] : text,
            isHex ? NumberStyles.HexNumber : NumberStyles.None, CultureInfo.InvariantCulture,
            out var value) ? value : null;
    }
}
