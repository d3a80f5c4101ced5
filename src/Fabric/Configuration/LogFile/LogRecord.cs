using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Fabric.Configuration;

/// <summary>The frame of one record in OVS's database files (ovsdb(5)).</summary>
/// <remarks><code>
/// OVSDB MAGIC LENGTH SHA1\n    MAGIC: JSON if standalone, CLUSTER if clustered
/// JSON text\n                  LENGTH: bytes of what follows, its newline included
///                              SHA1: of the same bytes, 40 hexadecimal digits
/// </code></remarks>
internal static class LogRecord
{
    public const string Standalone = "JSON";
    public const string Clustered = "CLUSTER";
    private const int HeaderSizeMax = 128;
    private const int HashDigits = 40;

    /// <summary>The line before a record's text.</summary>
    /// <param name="BodyStart">Offset in the file.</param>
    public readonly record struct Header(string Magic, int BodyStart, int Size, string Hash);

    /// <summary>The bytes of a record; 'json' has no newline at its end.</summary>
    public static byte[] Frame(string magic, ReadOnlySpan<byte> json)
    {
        var size = json.Length + 1;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(json);
        hash.AppendData("\n"u8);
        var sum = Convert.ToHexStringLower(hash.GetHashAndReset());
        var header = Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"OVSDB {magic} {size} {sum}\n"));
        var record = new byte[header.Length + size];
        header.CopyTo(record, 0);
        json.CopyTo(record.AsSpan(header.Length));
        record[^1] = (byte)'\n';
        return record;
    }

    /// <returns>False if no header starts at 'at'; the text that is there instead.</returns>
    public static bool TryReadHeader(
        ReadOnlySpan<byte> file, int at, out Header header, out string line)
    {
        header = default;
        var rest = file[at..];
        var end = rest[..Math.Min(rest.Length, HeaderSizeMax)].IndexOf((byte)'\n');
        line = Encoding.ASCII.GetString(
            end < 0 ? rest[..Math.Min(rest.Length, HashDigits)] : rest[..end]);
        if (end < 0) return false;
        var fields = line.Split(' ');
        if (fields.Length != 4 || fields[0] != "OVSDB" || fields[3].Length != HashDigits
            || !int.TryParse(
                fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var size))
        {
            return false;
        }

        header = new Header(fields[1], at + end + 1, size, fields[3]);
        return true;
    }

    /// <summary>The text after 'header', whole and as its hash says.</summary>
    /// <returns>False, and what is wrong, in ovsdb-server's words.</returns>
    public static bool TryReadBody(
        ReadOnlyMemory<byte> file, Header header, string path, out ReadOnlyMemory<byte> json,
        [NotNullWhen(false)] out string? problem)
    {
        json = default;
        var place = $"{header.Size} bytes starting at offset {header.BodyStart}";
        if (file.Length - header.BodyStart < header.Size || header.Size == 0)
        {
            problem = $"I/O error: {path}: error reading {place} (End of file)";
            return false;
        }

        var body = file.Slice(header.BodyStart, header.Size);
        var sum = Convert.ToHexStringLower(SHA1.HashData(body.Span));
        if (!string.Equals(sum, header.Hash, StringComparison.OrdinalIgnoreCase))
        {
            problem = $"syntax error: {path}: {place} have SHA-1 hash {sum} but should have hash "
                + header.Hash;
            return false;
        }

        json = body;
        problem = null;
        return true;
    }
}
