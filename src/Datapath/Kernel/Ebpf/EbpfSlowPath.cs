using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// What the kernel sends up: misses, actions for the host node, steps it cannot do.
/// </summary>
/// <remarks>
/// One thread reads the ring, the ring of connection events, and the tunnels' sockets. A packet
/// goes
/// back into the kernel with the steps of its flow, so that connections live in the kernel only.
/// </remarks>
internal sealed unsafe class EbpfSlowPath : IDisposable
{
    private const ulong RingTag = ulong.MaxValue;
    private const ulong EventsTag = ulong.MaxValue - 1;
    private const ulong WakeTag = ulong.MaxValue - 2;

    private readonly EbpfDatapath _datapath;
    private readonly KernelObject _kernel;
    private readonly nint _ring;
    private readonly nint _events;
    private readonly int _poll;
    private readonly int _wake;
    private readonly PacketPool _pool = new();
    private readonly PacketBatch _batch;
    private readonly TransmitEntry[] _entry = new TransmitEntry[1];
    private readonly GCHandle _self;
    private readonly Thread _thread;
    private volatile bool _isStopping;
    private long _handled;

    public EbpfSlowPath(EbpfDatapath datapath, KernelObject kernel)
    {
        _datapath = datapath;
        _kernel = kernel;
        _batch = new PacketBatch(_pool);
        Trips = new TrackedTrips(datapath);
        Fragments = new EbpfFragments(datapath, Trips, _batch.Drops);
        Channels = new ControlChannels(datapath, kernel, Trips, _batch.Drops);
        _self = GCHandle.Alloc(this);
        _ring = LibBpf.NewRing(kernel.Upcalls, &OnUpcall, GCHandle.ToIntPtr(_self), null);
        _events = LibBpf.NewRing(kernel.Events, &OnEvent, GCHandle.ToIntPtr(_self), null);
        _poll = Libc.PollCreate(LinuxNumbers.PollCloseOnExec);
        _wake = Libc.EventDescriptor(
            0, LinuxNumbers.EventNonBlocking | LinuxNumbers.EventCloseOnExec);
        Libc.PollAdd(_poll, _wake, WakeTag);
        Libc.PollAdd(_poll, LibBpf.RingDescriptor(_ring), RingTag);
        Libc.PollAdd(_poll, LibBpf.RingDescriptor(_events), EventsTag);
        _thread = new Thread(Loop) { IsBackground = true, Name = "upcalls" };
    }

    /// <summary>
    /// Once all is made: what came up while no host node was there is waiting already.
    /// </summary>
    public void Start() => _thread.Start();

    /// <summary>Records taken from the ring since the start.</summary>
    public long Handled => Interlocked.Read(ref _handled);

    public DropCounters Drops => _batch.Drops;

    /// <summary>Packets that the kernel tracks for the two below.</summary>
    public TrackedTrips Trips { get; }

    /// <summary>Fragments on their way to be tracked.</summary>
    public EbpfFragments Fragments { get; }

    /// <summary>FTP and TFTP.</summary>
    public ControlChannels Channels { get; }

    /// <summary>Forgets what has waited too long.</summary>
    public void Sweep(long now)
    {
        Fragments.Sweep(now);
        Trips.Sweep(now);
        Channels.Sweep(now);
    }

    public void Add(EbpfPort port) =>
        Libc.PollAdd(_poll, port.Tunnel!.Descriptor, port.Number);

    public void Remove(EbpfPort port) => Libc.PollRemove(_poll, port.Tunnel!.Descriptor);

    private void Loop()
    {
        Span<ulong> tags = stackalloc ulong[16];
        while (!_isStopping)
        {
            var count = Libc.PollWait(_poll, tags, milliseconds: 1000);
            foreach (var tag in tags[..count])
            {
                if (_isStopping) break;
                if (tag == RingTag) LibBpf.ConsumeRing(_ring);
                else if (tag == EventsTag) LibBpf.ConsumeRing(_events);
                else if (tag == WakeTag) Drain();
                else ReceiveFromTunnel((uint)tag);
            }
        }
    }

