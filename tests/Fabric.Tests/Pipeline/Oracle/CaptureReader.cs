using System.Buffers.Binary;

namespace Fabric.Tests.Pipeline;

/// <summary>A pcap file that grows (option tx_pcap of a dummy device): what is new in it.</summary>
internal sealed class CaptureReader(string path)
{
    private const int FileHeaderSize = 24;
    private const int RecordHeaderSize = 16;
    private const int LengthOffset = 8;

    private long _at = FileHeaderSize;

    /// <summary>The frames since the last call, as hexadecimal digits.</summary>
    public List<string> TakeNew()
    {
        var frames = new List<string>();
        using var file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (file.Length < _at) _at = FileHeaderSize; // Another process has begun it anew.
        var bytes = new byte[Math.Max(0, file.Length - _at)];
        file.Position = _at;
        file.ReadExactly(bytes);
        var at = 0;
        while (bytes.Length - at >= RecordHeaderSize)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + LengthOffset));
            if (bytes.Length - at - RecordHeaderSize < length) break;
            frames.Add(Convert.ToHexString(bytes, at + RecordHeaderSize, length));
            at += RecordHeaderSize + length;
        }

        _at += at;
        return frames;
    }
}
