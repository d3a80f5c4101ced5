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
    /// The buffer for reading grows to this; a frame (64 KB at most) always fits.
    /// </summary>
    public const int ReadSizeMax = 128 * 1024;
    private const int ReadSizeMin = 8 * 1024;
    public const int OutboundLow = 256 * 1024;
    public const int OutboundHigh = 1024 * 1024;

    private const int HeaderSize = 8;

    private readonly Stream _stream;
    private readonly IActorRef _owner;
    private readonly SemaphoreSlim _credit;
    private readonly Channel<ReadOnlyMemory<byte>> _outbound =
        Channel.CreateUnbounded<ReadOnlyMemory<byte>>(
            new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private long _outboundSize;
    private int _closed;

    /// <param name="credit">How many batches may be on their way to the owner at once.</param>
    public FramePump(Stream stream, IActorRef owner, int credit)
    {
        (_stream, _owner) = (stream, owner);
        _credit = new SemaphoreSlim(credit);
    }

    /// <summary>Bytes that wait to be sent.</summary>
    public long OutboundSize => Interlocked.Read(ref _outboundSize);

    public void Start()
    {
        _ = ReadAsync();
        _ = WriteAsync();
    }

    /// <summary>The owner is done with one batch: read another.</summary>
    public void Grant() => _credit.Release();

    /// <summary>Queues bytes for sending, in order. The memory must not change any more.</summary>
    public void Send(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        Interlocked.Add(ref _outboundSize, bytes.Length);
        _outbound.Writer.TryWrite(bytes);
    }

    /// <summary>Sends what is queued, then closes.</summary>
    public void CloseAfterSending() => _outbound.Writer.TryComplete();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 2) == 2) return;
        _outbound.Writer.TryComplete();
        _stop.Cancel();
        _stream.Dispose();
    }

    private async Task ReadAsync()
    {
        // One buffer for the connection's life; what the owner gets is cut to size, because a
        // writer of small messages would otherwise make much garbage.
        var buffer = new byte[ReadSizeMin];
        var length = 0;
        try
        {
            while (true)
            {
                await _credit.WaitAsync(_stop.Token).ConfigureAwait(false);
                int whole;
                while ((whole = WholeFrames(buffer.AsSpan(0, length))) == 0)
                {
                    if (length == buffer.Length)
                    {
                        Array.Resize(ref buffer, Math.Min(buffer.Length * 4, ReadSizeMax));
                    }

                    var space = buffer.AsMemory(length);
                    var count = await _stream.ReadAsync(space, _stop.Token).ConfigureAwait(false);
                    if (count == 0)
                    {
                        Close("connection closed by peer");
                        return;
                    }

                    length += count;
                }

                if (whole < 0)
                {
                    Close("received message with invalid length");
                    return;
                }

                var frames = buffer.AsSpan(0, whole).ToArray();
                buffer.AsSpan(whole, length - whole).CopyTo(buffer);
                length -= whole;
                _owner.Tell(new FramesReceived(frames, whole), ActorRefs.NoSender);
            }
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            Close(failure.Message);
        }
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

    private static bool IsExpected(Exception failure) => failure
        is IOException or SocketException or OperationCanceledException or ObjectDisposedException;

    private void Close(string reason)
    {
        if (Interlocked.CompareExchange(ref _closed, 1, 0) != 0) return;
        _owner.Tell(new PumpClosed(reason), ActorRefs.NoSender);
    }
}