    [UnmanagedCallersOnly]
    private static int OnUpcall(nint context, byte* data, nuint size)
    {
        var own = (EbpfSlowPath)GCHandle.FromIntPtr(context).Target!;
        if (own._isStopping) return 0;
        var record = (KernelUpcall*)data;
        if (size >= (nuint)sizeof(KernelUpcall)
            && record->Captured <= size - (nuint)sizeof(KernelUpcall))
        {
            own.TryHandle(record);
        }

        return 0;
    }

    [UnmanagedCallersOnly]
    private static int OnEvent(nint context, byte* data, nuint size)
    {
        var own = (EbpfSlowPath)GCHandle.FromIntPtr(context).Target!;
        own._datapath.Tracker.Tell(new ReadOnlySpan<byte>(data, (int)size));
        return 0;
    }

    /// <summary>
    /// A fault in the upcall handler costs its packet, not the host, as long as somebody is told.
    /// </summary>
    private void TryHandle(KernelUpcall* record)
    {
        FlowKey key = default;
        if (!KernelKey.TryReadMetadata(in record->Key, _datapath.Specs.Epoch, ref key))
        {
            // A flow of an earlier process led here: start over, which replaces that flow.
            key.RecirculationIdWire = 0;
            ConntrackTable.Clear(ref key);
        }

        var packet = Take(record);
        try
        {
            Handle(record, packet, ref key);
        }
        catch (Exception fault) when (_datapath.Faulted is not null)
        {
            Drops.Add(DropReason.TranslationError);
            _datapath.Faulted(fault);
        }
        finally
        {
            _pool.Release(packet);
            if (key.InPort < (uint)_kernel.Ports.Count)
            {
                Interlocked.Increment(ref _kernel.Ports[(int)key.InPort].UpcallsDone);
            }

            Interlocked.Increment(ref _handled);
        }
    }

    private void Handle(KernelUpcall* record, PacketBuffer packet, ref FlowKey key)
    {
        if (!FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out var reason))
        {
            Drops.Add(reason);
            return;
        }

