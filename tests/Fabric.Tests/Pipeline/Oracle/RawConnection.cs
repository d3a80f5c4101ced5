using System.Buffers.Binary;
using System.Net.Sockets;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>An OpenFlow connection that sends any bytes and says which errors came back.</summary>
internal sealed class RawConnection : IDisposable
{
    private const int HeaderSize = 8;
    private const uint BarrierXid = 0x7FFF;
    private const byte Hello = 0, Error = 1;

    private readonly Socket _socket =
        new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly OfVersion _version;
    private readonly byte _barrier;

    public RawConnection(string path, OfVersion version)
    {
        _version = version;
        _barrier = (byte)(version == OfVersion.OpenFlow10 ? 18 : 20);
        _socket.Connect(new UnixDomainSocketEndPoint(path));
        _socket.ReceiveTimeout = 10_000;
        _socket.Send(Frame(Hello, 1));
        Receive();
    }

    /// <summary>"type,code" of each error, in order; experimenters' with vendor and code.</summary>
    /// <remarks>Bundles of earlier messages may time out meanwhile: that is not counted.</remarks>
    public string ErrorsOf(byte[] frame) => string.Join(
        ' ', AnswersTo(frame).Where(answer => answer[1] == Error && XidOf(answer) == XidOf(frame))
            .Select(ErrorOf));

    /// <summary>All that comes between the bytes and the reply to a barrier behind them.</summary>
    public List<byte[]> AnswersTo(ReadOnlySpan<byte> bytes)
    {
        _socket.Send([.. bytes, .. Frame(_barrier, BarrierXid)]);
        var answers = new List<byte[]>();
        while (true)
        {
            var answer = Receive();
            if (XidOf(answer) == BarrierXid) return answers;
            answers.Add(answer);
        }
    }

    public void Dispose() => _socket.Dispose();

    private byte[] Frame(byte type, uint xid)
    {
        var frame = new byte[HeaderSize];
        frame[0] = (byte)_version;
        frame[1] = type;
        frame[3] = HeaderSize;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), xid);
        return frame;
    }

    private byte[] Receive()
    {
        var head = Exactly(HeaderSize);
        var length = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2));
        return [.. head, .. Exactly(length - HeaderSize)];
    }

    private byte[] Exactly(int size)
    {
        var bytes = new byte[size];
        for (var at = 0; at < size;)
        {
            var count = _socket.Receive(bytes, at, size - at, SocketFlags.None);
            if (count == 0) throw new IOException("the connection was closed");
            at += count;
        }

        return bytes;
    }

    private static uint XidOf(byte[] frame) =>
        BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4));

    /// <summary>What follows a vendor's error is its number, then the message.</summary>
    private static string ErrorOf(byte[] frame)
    {
        const ushort experimenter = 0xFFFF, vendor10 = 0xB0C2;
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(8));
        var code = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(10));
        return type switch
        {
            experimenter => $"{type},{code},{Convert.ToHexString(frame, 12, 4)}",
            vendor10 => $"{type},{code},{Convert.ToHexString(frame, 12, 8)}",
            _ => $"{type},{code}",
        };
    }
}
