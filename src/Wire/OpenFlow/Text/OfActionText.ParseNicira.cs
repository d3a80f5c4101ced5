using System.Globalization;
using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <content>Reading Nicira's actions with many arguments.</content>
public static partial class OfActionText
{
    private static OfAction? ParseConntrack(in Argument argument, out string error)
    {
        error = "";
        var ct = new OfConntrack();
        var splitter = new KeyValueSplitter(argument.Text);
        while (splitter.Next(out var key, out var value))
        {
            switch (key)
            {
                case "commit": ct = ct with { Commit = true }; break;
                case "force": ct = ct with { Force = true }; break;
                case "table":
                    if (!byte.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture,
                        out var table) || table == 255)
                        return Fail($"invalid table {value}", out error);
                    ct = ct with { RecirculateTable = table };
                    break;
                case "zone":
                    if (OfFieldText.TryNumber(value, out var zone) && zone <= ushort.MaxValue)
                        ct = ct with { Zone = (ushort)zone };
                    else if (TryParseSubfield(value ?? "", out var source, out error))
                        ct = ct with { ZoneSource = source };
                    else return null;
                    break;
                case "alg":
                    ct = ct with { AlgPort = value switch { "ftp" => 21, "tftp" => 69, _ => 0 } };
                    if (ct.AlgPort == 0) return Fail($"invalid alg {value}", out error);
                    break;
                case "nat":
                    if (!TryParseNat(value ?? "", out var nat, out error)) return null;
                    ct = ct with { Nat = nat };
                    break;
                case "exec":
                    if (!TryParse(value ?? "", argument.Depth + 1, out var actions, out error))
                        return null;
                    ct = ct with { Actions = actions };
                    break;
                default: return Fail($"invalid argument to \"ct\" action: `{key}'", out error);
            }
        }

