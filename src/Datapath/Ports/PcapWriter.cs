using System.Buffers.Binary;

namespace Fabric.Datapath;

/// <summary>Writes packets to a file in pcap format (draft-ietf-opsawg-pcap, Ethernet).</summary>
public sealed class PcapWriter : IDisposable
{
    private const int FileHeaderSize = 24;
    private const int RecordHeaderSize = 16;

    private readonly Lock _lock = new();
    private readonly FileStream _file;
    private readonly TimeProvider _clock;
    private bool _isClosed;

    /// <exception cref="IOException">The file cannot be created.</exception>
    public PcapWriter(string path, TimeProvider? clock = null)
    {
        _clock = clock ?? TimeProvider.System;
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        Span<byte> header = stackalloc byte[FileHeaderSize];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0xA1B2C3D4);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], 262_144);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);
        _file.Write(header);
        _file.Flush();
    }

    /// <summary>A writer to that file; null when none is named, or it cannot be made.</summary>
    internal static PcapWriter? ForPath(string? path)
    {
        if (path is null) return null;
        try
        {
            return new PcapWriter(path);
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Write(ReadOnlySpan<byte> packet)
    {
        var now = _clock.GetUtcNow();
        Span<byte> header = stackalloc byte[RecordHeaderSize];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)now.ToUnixTimeSeconds());
        BinaryPrimitives.WriteUInt32LittleEndian(
            header[4..],
            (uint)(now.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond));
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], (uint)packet.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], (uint)packet.Length);
        lock (_lock)
        {
            if (_isClosed) return;
            _file.Write(header);
            _file.Write(packet);
            _file.Flush();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
            _file.Dispose();
        }
    }
}
