using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Fabric.Configuration;

/// <summary>The frame of one record in OVS's standalone database file (ovsdb(5)).</summary>
/// <remarks><code>
/// OVSDB JSON LENGTH SHA1\n     LENGTH: bytes of what follows, its newline included
/// JSON text\n                  SHA1: of the same bytes, 40 hexadecimal digits
/// </code></remarks>
internal static class LogRecord
{
    public const string Magic = "OVSDB JSON ";
    public const string ClusterMagic = "OVSDB CLUSTER ";
    private const int HeaderSizeMax = 128;

    /// <summary>Appends a record; 'json' has no newline at its end.</summary>
    public static void Write(Stream stream, ReadOnlySpan<byte> json)
    {
        var body = new byte[json.Length + 1];
        json.CopyTo(body);
        body[^1] = (byte)'\n';
        var sum = Convert.ToHexStringLower(SHA1.HashData(body));
        var header = Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{Magic}{body.Length} {sum}\n"));
        var record = new byte[header.Length + body.Length];
        header.CopyTo(record, 0);
        body.CopyTo(record, header.Length);

        // One write, so that a kill leaves a whole record or a torn tail, not two halves.
        stream.Write(record);
    }

    /// <summary>The record that starts at 'at'.</summary>
    /// <returns>False, and what is wrong, if there is no whole record.</returns>
    public static bool TryRead(
        ReadOnlyMemory<byte> file, int at, out ReadOnlyMemory<byte> json, out int next,
        out string problem)
    {
        json = default;
        next = at;
        var rest = file.Span[at..];
        var end = rest[..Math.Min(rest.Length, HeaderSizeMax)].IndexOf((byte)'\n');
        var line = Encoding.ASCII.GetString(
            end < 0 ? rest[..Math.Min(rest.Length, 40)] : rest[..end]);
        problem = $"parse error at offset {at} in header line \"{line}\"";
        if (end < 0) return false;
        var fields = line.Split(' ');
        if (fields.Length != 4 || fields[0] != "OVSDB" || fields[1] != "JSON") return false;
        if (!int.TryParse(
            fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var size))
        {
            return false;
        }

        problem = $"{size} bytes starting at offset {at + end + 1} are missing at the end of file";
        if (rest.Length - end - 1 < size || size == 0) return false;
        var body = file.Slice(at + end + 1, size);
        var sum = Convert.ToHexStringLower(SHA1.HashData(body.Span));
        problem = $"checksum mismatch: {size} bytes starting at offset {at + end + 1} have SHA-1 "
            + $"hash {sum} but should have hash {fields[3]}";
        if (!string.Equals(sum, fields[3], StringComparison.OrdinalIgnoreCase)) return false;
        json = body;
        next = at + end + 1 + size;
        problem = "";
        return true;
    }
}
