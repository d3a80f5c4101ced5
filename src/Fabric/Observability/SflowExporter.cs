using System.Collections.Concurrent;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire.Control;

namespace Fabric.Observability;

/// <summary>Sends one bridge's samples and counters to its sFlow collectors.</summary>
/// <remarks>
/// Packet threads put samples into a bounded queue; one owner sends. What does not fit is dropped
/// and told in the next samples, as sFlow wants it.
/// </remarks>
internal sealed class SflowExporter : IDisposable
{
    private const int QueueMax = 1024;
    private const int PortDefault = 6343;
    private const uint AdminUp = 1, LinkUp = 2;

    /// <summary>One sampler for the whole bridge: class 2 (entity), as OVS names it.</summary>
    private const uint Sampler = (2u << 24) | 1000;

    private readonly ConcurrentQueue<SampledPacket> _queue = new();
    private readonly UdpCollectors _collectors;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly IPAddress _agent;
    private readonly Dictionary<uint, uint> _counterSequences = [];
    private int _queued;
    private int _lost;
    private uint _sequence;
    private uint _samples;
    private long _polled;

    public SflowExporter(SflowSpec spec, TimeProvider time)
    {
        Spec = spec;
        _time = time;
        _started = time.GetTimestamp();
        _polled = _started;
        _collectors = new UdpCollectors(spec.Targets, PortDefault);
        _agent = AgentOf(spec.Agent, _collectors);
    }

    public SflowSpec Spec { get; }

    /// <summary>Samples that found the queue full, since the start.</summary>
    public int Lost => Volatile.Read(ref _lost);

    /// <summary>From any thread; never waits.</summary>
    public void Take(SampledPacket packet)
    {
        if (Interlocked.Increment(ref _queued) > QueueMax)
        {
            Interlocked.Decrement(ref _queued);
            Interlocked.Increment(ref _lost);
            return;
        }

        _queue.Enqueue(packet);
    }

    /// <summary>Sends what waits, and counters when their time has come. One thread.</summary>
    public void Send(IEnumerable<PortCounters> ports)
    {
        SflowDatagram? datagram = null;
        while (_queue.TryDequeue(out var packet))
        {
            Interlocked.Decrement(ref _queued);
            var sample = SampleOf(packet);
            _samples++;
            datagram ??= Begin();
            if (datagram.TryAdd(in sample, _samples)) continue;
            Flush(datagram);
            datagram = Begin();
            datagram.TryAdd(in sample, _samples);
        }

        if (Spec.Polling > 0
            && _time.GetElapsedTime(_polled) >= TimeSpan.FromSeconds(Spec.Polling))
        {
            _polled = _time.GetTimestamp();
            foreach (var port in ports) datagram = Add(datagram, port);
        }

        if (datagram is { Count: > 0 }) Flush(datagram);
    }

    private SflowDatagram Add(SflowDatagram? datagram, PortCounters port)
    {
        var index = (uint)port.InterfaceIndex;
        var sequence = _counterSequences.GetValueOrDefault(index) + 1;
        _counterSequences[index] = sequence;
        var counted = port.Counted;
        var counters = new SflowCounters(
            index, (ulong)port.Speed, port.IsLinkUp ? AdminUp | LinkUp : AdminUp,
            counted.RxBytes, (uint)counted.RxPackets, (uint)counted.RxDropped,
            (uint)counted.RxErrors, counted.TxBytes, (uint)counted.TxPackets,
            (uint)counted.TxDropped, (uint)counted.TxErrors);
        datagram ??= Begin();
        if (datagram.TryAdd(in counters, sequence)) return datagram;
        Flush(datagram);
        datagram = Begin();
        datagram.TryAdd(in counters, sequence);
        return datagram;
    }

    private SflowPacket SampleOf(SampledPacket packet)
    {
        var index = (uint)packet.Port.InterfaceIndex;
        var rate = (uint)Spec.Sampling;
        var header = packet.Header[..Math.Min(packet.Header.Length, Spec.Header)];
        return new SflowPacket(
            Sampler, rate, (_samples + 1) * rate, (uint)Lost, index, packet.Output, packet.Tci,
            packet.OutputTci, packet.Size, header);
    }

    private SflowDatagram Begin() => new(
        _agent, 0, ++_sequence, (uint)_time.GetElapsedTime(_started).TotalMilliseconds);

    private void Flush(SflowDatagram datagram) => _collectors.Send(datagram.Bytes);

    /// <summary>An address of the device that the row names, else towards the collector.</summary>
    private static IPAddress AgentOf(string? device, UdpCollectors collectors)
    {
        if (IPAddress.TryParse(device, out var given)) return given;
        foreach (var each in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (each.Name != device) continue;
            var own = each.GetIPProperties().UnicastAddresses.FirstOrDefault(
                address => address.Address.AddressFamily == AddressFamily.InterNetwork);
            if (own is not null) return own.Address;
        }

        return collectors.LocalAddress();
    }

    public void Dispose() => _collectors.Dispose();
}
