using System.Collections.Concurrent;
using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// A port inside the process: packets go in by <see cref="Inject"/>, come out as bytes.
/// </summary>
/// <remarks>
/// Also the dummy ports of tests (type "dummy"). Injected packets run to their end on the caller's
/// thread. What the datapath outputs is kept for <see cref="TryTake"/>, at most
/// <see cref="DatapathLimits.KeptPacketsMax"/>, and shown to <see cref="Transmitted"/>.
/// </remarks>
public sealed class MemoryPort : PacketPort
{
    private readonly ConcurrentQueue<(byte[] Bytes, TunnelMetadata? Tunnel)> _sent = new();
    private readonly Action<MemoryPort, PacketBuffer, TunnelMetadata?> _receive;
    private readonly MacBytes _mac;
    private Captures _captures;
    private readonly PacketStream? _stream;
    private volatile bool _isDown;

    internal MemoryPort(
        DatapathPortSpec spec, uint number, MacBytes mac,
        Action<MemoryPort, PacketBuffer, TunnelMetadata?> receive)
        : base(spec, number)
    {
        _mac = spec.Mac ?? mac;
        _receive = receive;
        _captures = new Captures(spec);
        _stream = PacketStream.ForOptions(spec, packet => Inject(packet));
    }

    /// <summary>Takes up changed names of capture files (pcap, rxq_pcap, tx_pcap).</summary>
    internal void Reconfigure(DatapathPortSpec spec)
    {
        var before = _captures;
        if (before.IsFor(spec)) return;
        Volatile.Write(ref _captures, new Captures(spec));
        before.Dispose();
    }

    /// <summary>The other end of option `stream` or `pstream` is there.</summary>
    public bool IsStreamConnected => _stream?.IsConnected ?? false;

    public override string Type => Spec.Kind switch
    {
        DatapathPortKind.Dummy => "dummy",
        DatapathPortKind.Internal => "dummy-internal",
        DatapathPortKind.Tunnel when Spec.Tunnel is { } tunnel => TypeOf(tunnel),
        _ => "memory",
    };

    /// <summary>Option ifindex; 0 when there is none.</summary>
    private static int IndexOf(DatapathPortSpec spec) => int.TryParse(
        spec.Options?.GetValueOrDefault("ifindex"), out var index) ? index : 0;

    /// <summary>"vxlan: packet_type=ptap", with the port when it is not the usual one.</summary>
    private static string TypeOf(TunnelPortSpec tunnel)
    {
        var usual = tunnel.Kind switch
        {
            TunnelKind.Geneve => 6081,
            TunnelKind.Vxlan => 4789,
            TunnelKind.Stt => 7471,
            TunnelKind.Gtpu => 2152,
            _ => 0,
        };
        var port = tunnel.DestinationPort == usual ? "" : $"dst_port={tunnel.DestinationPort}, ";
        return $"{tunnel.Kind.ToString().ToLowerInvariant()}: {port}packet_type=ptap";
    }

    /// <summary>
    /// Takes whole super-packets and unfinished checksums; for tests of offloads.
    /// </summary>
    public bool TakesOffloads { get; set; }

    internal override bool TakesSuperPackets => TakesOffloads;

    /// <summary>While it is down nothing goes in or out (netdev-dummy/set-admin-state).</summary>
    public bool IsAdminUp
    {
        get => !_isDown;
        set
        {
            if (_isDown != value) return;
            _isDown = !value;
            AdminStateChanged?.Invoke(this);
        }
    }

    internal event Action<MemoryPort>? AdminStateChanged;

    /// <summary>
    /// Each packet that goes out, on the thread that sends it: copy what you keep.
    /// </summary>
    public event Action<PacketBuffer>? Transmitted;

    /// <summary>Lets a packet come in; returns when all that it causes has happened.</summary>
    public void Inject(ReadOnlySpan<byte> bytes)
    {
        var packet = new PacketBuffer(bytes.Length);
        packet.Load(bytes);
        Inject(packet);
    }

