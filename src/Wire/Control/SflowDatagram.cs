using System.Buffers.Binary;
using System.Net;

namespace Fabric.Wire.Control;

/// <summary>A sampled packet, sFlow version 5 section 5.3 (flow_sample, sampled_header).</summary>
/// <param name="Source">Who samples: class in the upper 8 bits, index in the lower 24.</param>
/// <param name="Rate">One of so many packets is sampled.</param>
/// <param name="Pool">Packets that could have been sampled.</param>
/// <param name="Output">ifIndex, or 0x80000000 + ports, or 0x40000000 + reason of a drop.</param>
/// <param name="FrameSize">Bytes of the frame without its check sequence.</param>
/// <param name="Header">The first bytes of the frame.</param>
public readonly record struct SflowPacket(
    uint Source, uint Rate, uint Pool, uint Drops, uint Input, uint Output, ushort InputTci,
    ushort OutputTci, int FrameSize, ReadOnlyMemory<byte> Header);

/// <summary>Counters of a port, sFlow version 5 section 5.4 (if_counters).</summary>
/// <param name="Speed">Bits per second, 0 when not known.</param>
/// <param name="Status">Bit 0: administratively up; bit 1: the link is up.</param>
public readonly record struct SflowCounters(
    uint Index, ulong Speed, uint Status, ulong InBytes, uint InPackets, uint InDiscards,
    uint InErrors, ulong OutBytes, uint OutPackets, uint OutDiscards, uint OutErrors);

/// <summary>Writes one sFlow version 5 datagram, all of it in network byte order.</summary>
/// <remarks>sFlow.org, "sFlow Version 5", July 2004. What does not fit is left out.</remarks>
public sealed class SflowDatagram
{
    /// <summary>Fits an Ethernet frame with an IPv6 header.</summary>
    public const int SizeMax = 1400;

    /// <summary>Bytes of a packet that are sent at most.</summary>
    public const int HeaderSizeMax = 256;

    private const uint FlowSample = 1, CountersSample = 2;
    private const uint RawHeader = 1, ExtendedSwitch = 1001, InterfaceCounters = 1;
    private const uint Ethernet = 1, EthernetCsmaCd = 6, FullDuplex = 1;
    private const int CheckSequenceSize = 4;
    private const int CountersSize = 88;
    private const uint Unknown = uint.MaxValue;

    private readonly byte[] _bytes = new byte[SizeMax];
    private readonly int _countAt;
    private int _size;
    private uint _count;

    /// <param name="agent">Who samples; IPv4 or IPv6.</param>
    /// <param name="uptime">Milliseconds since the agent started.</param>
    public SflowDatagram(IPAddress agent, uint subAgent, uint sequence, uint uptime)
    {
        Put(5);
        var address = agent.GetAddressBytes();
        Put(address.Length == 4 ? 1u : 2u);
        address.CopyTo(_bytes, _size);
        _size += address.Length;
        Put(subAgent);
        Put(sequence);
        Put(uptime);
        _countAt = _size;
        Put(0);
    }

    /// <summary>Samples so far.</summary>
    public uint Count => _count;

    /// <summary>What is to be sent.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, _size);

    /// <summary>False when there is no room left; nothing was added then.</summary>
    public bool TryAdd(in SflowPacket packet, uint sequence)
    {
        var header = packet.Header.Length > HeaderSizeMax
            ? packet.Header[..HeaderSizeMax] : packet.Header;
        var padded = (header.Length + 3) & ~3;
        var raw = 16 + padded;
        var size = 32 + 8 + 16 + 8 + raw;
        if (_size + 8 + size > SizeMax) return false;
        Begin(FlowSample, size);
        Put(sequence);
        Put(packet.Source);
        Put(packet.Rate);
        Put(packet.Pool);
        Put(packet.Drops);
        Put(packet.Input);
        Put(packet.Output);
        Put(2);
        Put(ExtendedSwitch);
        Put(16);
        Put(packet.InputTci & 0x0FFFu);
        Put((uint)packet.InputTci >> 13);
        Put(packet.OutputTci & 0x0FFFu);
        Put((uint)packet.OutputTci >> 13);
        Put(RawHeader);
        Put((uint)raw);
        Put(Ethernet);
        Put((uint)(packet.FrameSize + CheckSequenceSize));
        Put(CheckSequenceSize);
        Put((uint)header.Length);
        header.Span.CopyTo(_bytes.AsSpan(_size));
        _size += padded;
        return true;
    }

    /// <summary>False when there is no room left; nothing was added then.</summary>
    public bool TryAdd(in SflowCounters counters, uint sequence)
    {
        const int Size = 12 + 8 + CountersSize;
        if (_size + 8 + Size > SizeMax) return false;
        Begin(CountersSample, Size);
        Put(sequence);
        Put(counters.Index);
        Put(1);
        Put(InterfaceCounters);
        Put(CountersSize);
        Put(counters.Index);
        Put(EthernetCsmaCd);
        Put(counters.Speed);
        Put(FullDuplex);
        Put(counters.Status);
        Put(counters.InBytes);
        Put(counters.InPackets);
        Put(Unknown); // Multicast, broadcast.
        Put(Unknown);
        Put(counters.InDiscards);
        Put(counters.InErrors);
        Put(Unknown); // Unknown protocols.
        Put(counters.OutBytes);
        Put(counters.OutPackets);
        Put(Unknown);
        Put(Unknown);
        Put(counters.OutDiscards);
        Put(counters.OutErrors);
        Put(0); // Not promiscuous.
        return true;
    }

    private void Begin(uint format, int size)
    {
        Put(format);
        Put((uint)size);
        _count++;
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(_countAt), _count);
    }

    private void Put(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(_size), value);
        _size += 4;
    }

    private void Put(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_bytes.AsSpan(_size), value);
        _size += 8;
    }
}
