using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>A flow of a logical table in the words of logical flows (ovn-sb(5)).</summary>
/// <remarks>
/// A match reads as an expression that this compiler would accept again; bits without a name of
/// OVN's keep their register. What has no word in OVN's language at all (conjunctions, learning)
/// is written as ovs-ofctl writes it. The text says what the flow does, not what OVN would have
/// compiled.
/// </remarks>
internal sealed partial class LogicalFlowText(LogicalNames names)
{
    private static readonly ImmutableDictionary<string, string> FieldNames =
        ExpressionSymbols.All.Values
            .Where(symbol => symbol.Bits is { Offset: 0 } bits && !symbol.IsPort
                && MatchField.Find(bits.Field) is { } field && field.BitWidth == bits.Width)
            .OrderByDescending(symbol => symbol.Name, StringComparer.Ordinal)
            .GroupBy(symbol => MatchField.Find(symbol.Bits!.Field)!.Name)
            .ToImmutableDictionary(symbols => symbols.Key, symbols => NameOf(symbols));

    private static readonly ImmutableDictionary<(string, int, int), string> PartNames =
        ExpressionSymbols.All.Values
            .Where(symbol => symbol.Bits is { } bits && MatchField.Find(bits.Field) is { } field
                && field.BitWidth != bits.Width)
            .GroupBy(symbol => (
                MatchField.Find(symbol.Bits!.Field)!.Name, symbol.Bits.Offset, symbol.Bits.Width))
            .ToImmutableDictionary(symbols => symbols.Key, symbols => symbols.First().Name);

    private static readonly ImmutableDictionary<uint, string> Protocols =
        new Dictionary<uint, string>
        {
            [1] = "icmp4", [2] = "igmp", [6] = "tcp", [17] = "udp", [58] = "icmp6",
            [132] = "sctp",
        }.ToImmutableDictionary();

    private static readonly ImmutableDictionary<uint, string> Groups =
        new Dictionary<uint, string>
        {
            [LogicalFields.FloodGroup] = "_MC_flood",
            [LogicalFields.UnknownGroup] = "_MC_unknown",
            [LogicalFields.FloodL2Group] = "_MC_flood_l2",
        }.ToImmutableDictionary();

    // ARP's fields serve RARP, too: OVN's first name is meant.
    private static string NameOf(IEnumerable<ExpressionSymbol> symbols) =>
        symbols.Select(symbol => symbol.Name).FirstOrDefault(name => name.StartsWith("arp."))
        ?? symbols.First().Name;

    /// <param name="datapath">Tunnel key of the datapath, for the names of ports.</param>
    public string Match(Match match, uint datapath)
    {
        var terms = new List<string>();
        foreach (var entry in match.Entries)
        {
            if (ReferenceEquals(entry.Field, MatchField.Metadata)) continue;
            Terms(entry, datapath, terms);
        }

        return terms.Count == 0 ? "1" : string.Join(" && ", terms);
    }

    private void Terms(MatchEntry entry, uint datapath, List<string> terms)
    {
        var (field, value, mask) = entry;
        if (ReferenceEquals(field, MatchField.EthernetType) && entry.IsExact)
        {
            terms.Add((uint)value switch
            {
                0x0800 => "ip4",
                0x86dd => "ip6",
                0x0806 => "arp",
                var type => $"eth.type == 0x{type:x}",
            });
        }
        else if (ReferenceEquals(field, MatchField.IpProtocol) && entry.IsExact)
        {
            terms.Add(Protocols.TryGetValue((uint)value, out var name)
                ? name
                : $"ip.proto == {OfFieldText.Decimal(value)}");
        }
        else if (field.Name is "reg14" or "reg15" && entry.IsExact)
        {
            terms.Add($"{(field.Name == "reg14" ? "inport" : "outport")} == "
                + PortName(datapath, (uint)value));
        }
        else if (field.Format is FieldFormat.Ethernet or FieldFormat.Ipv4 or FieldFormat.Ipv6
            && FieldNames.TryGetValue(field.Name, out var symbol)
            && !ReferenceEquals(field, MatchField.EthernetDestination))
        {
            terms.Add($"{symbol} == {OfFieldText.Format(field, value, mask)}");
        }
        else if (ReferenceEquals(field, MatchField.EthernetDestination))
        {
            terms.Add(mask == (UInt128)1 << 40 && value == mask
                ? "eth.mcast"
                : $"eth.dst == {OfFieldText.Format(field, value, mask)}");
        }
        else
        {
            Bits(field, value, mask, terms);
        }
    }

    /// <summary>Whole field, or each run of matched bits by itself.</summary>
    private static void Bits(MatchField field, UInt128 value, UInt128 mask, List<string> terms)
    {
        if (mask == field.ExactMask && FieldNames.TryGetValue(field.Name, out var whole))
        {
            terms.Add($"{whole} == {Number(field, value)}");
            return;
        }

        var isFlags = ReferenceEquals(field, MatchField.ConntrackStateField);
        while (mask != 0)
        {
            var low = (int)UInt128.TrailingZeroCount(mask);
            var width = isFlags ? 1 : (int)UInt128.TrailingZeroCount(~(mask >> low));
            var bits = (value >> low) & ExpressionLexer.LowBits(width);
            var name = Part(field, low, width);
            if (width == 1 && PartNames.ContainsKey((field.Name, low, 1)))
                terms.Add(bits == 1 ? name : $"!{name}");
            else
                terms.Add($"{name} == {OfFieldText.Hex(bits)}");
            mask &= ~(ExpressionLexer.LowBits(width) << low);
        }
    }

    private static string Number(MatchField field, UInt128 value) =>
        field.Format == FieldFormat.Decimal
            ? OfFieldText.Decimal(value)
            : OfFieldText.Format(field, value);

    private static string Part(MatchField field, int low, int width)
    {
        if (PartNames.TryGetValue((field.Name, low, width), out var name)) return name;
        if (low == 0 && width == field.BitWidth) return WholeName(field);
        var range = width == 1
            ? low.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{low}..{low + width - 1}");
        return $"{WholeName(field)}[{range}]";
    }

    private static string WholeName(MatchField field) => field.Name switch
    {
        "reg10" => "flags",
        "reg14" => "inport",
        "reg15" => "outport",
        _ => FieldNames.GetValueOrDefault(field.Name, field.Name),
    };

    private string PortName(uint datapath, uint port) =>
        Groups.TryGetValue(port, out var group) ? $"\"{group}\""
        : names.Ports.TryGetValue((datapath, port), out var name) ? $"\"{name}\""
        : port == 0 ? "\"\"" : $"0x{port:x}";
}