        error = splitter.Error;
        if (ct is { Force: true, Commit: false })
            return Fail("\"force\" flag requires \"commit\" flag.", out error);
        return error.Length == 0 ? ct : null;
    }

    private static bool TryParseNat(string text, out OfNat nat, out string error)
    {
        nat = new OfNat(OfNatType.None);
        error = "";
        var splitter = new KeyValueSplitter(text);
        while (splitter.Next(out var key, out var value))
        {
            switch (key)
            {
                case "src" or "dst":
                    nat = nat
                        with
                    { Type = key == "src" ? OfNatType.Source : OfNatType.Destination };
                    if (value is not null && !TryParseNatRange(value, ref nat))
                    {
                        error = $"invalid NAT range {value}";
                        return false;
                    }

                    break;
                case "persistent": nat = nat with { Persistent = true }; break;
                case "hash": nat = nat with { HashPorts = true }; break;
                case "random": nat = nat with { RandomPorts = true }; break;
                default:
                    error = $"invalid key \"{key}\" in \"nat\"";
                    return false;
            }
        }

        return true;
    }

    /// <summary>IP[-IP][:PORT[-PORT]]; IPv6 with ports in brackets.</summary>
    private static bool TryParseNatRange(string text, ref OfNat nat)
    {
        var portAt = text.Contains('[', StringComparison.Ordinal)
            ? text.IndexOf(':', text.LastIndexOf(']'))
            : text.Count(c => c == ':') == 1 ? text.IndexOf(':', StringComparison.Ordinal) : -1;
        var addresses = portAt < 0 ? text : text[..portAt];
        if (addresses.Length > 0)
        {
            var parts = addresses.Split('-').Select(part => part.Trim('[', ']')).ToArray();
            if (!IPAddress.TryParse(parts[0], out var min)) return false;
            IPAddress? max = null;
            if (parts.Length > 1 && !IPAddress.TryParse(parts[1], out max)) return false;
            nat = nat with { AddressMin = min, AddressMax = max };
        }

        if (portAt < 0) return true;
        var ports = text[(portAt + 1)..].Split('-');
        ushort last = 0;
        if (!ushort.TryParse(ports[0], NumberStyles.None, CultureInfo.InvariantCulture,
            out var first))
            return false;
        if (ports.Length > 1
            && !ushort.TryParse(ports[1], NumberStyles.None, CultureInfo.InvariantCulture,
            out last))
            return false;
        nat = nat with { PortMin = first, PortMax = last };
        return true;
    }

    private static OfAction? ParseLearn(string text, out string error)
    {
        error = "";
        var learn = new OfLearn(0, 0, FlowMod.DefaultPriority, 0, OfLearnFlags.None, 1, 0, 0, []);
        var specs = new List<OfLearnSpec>();
        var splitter = new KeyValueSplitter(text);
        while (splitter.Next(out var key, out var value))
        {
            var isNumber = OfFieldText.TryNumber(value, out var n);
            switch (key)
            {
                case "table" when isNumber && n < 255:
                    learn = learn
                    with
                    { TableId = (byte)n }; break;
                case "priority" when isNumber: learn = learn with { Priority = (ushort)n }; break;
                case "idle_timeout" when isNumber:
                    learn = learn
                    with
                    { IdleTimeout = (ushort)n }; break;
                case "hard_timeout" when isNumber:
                    learn = learn
                    with
                    { HardTimeout = (ushort)n }; break;
                case "fin_idle_timeout" when isNumber:
                    learn = learn
                    with
                    { FinIdleTimeout = (ushort)n }; break;
                case "fin_hard_timeout" when isNumber:
                    learn = learn
                    with
                    { FinHardTimeout = (ushort)n }; break;
                case "cookie" when isNumber: learn = learn with { Cookie = (ulong)n }; break;
                case "limit" when isNumber: learn = learn with { Limit = (uint)n }; break;
                case "send_flow_rem":
                    learn = learn
                    with
                    { Flags = learn.Flags | OfLearnFlags.SendFlowRemoved }; break;
                case "delete_learned":
                    learn = learn
                    with
                    { Flags = learn.Flags | OfLearnFlags.DeleteLearned }; break;
                case "result_dst":
                    if (!TryParseSubfield(value ?? "", out var result, out error)) return null;
                    if (result.Width != 1)
                        return Fail($"{value}: result_dst must be a single bit", out error);
                    learn = learn
                        with
                    {
                        ResultDestination = result,
                        Flags = learn.Flags | OfLearnFlags.WriteResult
                    };
                    break;
                default:
                    if (!TryParseSpec(key, value, out var spec, out error)) return null;
                    specs.Add(spec);
                    break;
            }
        }

        return learn with { Specs = specs.ToEquatableArray() };
    }

    private static bool TryParseSpec(string key, string? value, out OfLearnSpec spec,
        out string error)
    {
        spec = new OfLearnSpec(OfLearnDestination.Match, 0, null, 0, null);
        if (key is "load")
        {
            if (!SplitArrow(value ?? "", out var left, out var right, out error)) return false;
            if (!TryParseSubfield(right, out var target, out error)) return false;
            spec = new OfLearnSpec(OfLearnDestination.Load, target.Width, null, 0, target);
            if (OfFieldText.TryNumber(left, out var number))
                spec = spec with { Immediate = number };
            else if (TryParseSubfield(left, out var from, out error))
                spec = spec with { Source = from };
            else return false;
            return true;
        }

        if (key is "output")
        {
            if (!TryParseSubfield(value ?? "", out var from, out error)) return false;
            spec = new OfLearnSpec(OfLearnDestination.Output, from.Width, from, 0, null);
            return true;
        }

        if (!TryParseSubfield(key, out var destination, out error)) return false;
        spec = new OfLearnSpec(OfLearnDestination.Match, destination.Width, destination, 0,
            destination);
        if (value is null) return true;
        if (OfFieldText.TryParse(destination.Field, value, out var immediate, out _, out _))
        {
            spec = spec with { Source = null, Immediate = immediate };
            return true;
        }

        if (!TryParseSubfield(value, out var source, out error)) return false;
        spec = spec with { Source = source };
        return true;
    }

    private static OfAction? ParseConjunction(string text, out string error)
    {
        error = "";
        var parts = text.Split(',', '/').Select(part => part.Trim()).ToArray();
        if (parts.Length == 3 && OfFieldText.TryNumber(parts[0], out var id)
            && byte.TryParse(parts[1], out var clause) && byte.TryParse(parts[2], out var count)
            && count is >= 2 and <= 64 && clause >= 1 && clause <= count)
        {
            return new OfConjunction((uint)id, (byte)(clause - 1), count);
        }

        return Fail(
            $"{text}: conjunction is written conjunction(ID,K/N) with 1 <= K <= N and 2 <= N <= 64",
            out error);
    }

    private static OfAction? ParseCheckPacketLarger(in Argument argument, out string error)
    {
        error = "";
        if (!OfFieldText.TryNumber(argument.Text, out var size) || size > ushort.MaxValue)
            return Fail("invalid packet length", out error);
        if (!argument.Suffix.StartsWith("->", StringComparison.Ordinal))
            return Fail("missing `->' in check_pkt_larger", out error);
        if (!TryParseSubfield(argument.Suffix[2..], out var destination, out error)) return null;
        return destination.Width == 1 ? new OfCheckPacketLarger(destination, (ushort)size)
            : Fail("Only 1-bit destination field is allowed", out error);
    }

    private static OfAction? ParseMultipath(string text, out string error)
    {
        error = "";
        var parts = text.Split(',').Select(part => part.Trim()).ToArray();
        if (parts.Length != 6)
            return Fail($"{text}: not enough arguments to multipath action", out error);
        var fields = Array.IndexOf(HashFieldNames, parts[0]);
        var algorithm = Array.IndexOf(MultipathNames, parts[2]);
        if (fields < 0 || algorithm < 0)
            return Fail($"{text}: unknown fields or algorithm", out error);
        if (!ushort.TryParse(parts[1], out var basis) || !uint.TryParse(parts[3], out var links)
            || links is 0 or > 65536
            || !OfFieldText.TryNumber(parts[4], out var number))
        {
            return Fail($"{text}: n_links {parts[3]} is not in valid range 1 to 65536", out error);
        }

        return TryParseSubfield(parts[5], out var destination, out error)
            ? new OfMultipath((OfHashFields)fields, basis, (OfMultipathAlgorithm)algorithm, links,
                (uint)number, destination) : null;
    }

    private static OfAction? ParseBundle(string text, bool isLoad, out string error)
    {
        error = "";
        var at = text.IndexOf("members:", StringComparison.Ordinal);
        var size = "members:".Length;
        if (at < 0)
            (at, size) = (text.IndexOf("slaves:", StringComparison.Ordinal), "slaves:".Length);
        if (at < 0) return Fail($"{text}: missing member delimiter, expected `members'", out error);
        var parts =
            text[..at].Split(',',
            StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var fields = parts.Length > 2 ? Array.IndexOf(HashFieldNames, parts[0]) : -1;
        if (fields < 0 || !ushort.TryParse(parts[1], out var basis)
            || parts.Length != (isLoad ? 5 : 4))
        {
            return Fail($"{text}: not enough arguments to bundle action", out error);
        }

        Subfield? destination = null;
        if (isLoad)
        {
            if (!TryParseSubfield(parts[4], out var load, out error)) return null;
            destination = load;
        }

        var members = new List<uint>();
        foreach (var part in text[(at + size)..].Split(',',
            StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!OfPort.TryParse(part, out var port))
                return Fail($"{part}: bad port number", out error);
            members.Add(port);
        }

        var algorithm = parts[2] == "hrw" ? OfBundleAlgorithm.HighestRandomWeight
            : OfBundleAlgorithm.ActiveBackup;
        return new OfBundle((OfHashFields)fields, basis, algorithm, members.ToEquatableArray(),
            destination);
    }

    private static OfAction? ParseSample(string text, out string error)
    {
        error = "";
        var sample = new OfSample(0, 0, 0, 0);
        var splitter = new KeyValueSplitter(text);
        while (splitter.Next(out var key, out var value))
        {
            OfFieldText.TryNumber(value, out var n);
            switch (key)
            {
                case "probability": sample = sample with { Probability = (ushort)n }; break;
                case "collector_set_id": sample = sample with { CollectorSetId = (uint)n }; break;
                case "obs_domain_id": sample = sample with { ObservationDomain = (uint)n }; break;
                case "obs_point_id": sample = sample with { ObservationPoint = (uint)n }; break;
                case "sampling_port":
                    if (!OfPort.TryParse(value, out var port))
                        return Fail($"{value}: unknown port", out error);
                    sample = sample with { SamplingPort = port };
                    break;
                case "ingress":
                    sample = sample
                    with
                    { Direction = OfSampleDirection.Ingress }; break;
                case "egress": sample = sample with { Direction = OfSampleDirection.Egress }; break;
                default: return Fail($"invalid key \"{key}\" in \"sample\" argument", out error);
            }
        }

        return sample.Probability == 0
            ? Fail("non-zero \"probability\" must be specified on sample", out error) : sample;
    }

    private static OfAction? ParseFinTimeout(string text, out string error)
    {
        error = "";
        var fin = new OfFinTimeout(0, 0);
        var splitter = new KeyValueSplitter(text);
        while (splitter.Next(out var key, out var value))
        {
            OfFieldText.TryNumber(value, out var n);
            if (key == "idle_timeout") fin = fin with { IdleTimeout = (ushort)n };
            else if (key == "hard_timeout") fin = fin with { HardTimeout = (ushort)n };
            else return Fail($"invalid key '{key}' in 'fin_timeout' argument", out error);
        }

        return fin;
    }

    private static OfAction? ParseWriteMetadata(string text, out string error)
    {
        error = "";
        var parts = text.Split('/');
        UInt128 mask = ulong.MaxValue;
        if (!OfFieldText.TryNumber(parts[0], out var value)
            || (parts.Length > 1 && !OfFieldText.TryNumber(parts[1], out mask)))
        {
            return Fail($"{text}: invalid metadata", out error);
        }

        return new OfWriteMetadata((ulong)value, (ulong)mask);
    }

    private static OfAction? ParseEncap(string text, out string error)
    {
        error = "";
        var splitter = new KeyValueSplitter(text);
        if (!splitter.Next(out var header, out var arguments))
            return Fail("encap needs a header", out error);
        uint? type = header switch
        {
            "ethernet" => 0u,
            "nsh" => 0x0001_894F,
            "mpls" => 0x0001_8847,
            "mpls_mc" => 0x0001_8848,
            _ => null,
        };
        if (type is null) return Fail($"Encap hdr not supported: {header}", out error);
        var properties = new List<OfEncapProperty>();
        var inner = new KeyValueSplitter(arguments ?? "");
        while (inner.Next(out var key, out var value))
        {
            OfFieldText.TryNumber(value, out var n);
            if (key == "md_type") properties.Add(new OfEncapProperty(4, 1, [(byte)n, 0, 0, 0]));
            else if (key == "tlv" && TryParseTlv(value ?? "", out var tlv)) properties.Add(tlv);
            else return Fail($"Invalid property: {key}", out error);
        }

        return new OfEncap(type.Value, properties.ToEquatableArray());
    }

    /// <summary>tlv(CLASS,TYPE,0xDATA).</summary>
    private static bool TryParseTlv(string text, out OfEncapProperty property)
    {
        property = new OfEncapProperty(4, 2, []);
        var parts = text.Split(',').Select(part => part.Trim()).ToArray();
        if (parts.Length != 3 || !OfFieldText.TryNumber(parts[0], out var tlvClass)
            || !OfFieldText.TryNumber(parts[1], out var type))
            return false;
        var hex = parts[2].StartsWith("0x", StringComparison.Ordinal) ? parts[2][2..] : parts[2];
        if (hex.Length % 2 != 0) hex = "0" + hex;
        if (!TryDotted(hex, out var data) || data.Count > 200) return false;
        property =
            new OfEncapProperty(4, 2,
            [(byte)(tlvClass >> 8), (byte)tlvClass, (byte)type, (byte)data.Count,
            .. data.AsSpan()]);
        return true;
    }

    private static OfAction? ParseDecap(string text, out string error)
    {
        error = "";
        if (text.Length == 0) return new OfDecap();
        uint space = 0, type = 0;
        var outer = new KeyValueSplitter(text);
        if (!outer.Next(out var name, out var inside) || name != "packet_type")
            return Fail($"Invalid decap argument: {text}", out error);
        var splitter = new KeyValueSplitter(inside ?? "");
        while (splitter.Next(out var key, out var value))
        {
            OfFieldText.TryNumber(value, out var n);
            if (key == "ns") space = (uint)n;
            else if (key == "type") type = (uint)n;
        }

        return new OfDecap((space << 16) | type);
    }
}
