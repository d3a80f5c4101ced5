using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Control channels: what they announce is expected, and translated inside.</summary>
public sealed partial class ConntrackTable
{
    /// <summary>Lines of one packet that are looked at.</summary>
    private const int FtpLinesMax = 64;

    private static bool Assists(string helper, in ConntrackKey tuple) => helper switch
    {
        "ftp" => tuple.Protocol == ConntrackKey.ProtocolTcp,
        "tftp" => tuple.Protocol == ConntrackKey.ProtocolUdp,
        _ => false,
    };

    /// <summary>Reads a packet of a control channel.</summary>
    /// <returns>True when bytes of the packet changed.</returns>
    private bool Assist(ref TrackingRun run)
    {
        var connection = run.Connection;
        if ((run.State & ConntrackState.Invalid) != 0) return false;
        // A translated channel's lines make sense only where they are translated.
        if (connection.Nat != NatType.None && run.Action.Nat is null) return false;
        connection.Enter();
        try
        {
            if (connection.Extra!.Helper == "ftp") return AssistFtp(ref run);
            if (!run.IsReply) AssistTftp(ref run);
            return false;
        }
        finally
        {
            connection.Leave();
        }
    }

    private bool AssistFtp(ref TrackingRun run)
    {
        var extra = run.Connection.Extra!;
        var segment = run.Tracked.ReadTcp();
        ref var lines = ref run.IsReply ? ref extra.FtpReply : ref extra.FtpOriginal;
        ref var own = ref run.IsReply ? ref extra.ShiftReply : ref extra.ShiftOriginal;
        ref var other = ref run.IsReply ? ref extra.ShiftOriginal : ref extra.ShiftReply;

        var grown = segment.PayloadSize > 0
            ? ReadLines(ref run, segment, ref lines)
            : new Growth(0, false);
        var changed = SequenceAdjustment.Apply(run.Tracked.Transport, own, other) || grown.Changed;
        own.Add(segment.Sequence, grown.Size);
        if (changed) SumTransport(ref run);
        return changed;
    }

    /// <summary>By how many bytes a payload grew, and whether it is another now.</summary>
    private readonly record struct Growth(int Size, bool Changed);

    private Growth ReadLines(
        ref TrackingRun run, in TcpSegment segment, ref FtpLineState state)
    {
        var size = segment.PayloadSize;
        var header = run.Tracked.Transport.Length - size;
        var at = 0;
        if (state.NextSequence == segment.Sequence && (state.Head is not null || state.IsSkipping))
        {
            at = FinishLine(ref run, header, ref state);
        }

        var growth = new Growth(0, false);
        for (var count = 0; count < FtpLinesMax; count++)
        {
            var payload = run.Tracked.Transport[header..];
            var end = payload[at..].IndexOf((byte)'\n');
            if (end < 0) break;
            var kind = FtpLine.Read(payload.Slice(at, end), run.IsReply, out var line);
            if (kind == FtpLineKind.Malformed) RefuseLine(ref run);
            var grown = kind is FtpLineKind.Other or FtpLineKind.Malformed
                ? default
                : Announce(ref run, line, header + at, isWhole: true);
            growth = new Growth(growth.Size + grown.Size, growth.Changed || grown.Changed);
            at += end + 1 + grown.Size;
        }

        var rest = run.Tracked.Transport[(header + at)..];
        if (rest.Contains((byte)'\n')) rest = default; // More lines than are looked at.
        var isPending = state.NextSequence == segment.Sequence && at == 0;
        Hold(ref state, isPending, rest, segment.Sequence + (uint)size);
        return growth;
    }

    /// <summary>Keeps the beginning of a line, up to the length that one of interest has.</summary>
    /// <param name="isPending">What is held already goes on with this.</param>
    private static void Hold(
        ref FtpLineState state, bool isPending, ReadOnlySpan<byte> rest, uint nextSequence)
    {
        if (!isPending) state = default;
        state.NextSequence = nextSequence;
        if (rest.IsEmpty) return;
        var head = state.Head ?? [];
        state.IsSkipping |= head.Length + rest.Length > FtpLine.SizeMax;
        state.Head = state.IsSkipping ? null : [.. head, .. rest];
    }

