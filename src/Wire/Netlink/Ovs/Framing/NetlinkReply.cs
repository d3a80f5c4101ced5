using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

public enum NetlinkReplyKind : byte
{
    /// <summary>OVSEXT: no bytes at all, the request was carried out.</summary>
    Empty,
    /// <summary>An error message with code 0.</summary>
    Acknowledged,
    Error,
    /// <summary>The end of a dump.</summary>
    Done,
    /// <summary>A message of a family: the answer itself.</summary>
    Message,
    /// <summary>An answer to another request; to be skipped.</summary>
    Foreign,
}

/// <summary>What came back for a request, linux/netlink.h "struct nlmsgerr".</summary>
/// <param name="Code">
/// Positive error number as the sender counts: Linux's on Linux, MSVC's from OVSEXT
/// (<see cref="OvsErrorCatalogue"/>). 0 unless the kind is Error.
/// </param>
public readonly record struct NetlinkReply(NetlinkReplyKind Kind, int Code)
{
    /// <summary>Bytes of an error message: two netlink headers and the code.</summary>
    public const int ErrorSize = NetlinkMessage.HeaderSize + CodeSize + NetlinkMessage.HeaderSize;

    private const int CodeSize = 4;

    /// <summary>Says what the first message of 'bytes' is; false when it cannot be read.</summary>
    /// <remarks>
    /// The sequence number 0 is that of events: they count as Foreign to every other sequence.
    /// </remarks>
    public static bool TryParse(
        ReadOnlySpan<byte> bytes, uint sequence, out NetlinkReply reply, out NetlinkFault fault)
    {
        reply = default;
        fault = default;
        if (bytes.IsEmpty) return true;
        if (!NetlinkMessage.TryParse(bytes, out var message, out _))
        {
            fault = new NetlinkFault(NetlinkFaultKind.Length, "reply");
            return false;
        }

        if (message.Sequence != sequence)
        {
            reply = new NetlinkReply(NetlinkReplyKind.Foreign, 0);
            return true;
        }

        return TryClassify(message, out reply, out fault);
    }

    /// <summary>Writes an error message as the driver does: the request's header follows.</summary>
    /// <param name="request">The request's bytes; its first 16 are repeated.</param>
    /// <param name="code">Positive error number in the reader's numbering, 0 to acknowledge.
    /// </param>
    public static void WriteError(
        ref NetlinkWriter writer, ReadOnlySpan<byte> request, int code, uint sequence, uint portId)
    {
        Span<byte> body = stackalloc byte[CodeSize + NetlinkMessage.HeaderSize];
        body.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(body, -code);
        request[..Math.Min(request.Length, NetlinkMessage.HeaderSize)].CopyTo(body[CodeSize..]);
        var start = writer.BeginMessage(NetlinkType.Error, 0, sequence, portId, body);
        writer.EndMessage(start);
    }

    /// <summary>Writes the end of a dump that ends with a message (OVSEXT: flows only).</summary>
    public static void WriteDone(ref NetlinkWriter writer, uint sequence, uint portId)
    {
        Span<byte> status = stackalloc byte[CodeSize];
        status.Clear();
        var start = writer.BeginMessage(
            NetlinkType.Done, NetlinkFlags.Multi, sequence, portId, status);
        writer.EndMessage(start);
    }

    internal static bool TryClassify(
        NetlinkMessage message, out NetlinkReply reply, out NetlinkFault fault)
    {
        reply = default;
        fault = default;
        if (message.Type == NetlinkType.Done)
        {
            reply = new NetlinkReply(NetlinkReplyKind.Done, 0);
        }
        else if (message.Type == NetlinkType.Error)
        {
            if (message.Payload.Length < CodeSize)
            {
                fault = new NetlinkFault(NetlinkFaultKind.Truncated, "error reply");
                return false;
            }

            var code = BinaryPrimitives.ReadInt32LittleEndian(message.Payload);
            if (code is > 0 or int.MinValue)
            {
                fault = new NetlinkFault(NetlinkFaultKind.Value, "error reply");
                return false;
            }

            var kind = code == 0 ? NetlinkReplyKind.Acknowledged : NetlinkReplyKind.Error;
            reply = new NetlinkReply(kind, -code);
        }
        else
        {
            reply = message.Type < NetlinkType.Min
                ? new NetlinkReply(NetlinkReplyKind.Foreign, 0)
                : new NetlinkReply(NetlinkReplyKind.Message, 0);
        }

        return true;
    }
}
