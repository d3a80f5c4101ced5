using System.Buffers.Binary;

namespace Fabric.Datapath;

/// <summary>Reads packets from a pcap file, of either byte order and time resolution.</summary>
/// <remarks>draft-ietf-opsawg-pcap, Ethernet only. Never throws on what the file holds.</remarks>
public sealed class PcapReader : IDisposable
{
    private const uint Microseconds = 0xA1B2C3D4;
    private const uint Nanoseconds = 0xA1B23C4D;
    private const int FileHeaderSize = 24;
    private const int RecordHeaderSize = 16;
    private const int PacketSizeMax = 262_144;
    private const uint Ethernet = 1;

    private readonly Stream _file;
    private readonly bool _isBigEndian;

    private PcapReader(Stream file, bool isBigEndian)
    {
        _file = file;
        _isBigEndian = isBigEndian;
    }

    /// <returns>Null, with the reason, when the file is none that can be read.</returns>
    public static PcapReader? TryOpen(string path, out string error)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            error = failure.Message;
            return null;
        }

        var reader = TryOpen(file, out error);
        if (reader is null) file.Dispose();
        return reader;
    }

    /// <summary>As above; a stream that was taken is closed with the reader.</summary>
    public static PcapReader? TryOpen(Stream file, out string error)
    {
        Span<byte> header = stackalloc byte[FileHeaderSize];
        error = "not a pcap file";
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
        {
            return null;
        }

        bool isBigEndian;
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) is Microseconds or Nanoseconds)
        {
            isBigEndian = false;
        }
        else if (BinaryPrimitives.ReadUInt32BigEndian(header) is Microseconds or Nanoseconds)
        {
            isBigEndian = true;
        }
        else
        {
            return null;
        }

        var reader = new PcapReader(file, isBigEndian);
        error = "the packets of the pcap file are not Ethernet's";
        if ((reader.Read(header[20..]) & 0xFFFF) != Ethernet) return null;
        error = "";
        return reader;
    }

    /// <summary>The next packet, as much of it as was captured; false at the end.</summary>
    public bool TryRead(out byte[] packet)
    {
        packet = [];
        Span<byte> header = stackalloc byte[RecordHeaderSize];
        if (_file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
        {
            return false;
        }

        var size = Read(header[8..]);
        if (size > PacketSizeMax) return false;
        var bytes = new byte[size];
        if (_file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            return false;
        }

        packet = bytes;
        return true;
    }

    private uint Read(ReadOnlySpan<byte> bytes) => _isBigEndian
        ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
        : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    public void Dispose() => _file.Dispose();
}
