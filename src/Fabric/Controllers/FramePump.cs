using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;
using Akka.Actor;

namespace Fabric.Controllers;

/// <summary>Whole OpenFlow messages, one after the other; given to the pump's owner.</summary>
public sealed record FramesReceived(byte[] Bytes, int Length);

/// <summary>The stream has ended or failed; nothing more comes.</summary>
public sealed record PumpClosed(string Reason);

/// <summary>
/// What was to be sent has been: less than <see cref="FramePump.OutboundLow"/> waits.
/// </summary>
public sealed record OutboundDrained;

/// <summary>Moves bytes between a stream and an actor, with credit in both directions.</summary>
/// <remarks>
/// Inbound: reads only while it has credit; one credit is one <see cref="FramesReceived"/>. The
/// owner grants a new one when it has dealt with the last. Outbound: the owner sees how much waits
/// (<see cref="OutboundSize"/>) and stops granting credit, or drops what may be dropped, beyond its
/// limit. Messages shorter than a header or with a length below 8 end the connection, because the
/// stream cannot be followed any more (OVS: the same).
/// </remarks>
public sealed class FramePump : IDisposable
{
    /// <summary>
    /// The buffer for reading grows to this; a frame (64 KB at most) always fits, and copies of
    /// it stay below what the runtime counts as large.
    /// </summary>
    public const int ReadSizeMax = 80 * 1024;
    private const int ReadSizeMin = 8 * 1024;
    private const int ReaderStackSize = 256 * 1024;
    public const int OutboundLow = 256 * 1024;
    public const int OutboundHigh = 1024 * 1024;

    private const int HeaderSize = 8;

    private readonly Stream _stream;
    private readonly Socket? _socket;
    private readonly IActorRef _owner;
    private readonly SemaphoreSlim _credit;
    private readonly Channel<ReadOnlyMemory<byte>> _outbound =
        Channel.CreateUnbounded<ReadOnlyMemory<byte>>(
            new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private byte[] _buffer = new byte[ReadSizeMin];
    private int _length;
    private long _outboundSize;
    private int _closed;

    /// <param name="credit">How many batches may be on their way to the owner at once.</param>
    public FramePump(Stream stream, IActorRef owner, int credit)
    {
        (_stream, _owner) = (stream, owner);
        _socket = (stream as NetworkStream)?.Socket;
        _credit = new SemaphoreSlim(credit);
    }

    /// <summary>Bytes that wait to be sent.</summary>
    public long OutboundSize => Interlocked.Read(ref _outboundSize);

    public void Start()
    {
        if (_socket is not null)
        {
            // Sends and receives that would wait say so; waiting is done by poll and by the
            // writer of what is queued.
            _socket.Blocking = false;
            new Thread(Read, ReaderStackSize) { IsBackground = true, Name = "openflow" }.Start();
        }
        else
        {
            _ = ReadAsync();
        }

        _ = WriteAsync();
    }

    /// <summary>The owner is done with one batch: read another.</summary>
    public void Grant() => _credit.Release();

    /// <summary>Sends bytes, in order.</summary>
    /// <remarks>
    /// At once while nothing is queued and the socket takes them; a copy of the rest is queued.
    /// Called by the owner only.
    /// </remarks>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_socket is not null && OutboundSize == 0 && bytes.Length > 0)
        {
            bytes = bytes[SendNow(bytes)..];
        }

        if (bytes.IsEmpty) return;
        Interlocked.Add(ref _outboundSize, bytes.Length);
        _outbound.Writer.TryWrite(bytes.ToArray());
    }

