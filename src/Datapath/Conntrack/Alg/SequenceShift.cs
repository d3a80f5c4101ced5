using System.Buffers.Binary;

namespace Fabric.Datapath;

/// <summary>
/// By how many bytes what one end sent was made longer (or shorter, negative) on its way.
/// </summary>
/// <remarks>
/// Sequence numbers up to <see cref="Position"/> (as their sender counts) are shifted by
/// <see cref="Before"/>, later ones by <see cref="After"/>: enough to treat what is sent again as
/// it
/// was treated the first time.
/// </remarks>
internal struct SequenceShift
{
    public uint Position;
    public int Before;
    public int After;

    public readonly bool IsNone => Before == 0 && After == 0;

    /// <param name="sequence">As the sender counts.</param>
    public readonly int At(uint sequence) => (int)(sequence - Position) > 0 ? After : Before;

    /// <summary>What the sender calls the number that its peer acknowledges.</summary>
    public readonly uint Unshift(uint acknowledgement)
    {
        var isLater = (int)(acknowledgement - (uint)Before - Position) > 0;
        return acknowledgement - (uint)(isLater ? After : Before);
    }

    /// <summary>
    /// The segment at 'sequence' grew by 'difference' bytes; once for each segment.
    /// </summary>
    public void Add(uint sequence, int difference)
    {
        if (difference == 0) return;
        if (Before != After && (int)(sequence - Position) <= 0) return; // Sent again.
        Position = sequence;
        Before = After;
        After += difference;
    }
}

/// <summary>TCP numbers of a connection whose payload is rewritten.</summary>
internal static class SequenceAdjustment
{
    /// <summary>The segment with its acknowledgement as the acknowledged end counts.</summary>
    public static TcpSegment Unshifted(
        this ConnectionExtra extra, in TcpSegment segment, bool isReply)
    {
        var other = isReply ? extra.ShiftOriginal : extra.ShiftReply;
        return other.IsNone || !segment.IsAck
            ? segment
            : segment with { Acknowledgement = other.Unshift(segment.Acknowledgement) };
    }

    /// <summary>Brings numbers and selective acknowledgements of a header up to date.</summary>
    /// <param name="tcp">From the TCP header on; its checksum is the caller's business.</param>
    /// <param name="own">The shift of the direction that the segment goes.</param>
    /// <returns>True when bytes changed.</returns>
    public static bool Apply(Span<byte> tcp, in SequenceShift own, in SequenceShift other)
    {
        var changed = false;
        var sequence = BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]);
        if (own.At(sequence) is var shift && shift != 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence + (uint)shift);
            changed = true;
        }

        if (other.IsNone || (tcp[13] & TcpSegment.Ack) == 0) return changed;
        var acknowledgement = BinaryPrimitives.ReadUInt32BigEndian(tcp[8..]);
        var unshifted = other.Unshift(acknowledgement);
        if (unshifted != acknowledgement)
        {
            BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], unshifted);
            changed = true;
        }

        return ApplyToSelective(tcp[20..((tcp[12] >> 4) * 4)], other) || changed;
    }

    /// <summary>Blocks of selective acknowledgements (RFC 2018), wherever they lie.</summary>
    private static bool ApplyToSelective(Span<byte> options, in SequenceShift other)
    {
        var changed = false;
        while (options.Length >= 2 && options[0] != 0)
        {
            if (options[0] == 1)
            {
                options = options[1..];
                continue;
            }

            var size = (int)options[1];
            if (size < 2 || size > options.Length) break;
            for (var at = 2; options[0] == 5 && at + 4 <= size; at += 4)
            {
                var edge = BinaryPrimitives.ReadUInt32BigEndian(options[at..]);
                BinaryPrimitives.WriteUInt32BigEndian(options[at..], other.Unshift(edge));
                changed = true;
            }

            options = options[size..];
        }

        return changed;
    }
}
