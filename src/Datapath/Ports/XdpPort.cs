using System.Collections.Immutable;

namespace Fabric.Datapath;

/// <summary>A network device through AF_XDP sockets: option `xdp-mode` of a system port.</summary>
/// <remarks>
/// `best-effort` and `native` let the driver run the program where it can, `native-with-zerocopy`
/// lets it write into our memory too, `generic` does neither. Option `n_rxq` says how many receive
/// queues the device has. AF_XDP knows no offloads: switch the peer's checksum and segmentation
/// offloads off (`ethtool -K DEVICE tx off`) where packets come from this machine. While the port
/// is there the host sees none of the device's packets.
/// </remarks>
internal sealed class XdpPort : PacketPort
{
    private const int QueuesMax = 64;

    private readonly XdpProgram _program;
    private readonly ImmutableArray<XdpSocket> _sockets;
    private readonly int _poll;
    private DeviceState _state;
    private int _next;
    private int _isDisposed;

    private XdpPort(
        DatapathPortSpec spec, uint number, DeviceState state, XdpProgram program,
        ImmutableArray<XdpSocket> sockets)
        : base(spec, number)
    {
        (_state, _program, _sockets) = (state, program, sockets);
        _poll = Libc.PollCreate(LinuxNumbers.PollCloseOnExec);
        foreach (var socket in sockets) Libc.PollAdd(_poll, socket.Descriptor, 0);
    }

    public override string Type => "afxdp";
    internal override int Descriptor => _poll;
    internal override bool WantsFlowHash => _sockets.Length > 1;

    /// <summary>Every queue's packets are written by the driver into our memory.</summary>
    public bool IsZeroCopy => _sockets.All(socket => socket.IsZeroCopy);

    public static bool TryOpen(
        DatapathPortSpec spec, uint number, string mode, out XdpPort? port, out string error)
    {
        port = null;
        if (mode is not ("best-effort" or "native" or "native-with-zerocopy" or "generic"))
        {
            error = $"xdp-mode {mode}: not one of best-effort, native, native-with-zerocopy, "
                + "generic";
            return false;
        }

        if (NetworkDevice.Read(spec.Name) is not { } state)
        {
            error = "No such device";
            return false;
        }

        var isGeneric = mode == "generic";
        var program = XdpProgram.TryAttach(state.Index, isGeneric, out error);
        if (program is null) return false;
        var count = int.TryParse(spec.Options?.GetValueOrDefault("n_rxq"), out var wanted)
            ? Math.Clamp(wanted, 1, QueuesMax)
            : 1;
        var sockets = ImmutableArray.CreateBuilder<XdpSocket>();
        for (uint queue = 0; queue < count; queue++)
        {
            var mayZeroCopy = program.IsNative && mode != "native";
            var socket = XdpSocket.TryOpen(state.Index, queue, mayZeroCopy, out error);
            if (socket is not null) sockets.Add(socket);
            if (socket is not null && program.TrySet(queue, socket.Descriptor)) continue;
            if (error.Length == 0) error = Libc.LastErrorText();
            foreach (var opened in sockets) opened.Dispose();
            program.Dispose();
            return false;
        }

        port = new XdpPort(spec, number, state, program, sockets.ToImmutable());
        return true;
    }

    public override DatapathPort Describe()
    {
        if (NetworkDevice.Read(Name) is { } state && state.Index == _state.Index) _state = state;
        return new DatapathPort(
            Number, Name, Spec.Kind, Type, _state.Index, _state.Mac, _state.Mtu,
            _state.IsAdminUp, _state.IsLinkUp, LinkSpeed: 0);
    }

    internal override int Receive(PacketBatch batch)
    {
        var count = 0;
        for (var i = 0; i < _sockets.Length && count < DatapathLimits.BatchSize; i++)
        {
            count = _sockets[_next].Receive(batch, count, Number);
            _next = (_next + 1) % _sockets.Length;
        }

        return count;
    }

    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        var hash = entries.IsEmpty ? 0 : entries[0].Egress.Hash;
        return _sockets[(int)(hash % (uint)_sockets.Length)].Transmit(entries, drops);
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _program.Dispose();
        Libc.Close(_poll);
        foreach (var socket in _sockets) socket.Dispose();
    }
}
