using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Reads the records of a database file, standalone or clustered.</summary>
/// <remarks>Problems are told in ovsdb-server's and ovsdb-tool's words.</remarks>
internal sealed class LogReader
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly string _shown;
    private int _previousEnd;

    private LogReader(ReadOnlyMemory<byte> bytes, string shown, string magic)
    {
        _bytes = bytes;
        _shown = shown;
        IsClustered = magic == LogRecord.Clustered;
    }

    public bool IsClustered { get; }

    /// <summary>Bytes up to the end of the last record that was read.</summary>
    public int End { get; private set; }

    /// <summary>Bytes behind <see cref="End"/>.</summary>
    public int Left => _bytes.Length - End;

    /// <summary>Why reading ended before the end of the file; null if it did not.</summary>
    public string? Problem { get; private set; }

    /// <param name="shown">The file's name in problems.</param>
    /// <returns>False, and why, if it is no database file.</returns>
    public static bool TryOpen(
        string path, string shown, [NotNullWhen(true)] out LogReader? reader,
        [NotNullWhen(false)] out string? problem)
    {
        reader = null;
        if (!TryReadFile(path, shown, out var bytes, out problem)) return false;
        var magic = "";
        if (bytes.Length > 0)
        {
            if (!LogRecord.TryReadHeader(bytes, 0, out var header, out _))
            {
                problem = $"ovsdb error: {shown}: unexpected file format";
                return false;
            }

            magic = header.Magic;
        }

        if (magic is not (LogRecord.Standalone or LogRecord.Clustered))
        {
            problem = $"ovsdb error: {shown}: cannot identify file type";
            return false;
        }

        reader = new LogReader(bytes, shown, magic);
        return true;
    }

    /// <summary>Reads all of a file; fails as ovsdb-tool says it.</summary>
    public static bool TryReadFile(
        string path, string shown, out byte[] bytes, [NotNullWhen(false)] out string? problem)
    {
        bytes = [];
        problem = null;
        try
        {
            if (!Directory.Exists(path)) bytes = File.ReadAllBytes(path);
            else problem = $"I/O error: {shown}: read error (Is a directory)";
        }
        catch (UnauthorizedAccessException)
        {
            problem = $"I/O error: {shown}: open failed (Permission denied)";
        }
        catch (IOException)
        {
            problem = $"I/O error: {shown}: open failed (No such file or directory)";
        }

        return problem is null;
    }

    /// <returns>False at the end, or if what follows is not a whole record.</returns>
    public bool TryNext(out JsonElement record)
    {
        record = default;
        if (Problem is not null || Left == 0) return false;
        if (!LogRecord.TryReadHeader(_bytes.Span, End, out var header, out var line))
        {
            Problem = $"syntax error: {_shown}: parse error at offset {End} in header line "
                + $"\"{line}\"";
            return false;
        }

        if (!LogRecord.TryReadBody(_bytes, header, _shown, out var json, out var problem))
        {
            Problem = problem;
            return false;
        }

        var place = $"syntax error: {_shown}: {header.Size} bytes starting at offset "
            + $"{header.BodyStart}";
        if (!JsonText.TryParse(json, out var document, out problem))
        {
            Problem = $"{place} are not valid JSON ({problem})";
            return false;
        }

        record = document.RootElement;
        if (record.ValueKind != JsonValueKind.Object)
        {
            Problem = $"{place} are not a JSON object";
            return false;
        }

        _previousEnd = End;
        End = header.BodyStart + header.Size;
        return true;
    }

    /// <summary>The record that was read last cannot be used: reading ends before it.</summary>
    public void Reject(string problem)
    {
        Problem = problem;
        End = _previousEnd;
    }
}
