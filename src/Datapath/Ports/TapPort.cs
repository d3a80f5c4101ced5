using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// A device that the datapath makes for the host: internal and tap ports (TUN/TAP).
/// </summary>
/// <remarks>
/// The device vanishes with the port. Packets carry their offload state both ways.
/// </remarks>
internal sealed unsafe class TapPort : PacketPort
{
    // TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN
    private const int Offloads = 0x0F;

    private readonly int _descriptor;
    private DeviceState _state;
    private int _isDisposed;

    private TapPort(DatapathPortSpec spec, uint number, int descriptor, DeviceState state)
        : base(spec, number)
    {
        _descriptor = descriptor;
        _state = state;
    }

    public override string Type => "tap";
    internal override int Descriptor => _descriptor;
    internal override bool TakesSuperPackets => true;

    public static bool TryOpen(
        DatapathPortSpec spec, uint number, out TapPort? port, out string error)
    {
        port = null;
        var descriptor = Libc.Open(
            "/dev/net/tun",
            LinuxNumbers.OpenReadWrite | LinuxNumbers.OpenNonBlocking
                | LinuxNumbers.OpenCloseOnExec);
        if (descriptor < 0)
        {
            error = Libc.LastErrorText();
            return false;
        }

        var request = stackalloc byte[40];
        if (!NetworkDevice.TryName(spec.Name, request))
        {
            error = $"{spec.Name}: a device name has 1 to {NetworkDevice.NameSizeMax} bytes";
            Libc.Close(descriptor);
            return false;
        }

        *(short*)(request + 16) = LinuxNumbers.TunTap | LinuxNumbers.TunNoPacketInfo
            | LinuxNumbers.TunVnetHeader;
        if (Libc.Control(descriptor, LinuxNumbers.TunSetInterface, request) != 0)
        {
            error = Libc.LastErrorText();
            Libc.Close(descriptor);
            return false;
        }

        Libc.Control(descriptor, LinuxNumbers.TunSetOffload, (void*)Offloads);
        if (spec.Mac is { } mac) NetworkDevice.TrySetMac(spec.Name, mac);
        if (spec.Mtu is { } mtu) NetworkDevice.TrySetMtu(spec.Name, mtu);
        NetworkDevice.TrySetUp(spec.Name);
        if (NetworkDevice.Read(spec.Name) is not { } state)
        {
            error = Libc.LastErrorText();
            Libc.Close(descriptor);
            return false;
        }

        error = "";
        port = new TapPort(spec, number, descriptor, state);
        return true;
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
            var size = Libc.ReadVector(_descriptor, vectors, 2);
            if (size <= 0)
            {
                batch.Pool.Release(packet);
                break;
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

        return count;
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
            if (Libc.WriteVector(_descriptor, vectors, 2) > 0)
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
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) Libc.Close(_descriptor);
    }
}
