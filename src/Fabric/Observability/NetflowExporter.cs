using Fabric.Pipeline;
using Fabric.Switching;

namespace Fabric.Observability;

/// <summary>Sends one bridge's flows to its NetFlow collectors. One thread.</summary>
internal sealed class NetflowExporter : IDisposable
{
    private const int PortDefault = 2055;

    /// <summary>As long as the revalidator keeps a flow without packets.</summary>
    private const long Idle = 10_000;

    private readonly TimeProvider _time;
    private readonly long _started;
    private UdpCollectors _collectors;
    private uint _sequence;

    public NetflowExporter(NetflowSpec spec, TimeProvider time)
    {
        Spec = spec;
        _time = time;
        _started = time.Milliseconds();
        _collectors = new UdpCollectors(spec.Targets, PortDefault);
    }

    public NetflowSpec Spec { get; private set; }

    /// <summary>The row has changed: times and numbers go on.</summary>
    public void Adopt(NetflowSpec spec)
    {
        if (spec == Spec) return;
        Spec = spec;
        _collectors.Dispose();
        _collectors = new UdpCollectors(spec.Targets, PortDefault);
    }

    public void Send(NetflowTable table)
    {
        var now = _time.Milliseconds();
        long? active = Spec.ActiveTimeout < 0 ? null : Spec.ActiveTimeout * 1000L;
        NetflowDatagram? datagram = null;
        foreach (var flow in table.TakeDone(now, Idle, active))
        {
            datagram ??= Begin(now);
            datagram.TryAdd(EntryOf(flow), _sequence++);
            if (datagram.Count < NetflowDatagram.CountMax) continue;
            _collectors.Send(datagram.Bytes);
            datagram = null;
        }

        if (datagram is not null) _collectors.Send(datagram.Bytes);
    }

    private NetflowDatagram Begin(long now) =>
        new(Since(now), _time.GetUtcNow(), Spec.EngineType, Spec.EngineId);

    private NetflowEntry EntryOf(NetflowFlow flow)
    {
        var key = flow.Key;
        return new NetflowEntry(
            key.Source, key.Destination, NumberOf(key.InPort), NumberOf(flow.Output),
            (uint)Math.Min(flow.Packets, uint.MaxValue), (uint)Math.Min(flow.Bytes, uint.MaxValue),
            Since(flow.First), Since(flow.Last), key.SourcePort, key.DestinationPort,
            flow.TcpFlags, key.Protocol, key.Tos);
    }

    /// <summary>add_id_to_interface: the engine's number in the upper seven bits.</summary>
    private ushort NumberOf(ushort port)
    {
        const int portBits = 9, portMask = 0x1FF, engineMask = 0x7F;
        return Spec.AddsEngine
            ? (ushort)(((Spec.EngineId & engineMask) << portBits) | (port & portMask)) : port;
    }

    private uint Since(long time) => (uint)Math.Max(0, time - _started);

    public void Dispose() => _collectors.Dispose();
}