        Offload.Recognize(packet, in key, in layout, (ushort)record->SegmentSize);
        switch (record->Kind)
        {
            case KernelUpcallKind.Miss:
                _datapath.Miss(packet, ref key, record->Passes);
                break;
            case KernelUpcallKind.Action:
                if (_datapath.Specs.FindUserdata(record->Number) is { } userdata)
                {
                    _datapath.Handler?.Action(packet, key, userdata);
                }

                break;
            case KernelUpcallKind.Slow
                when _datapath.Specs.IsTrip(record->Number, out var trip):
                Trips.Finish(trip, packet, in key);
                break;
            case KernelUpcallKind.Slow:
                Continue(record, packet, ref key);
                break;
            case KernelUpcallKind.Tunnel:
                SendToTunnel(packet, record->Number, record->Tunnel);
                break;
        }
    }

    private void Continue(KernelUpcall* record, PacketBuffer packet, ref FlowKey key)
    {
        var rest = _datapath.Specs.FindContinuation(record->Number);
        var (tunnel, passes) = (record->Tunnel, record->Passes);
        if (rest.IsDefault)
        {
            // A flow of an earlier process led here: start over, which replaces that flow.
            if (key.RecirculationId == 0) _datapath.Miss(packet, ref key, passes);
            else Drops.Add(DropReason.ActionUnsupported);
        }
        else if (rest is [ConntrackAction, ..])
        {
            var at = new InterruptedActions(rest, tunnel, passes);
            if (key.NetworkFragment != 0) Fragments.Take(packet, in key, in at, _datapath.Now());
            else Channels.Take(packet, in key, at, _datapath.Now());
        }
        else
        {
            _datapath.Continue(packet, ref key, rest, tunnel, passes);
        }
    }

    private PacketBuffer Take(KernelUpcall* record)
    {
        var packet = _pool.Rent();
        var bytes = new ReadOnlySpan<byte>(record + 1, (int)record->Captured);
        if (record->VlanTpidWire == 0 || bytes.Length < 14)
        {
            packet.Load(bytes);
            return packet;
        }

        // The tag that the kernel keeps beside the bytes goes where it belongs.
        packet.Reserve(bytes.Length + 4);
        var all = packet.Bytes;
        bytes[..12].CopyTo(all);
        MemoryMarshal.Write(all[12..], in record->VlanTpidWire);
        BinaryPrimitives.WriteUInt16BigEndian(all[14..], (ushort)(record->VlanTci & 0xEFFF));
        bytes[12..].CopyTo(all[16..]);
        return packet;
    }

    private void SendToTunnel(PacketBuffer packet, uint number, uint tunnel)
    {
        if (_datapath.PortsOf.Find(number)?.Tunnel is not { } sockets)
        {
            Drops.Add(DropReason.PortNotFound);
            return;
        }

        if (packet.SegmentSize == 0 || !sockets.TakesSuperPackets)
        {
            ChecksumCompletion.TryComplete(packet);
        }

        _entry[0] = new TransmitEntry(
            packet, new EgressMetadata(_datapath.Specs.FindTunnel(tunnel), Hash: 0, Mark: 0));
        var sent = sockets.Transmit(_entry, Drops);
        sockets.CountTransmitted(sent, packet.Size, 1 - sent);
        _entry[0] = default;
    }

    /// <summary>What the underlay program let pass: fragments, rare options, checksums.</summary>
    private void ReceiveFromTunnel(uint number)
    {
        if (_datapath.PortsOf.Find(number)?.Tunnel is not { } sockets) return;
        do
        {
            var received = sockets.Receive(_batch);
            long bytes = 0;
            for (var i = 0; i < received; i++)
            {
                var packet = _batch.Packets[i];
                bytes += packet.Size;
                TryReceive(packet, ref _batch.Keys[i]);
                _pool.Release(packet);
            }

            sockets.CountReceived(received, bytes);
        }
        while (sockets.HasMore);
    }

    private void TryReceive(PacketBuffer packet, ref FlowKey key)
    {
        try
        {
            if (FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var reason))
            {
                _datapath.Receive(packet, ref key);
            }
            else
            {
                Drops.Add(reason);
            }
        }
        catch (Exception fault) when (_datapath.Faulted is not null)
        {
            Drops.Add(DropReason.TranslationError);
            _datapath.Faulted(fault);
        }
    }

    private void Drain()
    {
        ulong value;
        Libc.Read(_wake, &value, sizeof(ulong));
    }

    public void Dispose()
    {
        _isStopping = true;
        ulong one = 1;
        Libc.Write(_wake, &one, sizeof(ulong));
        if (Thread.CurrentThread != _thread) _thread.Join();
        LibBpf.FreeRing(_ring);
        LibBpf.FreeRing(_events);
        Libc.Close(_poll);
        Libc.Close(_wake);
        _self.Free();
    }
}

/// <summary>Offload state of packets that come without it: the bytes tell enough.</summary>
internal static class Offload
{
    /// <summary>
    /// A transport checksum that is no more than the pseudo header's sum is an unfinished one.
    /// </summary>
    public static void Recognize(
        PacketBuffer packet, in FlowKey key, in PacketLayout layout, ushort segmentSize)
    {
        if (layout.TransportOffset < 0 || key.NetworkFragment != 0) return;
        var offset = key.NetworkProtocol switch
        {
            IpProtocol.Tcp => 16, IpProtocol.Udp => 6, _ => -1,
        };
        if (offset < 0) return;
        var bytes = packet.Bytes;
        var transport = layout.TransportOffset;
        if (transport + offset + 2 > bytes.Length) return;

        var network = bytes[layout.NetworkOffset..];
        var addresses = key.IsIpv4 ? network.Slice(12, 8) : network.Slice(8, 32);
        var sum = InternetChecksum.Fold(InternetChecksum.PseudoHeader(
            addresses, key.NetworkProtocol, layout.EndOffset - transport));
        var field = MemoryMarshal.Read<ushort>(bytes[(transport + offset)..]);
        var isPartial = field != 0 && field == sum;
        if (!isPartial && segmentSize == 0) return;
        packet.ChecksumStart = transport;
        packet.ChecksumOffset = offset;
        if (segmentSize == 0) return;
        packet.SegmentSize = segmentSize;
        packet.Gso = key.NetworkProtocol == IpProtocol.Udp
            ? GsoKind.Udp
            : key.IsIpv6 ? GsoKind.TcpIpv6 : GsoKind.TcpIpv4;
    }
}