    /// <summary>A line that began in an earlier segment: it can be read, not rewritten.</summary>
    /// <returns>Where the next line begins in the payload.</returns>
    private int FinishLine(ref TrackingRun run, int header, ref FtpLineState state)
    {
        var payload = run.Tracked.Transport[header..];
        var end = payload.IndexOf((byte)'\n');
        var head = state.Head ?? [];
        var isShort = head.Length + (end < 0 ? payload.Length : end) <= FtpLine.SizeMax;
        if (end < 0) return 0; // Still no end.

        if (!state.IsSkipping && isShort)
        {
            var kind = FtpLine.Read(
                [.. head, .. payload[..end]], run.IsReply, out var line);
            if (kind == FtpLineKind.Malformed) RefuseLine(ref run);
            else if (kind != FtpLineKind.Other) Announce(ref run, line, 0, isWhole: false);
        }

        return end + 1;
    }

    /// <summary>Notes the announced connection; rewrites the line for the other end.</summary>
    /// <param name="start">Where the line begins in the transport header's span.</param>
    private Growth Announce(ref TrackingRun run, in FtpLine line, int start, bool isWhole)
    {
        var control = run.Connection;
        var isFromServer = !run.IsReply;
        var announcer = isFromServer ? control.Original.Source : control.Reply.Source;
        if (line.Address is not null
            && !ConntrackKey.FromAddress(line.Address).Equals(announcer))
        {
            RefuseLine(ref run); // A line that would open a way to a third party.
            return default;
        }

        var key = isFromServer ? control.Original.Reversed() : control.Original;
        if (isFromServer)
        {
            key.Source = control.Reply.Source;
            key.Destination = control.Reply.Destination;
        }

        var realPortWire = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(line.Port);
        key.PortSourceWire = 0;
        key.PortDestinationWire = realPortWire;
        var isTranslated = !key.Destination.Equals(announcer);
        if (!TryExpect(run, key, realPortWire, isFromServer, isTranslated && isWhole, out var port))
        {
            CountRefusal(DropReason.ConntrackAlg);
            return default;
        }

        if (!isTranslated) return default;
        if (!isWhole)
        {
            RefuseLine(ref run); // Its beginning has left already with the wrong address.
            return default;
        }

        if (line.Address is null && port == line.Port) return default;
        var text = line.TextFor(key.DestinationAddress, port);
        return new Growth(Replace(ref run, start + line.At, line.Size, text), true);
    }

    /// <param name="mayMove">
    /// Another port may be given out when this one is expected already.
    /// </param>
    private bool TryExpect(
        in TrackingRun run, ConntrackKey key, ushort realPortWire, bool isFromServer, bool mayMove,
        out ushort port)
    {
        port = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(key.PortDestinationWire);
        var control = run.Connection;
        for (var tries = 0; tries < (mayMove ? 128 : 1); tries++)
        {
            if (port < 1024 && tries > 0) port = 1024;
            key.PortDestinationWire =
                System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(port);
            if (_expectations.TryAdd(new Expectation(control)
            {
                Key = key,
                RealPortWire = realPortWire,
                ExpiresAt = run.Now + ExpectationTable.LifeMilliseconds,
                IsFromServer = isFromServer,
            }))
            {
                // Another thread may have ended the channel meanwhile.
                if (control.IsRemoved) _expectations.RemoveAll(control);
                return true;
            }

            port++;
        }

        return false;
    }

    /// <summary>A read or write request: its answer comes from another port (RFC 1350).</summary>
    private void AssistTftp(ref TrackingRun run)
    {
        var payload = run.Tracked.Transport[8..];
        if (payload.Length < 4 || payload[0] != 0 || payload[1] is not (1 or 2)) return;
        var control = run.Connection;
        var key = control.Reply;
        key.PortSourceWire = 0;
        // The data comes to the port that NAT gave out, and goes to the client's own.
        if (!TryExpect(run, key, control.Original.PortSourceWire, true, false, out _))
        {
            CountRefusal(DropReason.ConntrackAlg);
        }
    }

    private void RefuseLine(ref TrackingRun run)
    {
        CountRefusal(DropReason.ConntrackAlg);
        run.State = ConntrackState.Invalid | ConntrackState.Tracked;
    }
}
