using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

/// <summary>A queueing discipline as it is asked for (linux/pkt_sched.h).</summary>
public abstract record Qdisc(string Kind)
{
    internal void Write(ref NetlinkWriter writer)
    {
        writer.PutText(TrafficControlRequest.AttributeKind, Kind);
        WriteOptions(ref writer);
    }

    private protected abstract void WriteOptions(ref NetlinkWriter writer);

    private protected static void PutNumbers(
        ref NetlinkWriter writer, ushort type, params ReadOnlySpan<uint> values)
    {
        Span<byte> bytes = stackalloc byte[8 * sizeof(uint)];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(i * sizeof(uint))..], values[i]);
        }

        writer.Put(type, bytes[..(values.Length * sizeof(uint))]);
    }
}

/// <summary>Classes that borrow from one another; what chooses none is in 1:1.</summary>
public sealed record HtbQdisc() : Qdisc("htb")
{
    private const ushort AttributeInitial = 2;

    private protected override void WriteOptions(ref NetlinkWriter writer)
    {
        const uint Version = 3, RateToQuantum = 10, Default = 1;

        var options = writer.Begin(TrafficControlRequest.AttributeOptions);
        PutNumbers(ref writer, AttributeInitial, Version, RateToQuantum, Default, 0, 0);
        writer.End(options);
    }
}

/// <summary>Flows take turns.</summary>
/// <param name="Quantum">Bytes in a turn.</param>
/// <param name="Perturb">Seconds after which flows are told apart anew.</param>
public sealed record SfqQdisc(uint Quantum, uint Perturb) : Qdisc("sfq")
{
    private protected override void WriteOptions(ref NetlinkWriter writer) => PutNumbers(
        ref writer, TrafficControlRequest.AttributeOptions, Quantum, Perturb, 0, 0, 0);
}

/// <summary>Drops what waits too long.</summary>
/// <param name="Target">Microseconds that a packet may wait.</param>
/// <param name="Limit">Packets that may.</param>
/// <param name="Interval">Microseconds for which the wait must be too long.</param>
public sealed record CodelQdisc(uint Target, uint Limit, uint Interval) : Qdisc("codel")
{
    private protected override void WriteOptions(ref NetlinkWriter writer)
    {
        var options = writer.Begin(TrafficControlRequest.AttributeOptions);
        writer.PutUInt32(1, Target);
        writer.PutUInt32(2, Limit);
        writer.PutUInt32(3, Interval);
        writer.End(options);
    }
}

/// <summary><see cref="CodelQdisc"/> for each flow by itself.</summary>
/// <param name="Flows">That are told apart.</param>
/// <param name="Quantum">Bytes in a turn.</param>
public sealed record FqCodelQdisc(
    uint Target, uint Limit, uint Interval, uint Flows, uint Quantum) : Qdisc("fq_codel")
{
    private protected override void WriteOptions(ref NetlinkWriter writer)
    {
        var options = writer.Begin(TrafficControlRequest.AttributeOptions);
        writer.PutUInt32(1, Target);
        writer.PutUInt32(2, Limit);
        writer.PutUInt32(3, Interval);
        writer.PutUInt32(5, Flows);
        writer.PutUInt32(6, Quantum);
        writer.End(options);
    }
}

/// <summary>A bad network, for trials.</summary>
/// <param name="Latency">Microseconds.</param>
/// <param name="Limit">Packets that wait.</param>
/// <param name="Loss">Percent.</param>
public sealed record NetemQdisc(uint Latency, uint Limit, uint Loss) : Qdisc("netem")
{
    private protected override void WriteOptions(ref NetlinkWriter writer)
    {
        // Ticks of 64 ns; parts of 2^32.
        var ticks = (uint)Math.Min(uint.MaxValue, Latency * 125ul / 8);
        var loss = (uint)(Math.Min(Loss, 100ul) * uint.MaxValue / 100);
        PutNumbers(
            ref writer, TrafficControlRequest.AttributeOptions, ticks, Limit, loss, 0, 0, 0);
    }
}
