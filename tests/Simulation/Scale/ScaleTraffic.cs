using System.Globalization;
using Akka.Actor;
using Akka.Remote.Wire;

namespace Fabric.Simulation;

/// <summary>What kinds of messages a fleet's bytes are of.</summary>
internal sealed class ScaleTraffic
{
    private const int KindsShown = 12;

    private readonly Dictionary<string, (long Frames, long Bytes)> _kinds =
        new(StringComparer.Ordinal);

    public void Count(Address from, Address to, ReadOnlyMemory<byte> frame)
    {
        var kind = KindOf(frame.Span);
        var (frames, bytes) = _kinds.GetValueOrDefault(kind);
        _kinds[kind] = (frames + 1, bytes + frame.Length);
    }

    /// <summary>The largest kinds since this was asked last, one a line.</summary>
    public IReadOnlyList<string> Take()
    {
        var lines = _kinds.OrderByDescending(pair => pair.Value.Bytes).Take(KindsShown)
            .Select(pair => string.Create(
                CultureInfo.InvariantCulture,
                $"    {pair.Key,-38} {pair.Value.Frames,12} frames "
                + $"{pair.Value.Bytes / 1024,12} KiB")).ToList();
        _kinds.Clear();
        return lines;
    }

    private static string KindOf(ReadOnlySpan<byte> frame)
    {
        var kind = (FrameKind)frame[0];
        return kind is FrameKind.Message or FrameKind.SystemMessage
            && Frame.TryReadMessage(frame[1..], out var message)
            ? $"{message.Recipient.Split('#')[0]} {message.Manifest}"
            : kind.ToString();
    }
}
