using System.Text;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Meters as ovs-ofctl reads and writes them.</summary>
internal static class OfctlMeterText
{
    private static readonly (string Name, MeterFlags Flag)[] Flags =
    [
        ("kbps", MeterFlags.KilobitsPerSecond), ("pktps", MeterFlags.PacketsPerSecond),
        ("burst", MeterFlags.Burst), ("stats", MeterFlags.Stats),
    ];

    /// <summary>"meter=1 kbps bands=" and a line for each band.</summary>
    public static string Format(uint meterId, MeterFlags flags, ReadOnlySpan<MeterBand> bands)
    {
        var text = new StringBuilder("meter=").Append(NameOf(meterId)).Append(' ');
        text.Append(FormatFlags(flags)).Append("bands=");
        foreach (var band in bands)
        {
            text.Append("\ntype=")
                .Append(band.Type == MeterBandType.Drop ? "drop" : "dscp_remark")
                .Append(Invariant($" rate={band.Rate}"));
            if ((flags & MeterFlags.Burst) != 0)
                text.Append(Invariant($" burst_size={band.BurstSize}"));
            if (band.Type == MeterBandType.DscpRemark)
                text.Append(Invariant($" prec_level={band.PrecedenceLevel}"));
        }

        return text.ToString();
    }

    /// <summary>"kbps burst ", with a blank behind each.</summary>
    public static string FormatFlags(MeterFlags flags) => string.Concat(
        Flags.Where(row => (flags & row.Flag) != 0).Select(row => row.Name + " "));

    /// <summary>"meter=1,kbps,bands=type=drop,rate=10": what add-meter takes.</summary>
    public static bool TryParse(
        string text, MeterModCommand command, out MeterMod mod, out string error)
    {
        (mod, error) = (new MeterMod(command, OfMeterNumber.All, MeterFlags.None, []), "");
        var at = text.IndexOf("band=", StringComparison.Ordinal);
        if (at < 0) at = text.IndexOf("bands=", StringComparison.Ordinal);
        var bands = at < 0 ? "" : text[at..];
        var hasId = false;
        foreach (var (key, value) in OfctlText.Split(at < 0 ? text : text[..at]))
        {
            var flag = Flags.FirstOrDefault(row => row.Name == key).Flag;
            if (flag != MeterFlags.None) mod = mod with { Flags = mod.Flags | flag };
            else if (key != "meter") error = $"unknown keyword {key}";
            else if (!TryNumber(value, out var number)) error = $"invalid meter id {value}";
            else (mod, hasId) = (mod with { MeterId = number }, true);
            if (error.Length > 0) return false;
        }

        return TryFinish(command, bands, hasId, ref mod, out error);
    }

    private static bool TryFinish(
        MeterModCommand command, string bands, bool hasId, ref MeterMod mod, out string error)
    {
        error = "";
        if (command == MeterModCommand.Delete) return true;
        if (!hasId) error = "must specify a meter";
        else if (bands.Length == 0) error = "must specify bands";
        else if (!TryParseBands(bands, out var parsed, out error)) return false;
        else
        {
            var rates = MeterFlags.KilobitsPerSecond | MeterFlags.PacketsPerSecond;
            if ((mod.Flags & rates) == 0)
                mod = mod with { Flags = mod.Flags | MeterFlags.KilobitsPerSecond };
            mod = mod with { Bands = [.. parsed] };
        }

        return error.Length == 0;
    }

    private static bool TryParseBands(string text, out List<MeterBand> bands, out string error)
    {
        (bands, error) = ([], "");
        text = text[(text.IndexOf('=') + 1)..];
        foreach (var (key, value) in OfctlText.Split(text))
        {
            if (key == "type")
            {
                if (value is not ("drop" or "dscp_remark")) error = $"field {key} unknown";
                bands.Add(new MeterBand(
                    value == "drop" ? MeterBandType.Drop : MeterBandType.DscpRemark, 0, 0, 0));
            }
            else if (bands.Count == 0 || !OfFieldText.TryNumber(value, out var number)
                || number > uint.MaxValue
                || Set(bands[^1], key, (uint)number) is not { } band)
            {
                error = $"unknown keyword {key}";
            }
            else bands[^1] = band;

            if (error.Length > 0) return false;
        }

        if (bands.Count == 0 || bands.Any(band => band.Rate == 0)) error = "band must have rate";
        return error.Length == 0;
    }

    private static MeterBand? Set(MeterBand band, string key, uint value) => key switch
    {
        "rate" => band with { Rate = value },
        "burst_size" => band with { BurstSize = value },
        "prec_level" when value <= byte.MaxValue => band with { PrecedenceLevel = (byte)value },
        _ => null,
    };

    private static bool TryNumber(string? text, out uint meter)
    {
        meter = text switch
        {
            "all" => OfMeterNumber.All,
            "controller" => OfMeterNumber.Controller,
            "slowpath" => OfMeterNumber.SlowPath,
            _ => 0,
        };
        if (meter != 0) return true;
        var isNumber = OfFieldText.TryNumber(text, out var number)
            && number > 0 && number <= OfMeterNumber.Max;
        meter = isNumber ? (uint)number : 0;
        return isNumber;
    }

    private static string NameOf(uint meter) => meter switch
    {
        OfMeterNumber.All => "all",
        OfMeterNumber.Controller => "controller",
        OfMeterNumber.SlowPath => "slowpath",
        _ => Invariant($"{meter}"),
    };

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
