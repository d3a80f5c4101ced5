using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace Fabric.Wire.Ovsdb;

/// <summary>
/// Parses JSON bytes of strangers, so that whatever came can be read without care.
/// </summary>
public static class JsonText
{
    /// <summary>
    /// One JSON value of limited depth in valid UTF-8, without NUL and without half surrogates:
    /// reading any text of the document cannot fail then.
    /// </summary>
    /// <returns>False, and what is wrong with it, in Open vSwitch's words.</returns>
    public static bool TryParse(
        ReadOnlyMemory<byte> json, [NotNullWhen(true)] out JsonDocument? document,
        [NotNullWhen(false)] out string? problem)
    {
        document = null;
        if (!Utf8.IsValid(json.Span))
        {
            problem = "invalid UTF-8";
            return false;
        }

        if (!HasWholeEscapes(json.Span))
        {
            problem = JsonComplaint.Of(json.Span) ?? "escape for NUL or for half a character";
            return false;
        }

        try
        {
            document = JsonDocument.Parse(json, OvsdbText.ReaderOptions);
            problem = null;
            return true;
        }
        catch (JsonException exception)
        {
            problem = JsonComplaint.Of(json.Span) ?? exception.Message;
            return false;
        }
    }

    /// <summary>
    /// False for \u0000 and for surrogate escapes that are not a high and a low one.
    /// </summary>
    private static bool HasWholeEscapes(ReadOnlySpan<byte> json)
    {
        var at = json.IndexOf((byte)'\\');
        while (at >= 0 && at + 1 < json.Length)
        {
            var rest = json[(at + 1)..];
            var skip = 1;
            if (rest[0] == 'u')
            {
                if (!TryUnit(rest, out var unit) || unit == 0 || IsLow(unit)) return false;
                skip = 5;
                if (unit is >= 0xD800 and <= 0xDBFF)
                {
                    if (rest.Length < 7 || rest[5] != '\\' || rest[6] != 'u') return false;
                    if (!TryUnit(rest[6..], out var low) || !IsLow(low)) return false;
                    skip = 11;
                }
            }

            var next = rest.Length > skip ? rest[skip..].IndexOf((byte)'\\') : -1;
            if (next < 0) break;
            at += 1 + skip + next;
        }

        return true;

        static bool IsLow(int unit) => unit is >= 0xDC00 and <= 0xDFFF;
    }

    private static bool TryUnit(ReadOnlySpan<byte> escape, out int unit)
    {
        unit = 0;
        return escape.Length >= 5
            && int.TryParse(
                escape[1..5], System.Globalization.NumberStyles.AllowHexSpecifier,
                System.Globalization.CultureInfo.InvariantCulture, out unit);
    }
}