    /// <summary>As above, with offload state; the buffer stays the caller's, unchanged.</summary>
    /// <param name="tunnel">The outer header that it came in; null for none.</param>
    public void Inject(PacketBuffer packet, TunnelMetadata? tunnel = null)
    {
        if (_isDown)
        {
            CountReceiveDrop();
            return;
        }

        _captures.Received?.Write(packet.Bytes);
        _receive(this, packet, tunnel);
    }

    /// <summary>Lets the packets of a pcap file come in, one after the other.</summary>
    /// <returns>How many; -1, with the reason, when the file can't be read.</returns>
    public int Play(string path, out string error)
    {
        using var reader = PcapReader.TryOpen(path, out error);
        if (reader is null) return -1;
        var count = 0;
        for (; reader.TryRead(out var packet); count++) Inject(packet);
        return count;
    }

    /// <summary>The oldest packet that went out and was not taken yet.</summary>
    public bool TryTake(out byte[] bytes) => TryTake(out bytes, out _);

    /// <param name="tunnel">The outer header that it would have; null for none.</param>
    public bool TryTake(out byte[] bytes, out TunnelMetadata? tunnel)
    {
        var isThere = _sent.TryDequeue(out var taken);
        bytes = taken.Bytes ?? [];
        tunnel = taken.Tunnel;
        return isThere;
    }

    /// <summary>All packets that went out and were not taken yet.</summary>
    public ImmutableArray<byte[]> TakeAll()
    {
        var all = ImmutableArray.CreateBuilder<byte[]>();
        while (TryTake(out var bytes)) all.Add(bytes);
        return all.ToImmutable();
    }

    /// <summary>Dummies count packets and bytes, and know nothing of errors, as OVS's.</summary>
    public override PortStatistics Statistics() => Spec.Kind == DatapathPortKind.Memory
        ? base.Statistics()
        : base.Statistics() with
        {
            RxErrors = PortStatistics.Unknown, TxErrors = PortStatistics.Unknown,
            RxDropped = PortStatistics.Unknown, TxDropped = PortStatistics.Unknown,
        };

    public override DatapathPort Describe() => new(
        Number, Name, Spec.Kind, Type, IndexOf(Spec), _mac, Spec.Mtu ?? 1500,
        IsAdminUp, IsLinkUp: IsAdminUp, LinkSpeed: 0);

    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        if (_isDown)
        {
            drops.Add(DropReason.PortDown, (ulong)entries.Length);
            return 0;
        }

        foreach (var entry in entries)
        {
            _captures.Transmitted?.Write(entry.Packet.Bytes);
            _stream?.Send(entry.Packet.Bytes);
            _sent.Enqueue((entry.Packet.Bytes.ToArray(), entry.Tunnel));
            if (_sent.Count > DatapathLimits.KeptPacketsMax) _sent.TryDequeue(out _);
            Transmitted?.Invoke(entry.Packet);
        }

        return entries.Length;
    }

    public override void Dispose()
    {
        _stream?.Dispose();
        _captures.Dispose();
    }

    /// <summary>The files that a port's options name, both directions in one or apart.</summary>
    private sealed class Captures : IDisposable
    {
        private readonly string? _both, _in, _out;

        public Captures(DatapathPortSpec spec)
        {
            (_both, _in, _out) = NamesOf(spec);
            Received = PcapWriter.ForPath(_both ?? _in);
            Transmitted = _both is null ? PcapWriter.ForPath(_out) : Received;
        }

        public PcapWriter? Received { get; }
        public PcapWriter? Transmitted { get; }

        public bool IsFor(DatapathPortSpec spec) => NamesOf(spec) == (_both, _in, _out);

        public void Dispose()
        {
            Received?.Dispose();
            Transmitted?.Dispose();
        }

        private static (string? Both, string? In, string? Out) NamesOf(DatapathPortSpec spec) => (
            spec.Options?.GetValueOrDefault("pcap"), spec.Options?.GetValueOrDefault("rxq_pcap"),
            spec.Options?.GetValueOrDefault("tx_pcap"));
    }
}
