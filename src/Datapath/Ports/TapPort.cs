using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// A device that the datapath makes for the host: internal and tap ports (TUN/TAP).
/// </summary>
/// <remarks>
/// The device vanishes with the port. Packets carry their offload state both ways. Option `n_rxq`
/// gives it several queues, among which the kernel and the port spread flows.
/// </remarks>
internal sealed unsafe class TapPort : PacketPort
{
    // TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN
    private const int Offloads = 0x0F;

    private const int QueueCountMax = 16;

    private readonly int[] _queues;
    private readonly int _poll;
    private int _nextQueue;
    private DeviceState _state;
    private int _isDisposed;

    private TapPort(DatapathPortSpec spec, uint number, int[] queues, DeviceState state)
        : base(spec, number)
    {
        _queues = queues;
        _state = state;
        _poll = Libc.PollCreate(LinuxNumbers.PollCloseOnExec);
        for (var i = 0; i < queues.Length; i++) Libc.PollAdd(_poll, queues[i], (ulong)i);
    }

    public override string Type => "tap";
    internal override int Descriptor => _queues.Length == 1 ? _queues[0] : _poll;
    internal override bool WantsFlowHash => _queues.Length > 1;
    internal override bool TakesSuperPackets => true;

    public static bool TryOpen(
        DatapathPortSpec spec, uint number, out TapPort? port, out string error)
    {
        port = null;
        var wanted = spec.Options?.GetValueOrDefault("n_rxq");
        var count = int.TryParse(wanted, out var queueCount)
            ? Math.Clamp(queueCount, 1, QueueCountMax)
            : 1;
        var queues = new int[count];
        for (var i = 0; i < count; i++)
        {
            queues[i] = OpenQueue(spec.Name, isMultiple: count > 1, out error);
            if (queues[i] >= 0) continue;
            foreach (var opened in queues.AsSpan(0, i)) Libc.Close(opened);
            return false;
        }

        if (spec.Mac is { } mac) NetworkDevice.TrySetMac(spec.Name, mac);
        if (spec.Mtu is { } mtu) NetworkDevice.TrySetMtu(spec.Name, mtu);
        NetworkDevice.TrySetUp(spec.Name);
        if (NetworkDevice.Read(spec.Name) is not { } state)
        {
            error = Libc.LastErrorText();
            foreach (var opened in queues) Libc.Close(opened);
            return false;
        }

        error = "";
        port = new TapPort(spec, number, queues, state);
        return true;
    }

    /// <summary>The device, or one more queue of it; negative, with the reason, if not.</summary>
    private static int OpenQueue(string name, bool isMultiple, out string error)
    {
        error = "";
        var descriptor = Libc.Open(
            "/dev/net/tun",
            LinuxNumbers.OpenReadWrite | LinuxNumbers.OpenNonBlocking
                | LinuxNumbers.OpenCloseOnExec);
        if (descriptor < 0)
        {
            error = Libc.LastErrorText();
            return descriptor;
        }

        var request = stackalloc byte[40];
        if (!NetworkDevice.TryName(name, request))
        {
            error = $"{name}: a device name has 1 to {NetworkDevice.NameSizeMax} bytes";
            Libc.Close(descriptor);
            return -1;
        }

        *(short*)(request + 16) = (short)(LinuxNumbers.TunTap | LinuxNumbers.TunNoPacketInfo
            | LinuxNumbers.TunVnetHeader | (isMultiple ? LinuxNumbers.TunMultiQueue : 0));
        if (Libc.Control(descriptor, LinuxNumbers.TunSetInterface, request) != 0)
        {
            error = Libc.LastErrorText();
            Libc.Close(descriptor);
            return -1;
        }

        Libc.Control(descriptor, LinuxNumbers.TunSetOffload, (void*)Offloads);
        return descriptor;
    }

    public override DatapathPort Describe()
    {
        if (NetworkDevice.Read(Name) is { } state) _state = state;
        return new DatapathPort(
            Number, Name, Spec.Kind, Type, _state.Index, _state.Mac, _state.Mtu,
            _state.IsAdminUp, _state.IsLinkUp, LinkSpeed: 0);
    }

    internal override int Receive(PacketBatch batch)
    {
        var count = 0;
        for (var i = 0; i < _queues.Length && count < DatapathLimits.BatchSize; i++)
        {
            ReceiveFrom(_queues[_nextQueue], batch, ref count);
            _nextQueue = (_nextQueue + 1) % _queues.Length;
        }

        return count;
    }

    private void ReceiveFrom(int queue, PacketBatch batch, ref int count)
    {
        VnetHeader header;
        var vectors = stackalloc Libc.IoVector[2];
        while (count < DatapathLimits.BatchSize)
        {
            var packet = batch.Pool.Rent();
            packet.Reserve(packet.Capacity);
            vectors[0] = new Libc.IoVector { Base = &header, Size = VnetHeader.Size };
            vectors[1] = new Libc.IoVector
            {
                Base = packet.Address,
                Size = (nuint)packet.Capacity,
            };
            var size = Libc.ReadVector(queue, vectors, 2);
            if (size <= 0)
            {
                batch.Pool.Release(packet);
                return;
            }

            packet.SetSize((int)Math.Max(0, size - VnetHeader.Size));
            if (!header.TryApply(packet))
            {
                CountReceiveDrop();
                batch.Pool.Release(packet);
                continue;
            }

            batch.Packets[count] = packet;
            SystemPort.ClearMetadata(ref batch.Keys[count++], Number);
        }
    }

    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        var sent = 0;
        VnetHeader header;
        var vectors = stackalloc Libc.IoVector[2];
        foreach (var entry in entries)
        {
            header = VnetHeader.From(entry.Packet);
            vectors[0] = new Libc.IoVector { Base = &header, Size = VnetHeader.Size };
            vectors[1] = new Libc.IoVector
            {
                Base = entry.Packet.Address,
                Size = (nuint)entry.Packet.Size,
            };
            var queue = _queues[entry.Egress.Hash % (uint)_queues.Length];
            if (Libc.WriteVector(queue, vectors, 2) > 0)
            {
                sent++;
                continue;
            }

            drops.Add(Libc.LastError == LinuxNumbers.ErrorAgain
                ? DropReason.PortQueueFull
                : DropReason.PortDown);
        }

        return sent;
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        Libc.Close(_poll);
        foreach (var queue in _queues) Libc.Close(queue);
    }
}
