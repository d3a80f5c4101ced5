namespace Fabric.Wire.OpenFlow;

/// <summary>The messages of one reply: entries that do not fit begin the next one.</summary>
internal sealed class ReplyParts
{
    private const ushort More = 1;

    private readonly OfWriter _writer;
    private readonly OfStatsReply _reply;
    private readonly OfCodecContext _context;
    private readonly uint _xid;
    private int _entry;

    public ReplyParts(OfWriter writer, OfStatsReply reply, OfCodecContext context, uint xid)
    {
        (_writer, _reply, _context, _xid) = (writer, reply, context, xid);
        Open();
    }

    /// <summary>Where the message begins that is being written.</summary>
    public int Start { get; private set; }

    public void Begin() => _entry = _writer.Length;

    public void End()
    {
        if (_writer.Length - Start <= ushort.MaxValue) return;
        var entry = _writer.Written[_entry..].ToArray();
        _writer.Truncate(_entry);
        Close(More);
        Open();
        _entry = _writer.Length;
        _writer.Bytes(entry);
    }

    public void Finish() => Close(_reply.HasMore ? More : (ushort)0);

    /// <summary>Makes room: the messages before the one that is being written are gone.</summary>
    public void ForgetWhole()
    {
        _writer.RemoveFirst(Start);
        Start = 0;
    }

    private void Open()
    {
        Start = OfEncoder.BeginStats(_writer, OfType.StatsReply, _reply, in _context, _xid);
    }

    private void Close(ushort flags)
    {
        _writer.PatchU16(Start + 2, _writer.Length - Start);
        _writer.PatchU16(Start + OfHeader.Size + 2, flags);
    }
}
