#nullable disable
using System.Globalization;

namespace Akka.Configuration;

public partial class Config
{
    /// <summary>
    /// A duration: a number with ns, us, ms, s, m, h or d (or their words), milliseconds without.
    /// <c>infinite</c> is <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </summary>
    public virtual TimeSpan GetTimeSpan(
        string path, TimeSpan? @default = null, bool allowInfinite = true)
    {
        if (GetString(path) is not { } text) return @default ?? TimeSpan.Zero;
        if (text.Equals("infinite", StringComparison.OrdinalIgnoreCase) ||
            text.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            return allowInfinite ? Timeout.InfiniteTimeSpan : throw Wrong(path, "finite", text);
        }
        var (number, unit) = Split(text);
        double? ticks = unit switch
        {
            "ns" or "nano" or "nanos" or "nanosecond" or "nanoseconds" => 0.01,
            "us" or "micro" or "micros" or "microsecond" or "microseconds" => 10,
            "" or "ms" or "milli" or "millis" or "millisecond" or "milliseconds" =>
                TimeSpan.TicksPerMillisecond,
            "s" or "second" or "seconds" => TimeSpan.TicksPerSecond,
            "m" or "minute" or "minutes" => TimeSpan.TicksPerMinute,
            "h" or "hour" or "hours" => TimeSpan.TicksPerHour,
            "d" or "day" or "days" => TimeSpan.TicksPerDay,
            _ => null,
        };
        if (ticks is null || number is null || number < 0 ||
            number * ticks > TimeSpan.FromDays(36500).Ticks)
        {
            throw Wrong(path, "a duration such as 500ms or 10s", text);
        }
        return new TimeSpan((long)Math.Round(number.Value * ticks.Value));
    }

    public virtual long? GetByteSize(string path) => GetByteSize(path, null);

    /// <summary>A size: bytes, k and KiB for 1024, kB for 1000, and so on to P.</summary>
    public virtual long? GetByteSize(string path, long? def = null)
    {
        if (GetString(path) is not { } text) return def;
        var (number, unit) = Split(text);
        if (number is null or < 0 || Factor(unit) is not { } factor ||
            number * factor > long.MaxValue)
        {
            throw Wrong(path, "a size such as 128k or 1MiB", text);
        }
        return (long)(number.Value * factor);
    }

    private static double? Factor(string unit)
    {
        if (unit is "" or "b" or "B" or "byte" or "bytes") return 1;
        var exponent = "KMGTPE".IndexOf(char.ToUpperInvariant(unit[0])) + 1;
        if (exponent == 0) return null;
        return unit[1..] switch
        {
            "" or "i" or "iB" or "ib" => Math.Pow(1024, exponent),
            "B" or "b" => Math.Pow(1000, exponent),
            _ => null,
        };
    }

    private static (double? Number, string Unit) Split(string text)
    {
        text = text.Trim();
        var end = text.AsSpan().IndexOfAnyExcept("0123456789.-+");
        if (end < 0) end = text.Length;
        return double.TryParse(text.AsSpan(0, end), NumberStyles.Float,
            CultureInfo.InvariantCulture, out var number)
            ? (number, text[end..].Trim()) : (null, text);
    }
}