    /// <returns>How many bytes the socket has taken; a failure is the reader's to find.</returns>
    private int SendNow(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var count = _socket!.Send(bytes, SocketFlags.None, out var error);
            return error == SocketError.Success ? count : 0;
        }
        catch (ObjectDisposedException)
        {
            return bytes.Length;
        }
    }

    /// <summary>Sends what is queued, then closes.</summary>
    public void CloseAfterSending() => _outbound.Writer.TryComplete();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 2) == 2) return;
        _outbound.Writer.TryComplete();
        _stop.Cancel();
        Wake();
        _stream.Dispose();
    }

    /// <summary>
    /// Reads a plain socket on a thread of its own: a peer that waits for each answer (ovs-ofctl
    /// sends a barrier after every flow) would otherwise wait for two more threads to wake.
    /// </summary>
    private void Read()
    {
        try
        {
            while (true)
            {
                _credit.Wait(_stop.Token);
                while (!TryHandOver())
                {
                    var count = _socket!.Receive(Space(), SocketFlags.None, out var error);
                    if (error is SocketError.WouldBlock or SocketError.Interrupted)
                    {
                        _socket.Poll(Timeout.InfiniteTimeSpan, SelectMode.SelectRead);
                    }
                    else if (error != SocketError.Success)
                    {
                        Close(new SocketException((int)error).Message);
                        return;
                    }
                    else if (!Take(count))
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            Close(failure.Message);
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                await _credit.WaitAsync(_stop.Token).ConfigureAwait(false);
                while (!TryHandOver())
                {
                    Space();
                    var space = _buffer.AsMemory(_length);
                    if (!Take(await _stream.ReadAsync(space, _stop.Token).ConfigureAwait(false)))
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            Close(failure.Message);
        }
    }

    private Span<byte> Space()
    {
        if (_length == _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Min(_buffer.Length * 4, ReadSizeMax));
        }

        return _buffer.AsSpan(_length);
    }

    /// <returns>False: the stream has ended, and the owner was told.</returns>
    private bool Take(int count)
    {
        if (count == 0)
        {
            Close("connection closed by peer");
            return false;
        }

        _length += count;

        // The peer sends more than fits: read more at once from now on.
        if (_length == _buffer.Length && _buffer.Length < ReadSizeMax)
        {
            Array.Resize(ref _buffer, Math.Min(_buffer.Length * 4, ReadSizeMax));
        }

        return true;
    }

    /// <summary>Gives the owner the whole messages that are there; false: none is.</summary>
    private bool TryHandOver()
    {
        var whole = WholeFrames(_buffer.AsSpan(0, _length));
        if (whole == 0) return false;
        if (whole < 0) throw new IOException("received message with invalid length");

        // Cut to size, because a writer of small messages would otherwise make much garbage.
        var frames = _buffer.AsSpan(0, whole).ToArray();
        _buffer.AsSpan(whole, _length - whole).CopyTo(_buffer);
        _length -= whole;
        _owner.Tell(new FramesReceived(frames, whole), ActorRefs.NoSender);
        return true;
    }

    /// <summary>Bytes of the whole messages at the start; -1 if a length is impossible.</summary>
    private static int WholeFrames(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (bytes.Length - at >= HeaderSize)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < HeaderSize) return -1;
            if (at + length > bytes.Length) break;
            at += length;
        }

        return at;
    }

    private async Task WriteAsync()
    {
        try
        {
            await foreach (
                var bytes in _outbound.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
            {
                await _stream.WriteAsync(bytes, _stop.Token).ConfigureAwait(false);
                var before = Interlocked.Add(ref _outboundSize, -bytes.Length) + bytes.Length;
                if (before >= OutboundLow && before - bytes.Length < OutboundLow)
                {
                    _owner.Tell(new OutboundDrained(), ActorRefs.NoSender);
                }
            }

            Close("closed");
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            Close(failure.Message);
        }
    }

    /// <summary>Ends the reader's wait: closing a socket alone does not.</summary>
    private void Wake()
    {
        if (_socket is null) return;
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            // It was not connected any more: the reader has seen that too.
        }
    }

    private static bool IsExpected(Exception failure) => failure
        is IOException or SocketException or OperationCanceledException or ObjectDisposedException;

    private void Close(string reason)
    {
        if (Interlocked.CompareExchange(ref _closed, 1, 0) != 0) return;
        _owner.Tell(new PumpClosed(reason), ActorRefs.NoSender);
    }
}
