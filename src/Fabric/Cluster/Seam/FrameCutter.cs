using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>Cuts the messages of one life of a host into frames.</summary>
/// <remarks>
/// Messages are numbered from the incarnation on: what is left of a message that a host began
/// before it was started anew is never taken for a part of another one.
/// </remarks>
public sealed class FrameCutter(string host, long incarnation)
{
    private long _messageId = incarnation << 32;

    public ImmutableArray<HostFrame> Cut(ReadOnlyMemory<byte> bytes)
    {
        var id = ++_messageId;
        var count = Math.Max(1, (bytes.Length + LogLimits.ChunkSize - 1) / LogLimits.ChunkSize);
        var frames = ImmutableArray.CreateBuilder<HostFrame>(count);
        for (var i = 0; i < count; i++)
        {
            var start = i * LogLimits.ChunkSize;
            var size = Math.Min(LogLimits.ChunkSize, bytes.Length - start);
            frames.Add(new HostFrame(host, id, i, count, bytes.Slice(start, size)));
        }

        return frames.MoveToImmutable();
    }
}
