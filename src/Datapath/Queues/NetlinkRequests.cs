using System.Buffers.Binary;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>Requests to the kernel's routing socket, rtnetlink(7), one at a time.</summary>
/// <remarks>
/// The socket is opened once and stays in the network namespace of whoever made it, whichever
/// thread asks later.
/// </remarks>
internal sealed unsafe class NetlinkRequests : IDisposable
{
    private const ushort ErrorMessage = 2;
    private const ushort DoneMessage = 3;
    private const ushort FlagAcknowledge = 0x004;
    private const ushort FlagDump = 0x300;
    private const int BufferSize = NetlinkLimits.MessageSizeMax;

    private readonly Lock _lock = new();
    private readonly int _socket;
    private readonly byte[] _buffer = new byte[BufferSize];
    private uint _sequence;

    private NetlinkRequests(int socket) => _socket = socket;

    public delegate void Writer(ref NetlinkWriter writer, uint sequence);

    public delegate void Reader(NetlinkMessage message);

    public static NetlinkRequests? TryOpen(out string error)
    {
        var socket = Libc.Socket(
            LinuxNumbers.FamilyNetlink, LinuxNumbers.SocketRaw | LinuxNumbers.SocketCloseOnExec, 0);
        error = socket < 0 ? Libc.LastErrorText() : "";
        return socket < 0 ? null : new NetlinkRequests(socket);
    }

    /// <summary>Sends a request and reads all of its answers; 0 or an errno.</summary>
    /// <param name="sizeMax">Bytes that the request fits in.</param>
    public int Ask(int sizeMax, Writer write, Reader? read = null)
    {
        lock (_lock)
        {
            var sequence = ++_sequence;
            var request = new byte[sizeMax];
            var writer = new NetlinkWriter(request);
            write(ref writer, sequence);
            if (writer.HasOverflowed) return LinuxNumbers.ErrorMessageSize;
            fixed (byte* bytes = request)
            {
                if (Libc.SendBytes(_socket, bytes, (nuint)writer.Size, 0) < 0)
                {
                    return Libc.LastError;
                }
            }

            var flags = BinaryPrimitives.ReadUInt16LittleEndian(request.AsSpan(6));
            var isMany = (flags & (FlagDump | FlagAcknowledge)) != 0;
            while (true)
            {
                var result = ReadAnswer(sequence, read, out var isDone, out var isAnswer);
                if (result != 0 || isDone || (isAnswer && !isMany)) return result;
            }
        }
    }

    /// <param name="isAnswer">False: rests of what an earlier request did not read.</param>
    private int ReadAnswer(uint sequence, Reader? read, out bool isDone, out bool isAnswer)
    {
        isDone = isAnswer = false;
        nint size;
        fixed (byte* bytes = _buffer)
        {
            size = Libc.ReceiveBytes(_socket, bytes, BufferSize, 0);
        }

        if (size <= 0) return Math.Max(1, Libc.LastError);
        ReadOnlySpan<byte> datagram = _buffer.AsSpan(0, (int)size);
        while (NetlinkMessage.TryParse(datagram, out var message, out datagram))
        {
            if (message.Sequence != sequence) continue;
            isAnswer = true;
            if (message.Type == DoneMessage) isDone = true;
            else if (message.Type == ErrorMessage)
            {
                isDone = true;
                return message.Payload.Length < sizeof(int)
                    ? 1
                    : -BinaryPrimitives.ReadInt32LittleEndian(message.Payload);
            }
            else read?.Invoke(message);
        }

        return 0;
    }

    public void Dispose() => Libc.Close(_socket);
}
