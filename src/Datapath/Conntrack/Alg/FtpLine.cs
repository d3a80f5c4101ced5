using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fabric.Datapath;

/// <summary>
/// One line of an FTP control channel that announces a data connection (RFC 959, RFC 2428).
/// </summary>
/// <param name="Address">Null: the announcing end's own (229).</param>
/// <param name="At">Where the text that names address and port begins, in bytes.</param>
/// <param name="Size">How long that text is.</param>
internal readonly record struct FtpLine(
    FtpLineKind Kind, IPAddress? Address, ushort Port, int At, int Size)
{
    /// <summary>No announcement is longer, whatever a server says around it.</summary>
    public const int SizeMax = 512;

    /// <summary>Reads one line, without or with its end.</summary>
    /// <param name="isReply">The line was said by the server.</param>
    public static FtpLineKind Read(ReadOnlySpan<byte> line, bool isReply, out FtpLine result)
    {
        result = default;
        if (line.Length < 4 || line.Length > SizeMax) return FtpLineKind.Other;
        if (isReply)
        {
            if (line.StartsWith("227 "u8)) return ReadNumbers(line, 4, isStrict: false, out result);
            return line.StartsWith("229 "u8) ? ReadPassive(line, out result) : FtpLineKind.Other;
        }

        if (line.Length < 5 || line[4] != (byte)' ') return FtpLineKind.Other;
        if (Ascii.EqualsIgnoreCase(line[..4], "PORT"u8))
        {
            return ReadNumbers(line, 5, isStrict: true, out result);
        }

        return Ascii.EqualsIgnoreCase(line[..4], "EPRT"u8)
            ? ReadExtended(line, out result)
            : FtpLineKind.Other;
    }

    /// <summary>
    /// h1,h2,h3,h4,p1,p2: at 'start', or for an answer wherever the first digits are.
    /// </summary>
    private static FtpLineKind ReadNumbers(
        ReadOnlySpan<byte> line, int start, bool isStrict, out FtpLine result)
    {
        result = default;
        while (start < line.Length && !IsDigit(line[start]))
        {
            if (isStrict && line[start] != (byte)' ') return FtpLineKind.Malformed;
            start++;
        }

        var at = start;
        Span<byte> values = stackalloc byte[6];
        for (var i = 0; i < values.Length; i++)
        {
            if (i > 0 && (at >= line.Length || line[at++] != (byte)','))
            {
                return FtpLineKind.Malformed;
            }

            if (!Utf8Parser.TryParse(line[at..], out byte value, out var used) || used > 3)
            {
                return FtpLineKind.Malformed;
            }

            values[i] = value;
            at += used;
        }

        var port = (ushort)((values[4] << 8) | values[5]);
        if (port == 0) return FtpLineKind.Malformed;
        result = new FtpLine(
            FtpLineKind.Numbers, new IPAddress(values[..4]), port, start, at - start);
        return FtpLineKind.Numbers;
    }

    /// <summary>EPRT |1|192.0.2.1|1024| or |2|2001:db8::1|1024|, with any delimiter.</summary>
    private static FtpLineKind ReadExtended(ReadOnlySpan<byte> line, out FtpLine result)
    {
        result = default;
        var start = 5;
        while (start < line.Length && line[start] == (byte)' ') start++;
        if (start >= line.Length || line[start] is < 33 or > 126) return FtpLineKind.Malformed;
        var delimiter = line[start];
        var rest = line[(start + 1)..];
        if (!TryCut(ref rest, delimiter, out var family)
            || !TryCut(ref rest, delimiter, out var host)
            || !TryCut(ref rest, delimiter, out var port)
            || host.Length > 45
            || !TryPort(port, out var number)
            || !IPAddress.TryParse(Encoding.ASCII.GetString(host), out var address))
        {
            return FtpLineKind.Malformed;
        }

        var wanted = address.AddressFamily == AddressFamily.InterNetwork ? "1"u8 : "2"u8;
        if (!family.SequenceEqual(wanted)) return FtpLineKind.Malformed;
        result = new FtpLine(
            FtpLineKind.Extended, address, number, start, line.Length - start - rest.Length);
        return FtpLineKind.Extended;
    }

    /// <summary>229 Entering Extended Passive Mode (|||1024|).</summary>
    private static FtpLineKind ReadPassive(ReadOnlySpan<byte> line, out FtpLine result)
    {
        result = default;
        var start = line.IndexOf((byte)'(') + 1;
        if (start == 0 || start + 3 >= line.Length) return FtpLineKind.Malformed;
        var delimiter = line[start];
        if (line[start + 1] != delimiter || line[start + 2] != delimiter)
        {
            return FtpLineKind.Malformed;
        }

        var rest = line[(start + 3)..];
        if (!TryCut(ref rest, delimiter, out var port) || !TryPort(port, out var number))
        {
            return FtpLineKind.Malformed;
        }

        result = new FtpLine(FtpLineKind.ExtendedPassive, null, number, start + 3, port.Length);
        return FtpLineKind.ExtendedPassive;
    }

    /// <summary>The text for another address and port, in the same form.</summary>
    public string TextFor(IPAddress address, ushort port) => Kind switch
    {
        FtpLineKind.Numbers => string.Create(CultureInfo.InvariantCulture,
            $"{address.ToString().Replace('.', ',')},{port >> 8},{port & 0xFF}"),
        FtpLineKind.Extended => string.Create(CultureInfo.InvariantCulture,
            $"|{(address.AddressFamily == AddressFamily.InterNetwork ? 1 : 2)}|{address}|{port}|"),
        _ => port.ToString(CultureInfo.InvariantCulture),
    };

    private static bool TryCut(
        ref ReadOnlySpan<byte> rest, byte delimiter, out ReadOnlySpan<byte> part)
    {
        var end = rest.IndexOf(delimiter);
        part = end < 0 ? default : rest[..end];
        if (end < 0) return false;
        rest = rest[(end + 1)..];
        return true;
    }

    private static bool TryPort(ReadOnlySpan<byte> text, out ushort port) =>
        Utf8Parser.TryParse(text, out port, out var used) && used == text.Length && port != 0;

    private static bool IsDigit(byte value) => value is >= (byte)'0' and <= (byte)'9';
}

/// <summary>What a line of a control channel is.</summary>
internal enum FtpLineKind : byte
{
    /// <summary>Nothing that announces a connection.</summary>
    Other,
    /// <summary>PORT or 227.</summary>
    Numbers,
    /// <summary>EPRT.</summary>
    Extended,
    /// <summary>229.</summary>
    ExtendedPassive,
    /// <summary>Begins like one of these and is none.</summary>
    Malformed,
}

/// <summary>The beginning of a line whose end has not come yet.</summary>
internal struct FtpLineState
{
    /// <summary>At most <see cref="FtpLine.SizeMax"/> bytes; null: nothing is pending.</summary>
    public byte[]? Head;

    /// <summary>The sequence number at which the line goes on.</summary>
    public uint NextSequence;

    /// <summary>The line is too long to be of interest; its end is waited for.</summary>
    public bool IsSkipping;
}
