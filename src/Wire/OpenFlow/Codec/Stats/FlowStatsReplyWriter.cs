namespace Fabric.Wire.OpenFlow;

/// <summary>A flow statistics reply of any length, flow by flow.</summary>
/// <remarks>
/// <see cref="Whole"/> may be sent and forgotten at any time, so that a table of any size takes the
/// memory of a message or two.
/// </remarks>
public sealed class FlowStatsReplyWriter
{
    private readonly OfWriter _writer;
    private readonly OfCodecContext _context;
    private readonly bool _isNicira;
    private readonly ReplyParts _parts;

    /// <param name="writer">Empty; whatever it holds is part of the reply.</param>
    /// <param name="isNicira">NXST_FLOW.</param>
    public FlowStatsReplyWriter(
        OfWriter writer, bool isNicira, in OfCodecContext context, uint xid)
    {
        (_writer, _isNicira, _context) = (writer, isNicira, context);
        _parts = new ReplyParts(writer, new OfFlowStatsReply([], isNicira), context, xid);
    }

    /// <summary>The messages that are complete; others follow.</summary>
    public ReadOnlySpan<byte> Whole => _writer.Written[.._parts.Start];

    public void Add(OfFlowStats flow)
    {
        _parts.Begin();
        FlowStatsCodec.Write(_writer, flow, in _context, _isNicira);
        _parts.End();
    }

    /// <summary><see cref="Whole"/> has been sent.</summary>
    public void ForgetWhole() => _parts.ForgetWhole();

    /// <summary>No flow follows: all that the writer holds is whole.</summary>
    public void Finish() => _parts.Finish();
}
