namespace Fabric.Wire.Netlink;

public enum NetlinkDumpState : byte { Running, Ended, Failed }

/// <summary>Takes one message of a dump; false with the fault when it cannot be read.</summary>
/// <param name="message">The whole message, headers included.</param>
public delegate bool NetlinkVisitor(ReadOnlySpan<byte> message, out NetlinkFault fault);

/// <summary>
/// One dump: takes what each read brings and says whether to read again.
/// </summary>
/// <remarks>
/// Three ends exist: a Done message (Linux; OVSEXT's flow dump), a read of 0 bytes (OVSEXT's
/// vport, datapath and conntrack dumps, which bring one message a read) and an error. Messages
/// with another sequence number are counted and skipped, and so is a message that the visitor
/// refuses: one bad flow does not hide the others.
/// </remarks>
public sealed class NetlinkDump(uint sequence)
{
    public NetlinkDumpState State { get; private set; }

    /// <summary>Error number in the sender's numbering once the state is Failed, or 0 when it
    /// failed for bytes that cannot be framed.</summary>
    public int ErrorCode { get; private set; }

    public int MessageCount { get; private set; }
    public int ForeignCount { get; private set; }
    public int RefusedCount { get; private set; }

    /// <summary>The last fault seen, of framing or of the visitor.</summary>
    public NetlinkFault Fault { get; private set; }

    /// <summary>Takes the bytes of one read; true: read again.</summary>
    public bool Accept(ReadOnlySpan<byte> bytes, NetlinkVisitor visit)
    {
        if (State != NetlinkDumpState.Running) return false;
        if (bytes.IsEmpty)
        {
            State = NetlinkDumpState.Ended;
            return false;
        }

        while (State == NetlinkDumpState.Running && !bytes.IsEmpty)
        {
            if (!NetlinkMessage.TryParse(bytes, out var message, out var rest))
            {
                Fail(new NetlinkFault(NetlinkFaultKind.Length, "dump"));
                return false;
            }

            var size = NetlinkMessage.HeaderSize + message.Payload.Length;
            Take(message, bytes[..size], visit);
            bytes = rest;
        }

        return State == NetlinkDumpState.Running;
    }

    private void Take(NetlinkMessage message, ReadOnlySpan<byte> bytes, NetlinkVisitor visit)
    {
        if (message.Sequence != sequence)
        {
            ForeignCount++;
            return;
        }

        if (!NetlinkReply.TryClassify(message, out var reply, out var fault))
        {
            Fail(fault);
            return;
        }

        switch (reply.Kind)
        {
            case NetlinkReplyKind.Done or NetlinkReplyKind.Acknowledged:
                State = NetlinkDumpState.Ended;
                break;

            case NetlinkReplyKind.Error:
                ErrorCode = reply.Code;
                State = NetlinkDumpState.Failed;
                break;

            case NetlinkReplyKind.Message:
                MessageCount++;
                if (visit(bytes, out fault)) break;
                RefusedCount++;
                Fault = fault;
                break;

            default:
                ForeignCount++;
                break;
        }
    }

    private void Fail(NetlinkFault fault)
    {
        Fault = fault;
        State = NetlinkDumpState.Failed;
    }
}
