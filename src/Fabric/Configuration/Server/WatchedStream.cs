using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Fabric.Configuration;

/// <summary>The bytes of a connected socket: read and written at once wherever that is possible,
/// and otherwise as <see cref="SocketWatch"/> says.</summary>
/// <remarks>One read and one write under way at most.</remarks>
internal sealed class WatchedStream : Stream
{
    private readonly Socket _socket;
    private readonly SocketWatch.WatchedSocket _watched;

    private WatchedStream(Socket socket)
    {
        _socket = socket;
        socket.Blocking = false;
        _watched = SocketWatch.Shared.Join((int)socket.Handle);
    }

    /// <summary>
    /// The stream of 'socket', which it owns; elsewhere than on Linux the runtime's.
    /// </summary>
    public static Stream Of(Socket socket) =>
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture
            is Architecture.X64 or Architecture.Arm64
            ? new WatchedStream(socket)
            : new NetworkStream(socket, ownsSocket: true);

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;

    public override ValueTask<int> ReadAsync(
        Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return TryRead(buffer, out var size)
                ? ValueTask.FromResult(size)
                : new ValueTask<int>(ReadLaterAsync(buffer));
        }
        catch (IOException exception)
        {
            return ValueTask.FromException<int>(exception);
        }
    }

    private async Task<int> ReadLaterAsync(Memory<byte> buffer)
    {
        while (await _watched.WhenReadable().ConfigureAwait(false))
        {
            if (TryRead(buffer, out var size)) return size;
        }

        return 0;
    }

    private bool TryRead(Memory<byte> buffer, out int size)
    {
        size = _socket.Receive(buffer.Span, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock) return false;
        if (error == SocketError.Success) return true;
        throw new IOException(new SocketException((int)error).Message);
    }

    public override ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var rest = Send(buffer);
            return rest.IsEmpty ? ValueTask.CompletedTask : new(WriteLaterAsync(rest));
        }
        catch (IOException exception)
        {
            return ValueTask.FromException(exception);
        }
    }

    private async Task WriteLaterAsync(ReadOnlyMemory<byte> rest)
    {
        while (!rest.IsEmpty && await _watched.WhenWritable().ConfigureAwait(false))
        {
            rest = Send(rest);
        }
    }

    /// <returns>What did not go out yet.</returns>
    private ReadOnlyMemory<byte> Send(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var size = _socket.Send(bytes.Span, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock) break;
            if (error != SocketError.Success)
            {
                throw new IOException(new SocketException((int)error).Message);
            }

            bytes = bytes[size..];
        }

        return bytes;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _watched.Close();
            _socket.Dispose();
        }

        base.Dispose(disposing);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
