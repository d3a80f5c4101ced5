using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Threading.Channels;
using Akka.Remote.Wire;

namespace Akka.Remote.Transport;

/// <summary>Frames over a stream: 4 bytes length, little-endian, then the frame.</summary>
/// <remarks>
/// A frame above the limit is skipped without being stored, counted, and the connection goes on;
/// one that claims more than <see cref="SkippedSizeMax"/> is not a frame, and the connection ends.
/// Frames that are queued together are flushed together.
/// </remarks>
internal sealed class TcpConnection : IRemoteConnection
{
    private const int SkippedSizeMax = 64 * 1024 * 1024;
    private const int FlushSize = 64 * 1024;

    private readonly Stream _stream;
    private readonly int _frameSizeMax;
    private readonly Channel<byte[]> _outbound;
    private readonly CancellationTokenSource _closing = new();
    private string? _closeReason;
    private int _isClosed;
    private Action<string>? _closed;

    public TcpConnection(
        Stream stream, string peerName, PeerIdentity identity, int frameSizeMax, int queueSize)
    {
        _stream = stream;
        Identity = identity;
        PeerName = peerName;
        _frameSizeMax = frameSizeMax;
        _outbound = Channel.CreateBounded<byte[]>(
            new BoundedChannelOptions(queueSize) { SingleReader = true });
    }

    public string PeerName { get; }

    public PeerIdentity Identity { get; }

    public void Start(FrameHandler received, Action<string> closed)
    {
        _closed = closed;
        _ = Write();
        _ = Read(received);
    }

    public bool TrySend(byte[] frame) => _outbound.Writer.TryWrite(frame);

    public void Close(string reason)
    {
        _closeReason ??= reason;
        _outbound.Writer.TryComplete();
    }

    private async Task Write()
    {
        var reason = "closed";
        try
        {
            var writer = PipeWriter.Create(_stream, new StreamPipeWriterOptions(leaveOpen: true));
            while (await _outbound.Reader.WaitToReadAsync(_closing.Token).ConfigureAwait(false))
            {
                while (_outbound.Reader.TryRead(out var frame))
                {
                    BinaryPrimitives.WriteInt32LittleEndian(writer.GetSpan(4), frame.Length);
                    writer.Advance(4);
                    writer.Write(frame);
                    if (writer.UnflushedBytes >= FlushSize)
                    {
                        await writer.FlushAsync(_closing.Token).ConfigureAwait(false);
                    }
                }

                await writer.FlushAsync(_closing.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (IsExpected(e))
        {
            reason = e.Message;
        }

        End(_closeReason ?? reason);
    }

    private async Task Read(FrameHandler received)
    {
        var reason = "the peer closed the connection";
        try
        {
            var reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(
                bufferSize: 64 * 1024, minimumReadSize: 4096, leaveOpen: true));
            var skip = 0L;
            while (true)
            {
                var result = await reader.ReadAsync(_closing.Token).ConfigureAwait(false);
                var buffer = result.Buffer;
                if (!TakeFrames(ref buffer, ref skip, received))
                {
                    reason = "malformed frame";
                    break;
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted) break;
            }
        }
        catch (Exception e) when (IsExpected(e))
        {
            reason = e.Message;
        }

        End(_closeReason ?? reason);
    }

    /// <returns>False if what came is not frames.</returns>
    private bool TakeFrames(ref ReadOnlySequence<byte> buffer, ref long skip, FrameHandler received)
    {
        Span<byte> prefix = stackalloc byte[4];
        while (true)
        {
            if (skip > 0)
            {
                var skipped = Math.Min(skip, buffer.Length);
                buffer = buffer.Slice(skipped);
                skip -= skipped;
                if (skip > 0) return true;
            }

            if (buffer.Length < 4) return true;
            buffer.Slice(0, 4).CopyTo(prefix);
            var size = BinaryPrimitives.ReadInt32LittleEndian(prefix);
            if (size is <= 0 or > SkippedSizeMax)
            {
                WireCounters.MalformedFrames.Increment();
                return false;
            }

            if (size > _frameSizeMax)
            {
                WireCounters.OversizeFramesIn.Increment();
                buffer = buffer.Slice(4);
                skip = size;
                continue;
            }

            if (buffer.Length < 4 + size) return true;
            var frame = buffer.Slice(4, size);
            if (frame.IsSingleSegment) received(frame.FirstSpan);
            else received(frame.ToArray());
            buffer = buffer.Slice(4 + size);
        }
    }

    private static bool IsExpected(Exception e) =>
        e is IOException or OperationCanceledException or ObjectDisposedException
            or System.Net.Sockets.SocketException or InvalidOperationException;

    private void End(string reason)
    {
        _outbound.Writer.TryComplete();
        if (Interlocked.Exchange(ref _isClosed, 1) != 0) return;
        _closing.Cancel();
        _stream.Dispose();
        _closed?.Invoke(reason);
    }
}
