using System.Buffers.Binary;

namespace Fabric.Observability;

/// <summary>One flow of a NetFlow v5 datagram; times in milliseconds since the start.</summary>
/// <param name="Source">IPv4, host byte order.</param>
/// <param name="Input">Interface by which packets come.</param>
/// <param name="DestinationPort">Of ICMP: type (8 bits) and code (8 bits).</param>
public readonly record struct NetflowEntry(
    uint Source, uint Destination, ushort Input, ushort Output, uint Packets, uint Bytes,
    uint First, uint Last, ushort SourcePort, ushort DestinationPort, byte TcpFlags,
    byte Protocol, byte Tos);

/// <summary>A NetFlow v5 export datagram: a header of 24 bytes, flows of 48, at most 30.</summary>
public sealed class NetflowDatagram
{
    public const int CountMax = 30;

    private const int HeaderSize = 24, EntrySize = 48, Version = 5;
    private readonly byte[] _bytes = new byte[HeaderSize + (CountMax * EntrySize)];

    /// <param name="uptime">Milliseconds since the exporter started.</param>
    public NetflowDatagram(uint uptime, DateTimeOffset now, byte engineType, byte engineId)
    {
        var header = _bytes.AsSpan();
        var milliseconds = now.ToUnixTimeMilliseconds();
        BinaryPrimitives.WriteUInt16BigEndian(header, Version);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], uptime);
        BinaryPrimitives.WriteUInt32BigEndian(header[8..], (uint)(milliseconds / 1000));
        BinaryPrimitives.WriteUInt32BigEndian(
            header[12..], (uint)(milliseconds % 1000) * 1_000_000);
        header[20] = engineType;
        header[21] = engineId;
    }

    public int Count { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, HeaderSize + (Count * EntrySize));

    /// <param name="sequence">Flows that were told before this one.</param>
    /// <returns>False: the datagram is full.</returns>
    public bool TryAdd(in NetflowEntry flow, uint sequence)
    {
        if (Count == CountMax) return false;
        var entry = _bytes.AsSpan(HeaderSize + (Count++ * EntrySize), EntrySize);
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(2), (ushort)Count);
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(16), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(entry, flow.Source);
        BinaryPrimitives.WriteUInt32BigEndian(entry[4..], flow.Destination);
        BinaryPrimitives.WriteUInt16BigEndian(entry[12..], flow.Input);
        BinaryPrimitives.WriteUInt16BigEndian(entry[14..], flow.Output);
        BinaryPrimitives.WriteUInt32BigEndian(entry[16..], flow.Packets);
        BinaryPrimitives.WriteUInt32BigEndian(entry[20..], flow.Bytes);
        BinaryPrimitives.WriteUInt32BigEndian(entry[24..], flow.First);
        BinaryPrimitives.WriteUInt32BigEndian(entry[28..], flow.Last);
        BinaryPrimitives.WriteUInt16BigEndian(entry[32..], flow.SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(entry[34..], flow.DestinationPort);
        entry[37] = flow.TcpFlags;
        entry[38] = flow.Protocol;
        entry[39] = flow.Tos;
        return true;
    }
}
