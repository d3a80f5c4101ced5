using System.Buffers.Binary;
using System.Collections.Concurrent;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire.Control;

namespace Fabric.Observability;

/// <summary>Sends the flow records of one IPFIX row to its collectors.</summary>
/// <remarks>
/// Packet threads put samples into a bounded queue; one owner keeps the cache and sends. A record
/// leaves when its flow was kept for the row's active timeout, at once when that is not set, and
/// the oldest when the cache is full. Templates are sent before the first record of their shape
/// and again every ten minutes, as RFC 7011 section 8 asks of UDP.
/// </remarks>
internal sealed class IpfixExporter(IpfixSpec spec, TimeProvider time) : IDisposable
{
    private const int QueueMax = 4096;
    private const int PortDefault = 4739;
    private const byte ActiveTimeout = 2, LackOfResources = 5;
    private static readonly TimeSpan TemplateLife = TimeSpan.FromMinutes(10);

    private readonly ConcurrentQueue<ExportedPacket> _queue = new();
    private readonly UdpCollectors _collectors = new(spec.Targets, PortDefault);
    private readonly Dictionary<RecordKey, Flow> _flows = [];
    private readonly Queue<RecordKey> _order = new();
    private readonly Dictionary<(uint Domain, ushort Template), long> _templates = [];
    private readonly Dictionary<uint, uint> _sequences = [];
    private int _queued;
    private int _lost;

    private readonly record struct RecordKey(uint Domain, ushort Template, string Key);

    private sealed class Flow(byte[] key, IpfixShape shape, long started)
    {
        public byte[] Key { get; } = key;
        public IpfixShape Shape { get; } = shape;
        public long Started { get; } = started;
        public long Seen { get; set; } = started;
        public ulong Packets { get; set; }
        public ulong Bytes { get; set; }
    }

    public IpfixSpec Spec => spec;

    /// <summary>Samples that found the queue full, since the start.</summary>
    public int Lost => Volatile.Read(ref _lost);

    /// <summary>From any thread; never waits.</summary>
    public void Take(ExportedPacket packet)
    {
        if (Interlocked.Increment(ref _queued) > QueueMax)
        {
            Interlocked.Decrement(ref _queued);
            Interlocked.Increment(ref _lost);
            return;
        }

        _queue.Enqueue(packet);
    }

    /// <summary>Counts what waits, and sends the records whose time has come. One thread.</summary>
    public void Send()
    {
        var batches = new Dictionary<uint, IpfixMessage>();
        while (_queue.TryDequeue(out var packet))
        {
            Interlocked.Decrement(ref _queued);
            Count(packet, batches);
        }

        var timeout = TimeSpan.FromSeconds(spec.ActiveTimeout);
        while (_order.TryPeek(out var oldest)
            && time.GetElapsedTime(_flows[oldest].Started) >= timeout)
        {
            Release(_order.Dequeue(), ActiveTimeout, batches);
        }

        foreach (var (domain, message) in batches) Flush(domain, message);
    }

    private void Count(ExportedPacket packet, Dictionary<uint, IpfixMessage> batches)
    {
        var domain = packet.Domain ?? (uint)spec.Domain;
        var bytes = IpfixRecords.KeyOf(
            in packet.Key, packet.Point ?? (uint)spec.Point, packet.Input, packet.Output);
        var shape = IpfixRecords.ShapeOf(in packet.Key);
        var key = new RecordKey(
            domain, IpfixRecords.TemplateOf(shape), Convert.ToHexString(bytes));
        if (!_flows.TryGetValue(key, out var flow))
        {
            if (spec.FlowsMax > 0 && _flows.Count >= spec.FlowsMax)
            {
                Release(_order.Dequeue(), LackOfResources, batches);
            }

            flow = _flows[key] = new Flow(bytes, shape, time.GetTimestamp());
            _order.Enqueue(key);
        }

        flow.Seen = time.GetTimestamp();
        flow.Packets++;
        flow.Bytes += (ulong)packet.Size;
    }

    private void Release(RecordKey key, byte reason, Dictionary<uint, IpfixMessage> batches)
    {
        if (!_flows.Remove(key, out var flow)) return;
        var record = new byte[flow.Key.Length + IpfixRecords.CountersSize];
        flow.Key.CopyTo(record, 0);
        var counters = record.AsSpan(flow.Key.Length);
        BinaryPrimitives.WriteUInt32BigEndian(counters, MicrosecondsSince(flow.Started));
        BinaryPrimitives.WriteUInt32BigEndian(counters[4..], MicrosecondsSince(flow.Seen));
        BinaryPrimitives.WriteUInt64BigEndian(counters[8..], flow.Packets);
        BinaryPrimitives.WriteUInt64BigEndian(counters[16..], flow.Bytes);
        counters[24] = reason;
        while (true)
        {
            if (!batches.TryGetValue(key.Domain, out var message))
            {
                message = batches[key.Domain] = Begin(key.Domain);
            }

            if (TryAddTemplate(message, key, flow.Shape)
                && message.TryAddRecord(key.Template, record))
            {
                return;
            }

            Flush(key.Domain, message);
            batches.Remove(key.Domain);
        }
    }

    private bool TryAddTemplate(IpfixMessage message, RecordKey key, IpfixShape shape)
    {
        var known = (key.Domain, key.Template);
        if (_templates.TryGetValue(known, out var sent)
            && time.GetElapsedTime(sent) < TemplateLife)
        {
            return true;
        }

        if (!message.TryAddTemplate(key.Template, IpfixRecords.FieldsOf(shape).AsSpan()))
        {
            return false;
        }

        _templates[known] = time.GetTimestamp();
        return true;
    }

    private IpfixMessage Begin(uint domain) => new(
        (uint)time.GetUtcNow().ToUnixTimeSeconds(), _sequences.GetValueOrDefault(domain), domain);

    private void Flush(uint domain, IpfixMessage message)
    {
        if (message.IsEmpty) return;
        _sequences[domain] = _sequences.GetValueOrDefault(domain) + message.Records;
        _collectors.Send(message.Bytes);
    }

    private uint MicrosecondsSince(long moment) =>
        (uint)Math.Min(uint.MaxValue, time.GetElapsedTime(moment).TotalMicroseconds);

    public void Dispose() => _collectors.Dispose();
}
