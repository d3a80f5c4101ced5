using System.Buffers;

namespace Fabric.Wire.Ovsdb;

/// <summary>Cuts a stream of concatenated JSON objects into single ones.</summary>
/// <remarks>
/// JSON-RPC over a stream has neither lengths nor newlines: a message ends where its braces
/// balance. Only brackets, strings and escapes are looked at here; whether the piece is JSON is
/// for <see cref="JsonText.TryParse"/> to say. Each byte is looked at once.
/// </remarks>
public sealed class JsonFramer(
    int sizeMax = OvsdbLimits.MessageSizeMax, int depthMax = OvsdbLimits.JsonDepthMax)
{
    private const int SizeKept = 1 << 20;
    private static readonly SearchValues<byte> InText = SearchValues.Create("\"\\"u8);
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[]"u8);

    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _scanned;
    private int _end;
    private int _depth;
    private bool _isInText;

    /// <summary>Bytes that wait for the rest of their message.</summary>
    public int Buffered => _end - _start;

    /// <summary>Room to read into; <see cref="Advance"/> says how much was read.</summary>
    public Memory<byte> GetMemory(int sizeHint = 4096)
    {
        if (_start == _end)
        {
            _start = _scanned = _end = 0;
            if (_buffer.Length > SizeKept) _buffer = new byte[4096];
        }

        if (_buffer.Length - _end < sizeHint)
        {
            var size = _end - _start;
            var target = size + sizeHint <= _buffer.Length && _start > _buffer.Length / 2
                ? _buffer
                : new byte[Math.Max(_buffer.Length * 2, size + sizeHint)];
            Buffer.BlockCopy(_buffer, _start, target, 0, size);
            _buffer = target;
            _scanned -= _start;
            _start = 0;
            _end = size;
        }

        return _buffer.AsMemory(_end);
    }

    public void Advance(int count) => _end += count;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetMemory(bytes.Length).Span);
        Advance(bytes.Length);
    }

    /// <summary>The next whole message; valid until more is appended.</summary>
    /// <returns>
    /// False if there is none yet, or, with a 'problem', never will be: the stream is to be closed.
    /// </returns>
    public bool TryNext(out ReadOnlyMemory<byte> message, out string? problem)
    {
        message = default;
        problem = null;
        if (_depth == 0 && !TrySkipToStart(ref problem)) return false;
        while (_scanned < _end)
        {
            var rest = _buffer.AsSpan(_scanned, _end - _scanned);
            if (!TryStep(rest, out var isWhole, ref problem)) break;
            if (!isWhole) continue;
            message = _buffer.AsMemory(_start, _scanned - _start);
            _start = _scanned;
            return true;
        }

        if (problem is null && Buffered > sizeMax) problem = $"message of over {sizeMax} bytes";
        return false;
    }

    /// <summary>Skips white space in front of a message.</summary>
    private bool TrySkipToStart(ref string? problem)
    {
        while (_start < _end && _buffer[_start] is (byte)' ' or 9 or 10 or 13) _start++;
        _scanned = Math.Max(_scanned, _start);
        if (_start == _end) return false;
        if (_buffer[_start] == '{') return true;
        problem = "message is not a JSON object";
        return false;
    }

    private bool TryStep(ReadOnlySpan<byte> rest, out bool isWhole, ref string? problem)
    {
        isWhole = false;
        var next = rest.IndexOfAny(_isInText ? InText : Structure);
        if (next < 0)
        {
            _scanned = _end;
            return false;
        }

        if (_isInText && rest[next] == '\\')
        {
            // The escaped byte may not have come yet; then the backslash is looked at again.
            var isCut = next + 1 == rest.Length;
            _scanned += isCut ? next : next + 2;
            return !isCut;
        }

        _scanned += next + 1;
        switch (rest[next])
        {
            case (byte)'"':
                _isInText = !_isInText;
                break;
            case (byte)'{' or (byte)'[':
                if (++_depth <= depthMax) break;
                problem = $"message nested deeper than {depthMax}";
                return false;
            default:
                isWhole = --_depth == 0;
                break;
        }

        return true;
    }
}
