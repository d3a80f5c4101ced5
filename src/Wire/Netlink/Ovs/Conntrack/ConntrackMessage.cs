using System.Net;

namespace Fabric.Wire.Netlink;

/// <summary>One direction of a connection: CTA_TUPLE_*.</summary>
/// <remarks>ICMP and ICMPv6 use their own attributes, told apart by the protocol.</remarks>
public sealed record OvsConntrackTuple(
    IPAddress? Source, IPAddress? Destination, byte? Protocol, ushort? PortSource = null,
    ushort? PortDestination = null, ushort? IcmpId = null, byte? IcmpType = null,
    byte? IcmpCode = null);

public sealed record OvsConntrackCounters(ulong Packets, ulong Bytes);

/// <summary>
/// A message of the connection tracker: an entry of a dump, an event, a get or a delete.
/// </summary>
/// <remarks>
/// linux/netfilter/nfnetlink_conntrack.h. Type is subsystem 1, command. Linux has a header of
/// 4 bytes (struct nfgenmsg), OVSEXT one of 8: the same and the datapath index. NEW with the
/// create flag is a new connection, NEW without it an update, DELETE one that is gone.
/// A delete without tuple and zone flushes all; OVSEXT takes zone 0 for all zones, too.
/// </remarks>
public sealed record ConntrackMessage
{
    private const byte Subsystem = 1;
    private const int LinuxHeaderSize = 4;
    private const int OvsextHeaderSize = 8;

    public byte Command { get; init; }
    public ushort Flags { get; init; }
    public uint Sequence { get; init; }
    public uint PortId { get; init; }

    /// <summary>AF_INET 2, AF_INET6 10 (Linux) or 23 (Windows), 0: any.</summary>
    public byte AddressFamily { get; init; }

    public OvsConntrackTuple? Original { get; init; }
    public OvsConntrackTuple? Reply { get; init; }
    public OvsConntrackTuple? Master { get; init; }
    public uint? Status { get; init; }

    /// <summary>Numbered by dialect: <see cref="ConntrackCatalogue"/>.</summary>
    public byte? TcpState { get; init; }

    public string? Helper { get; init; }
    public uint? TimeoutSeconds { get; init; }
    public uint? Mark { get; init; }
    public uint? MarkMask { get; init; }
    public OvsConntrackCounters? CountersOriginal { get; init; }
    public OvsConntrackCounters? CountersReply { get; init; }
    public uint? Id { get; init; }
    public ushort? Zone { get; init; }
    public ulong? StartNanoseconds { get; init; }
    public UInt128? Labels { get; init; }
    public UInt128? LabelsMask { get; init; }

    public static bool TryParse(
        ReadOnlySpan<byte> bytes, NetlinkDialect dialect, out ConntrackMessage value,
        out NetlinkFault fault)
    {
        value = new ConntrackMessage();
        var headerSize = HeaderSize(dialect);
        if (!NetlinkMessage.TryParse(bytes, out var message, out _))
        {
            fault = new NetlinkFault(NetlinkFaultKind.Length, "conntrack");
            return false;
        }

        if (message.Type >> 8 != Subsystem)
        {
            fault = new NetlinkFault(NetlinkFaultKind.Kind, "conntrack");
            return false;
        }

        if (message.Payload.Length < headerSize)
        {
            fault = new NetlinkFault(NetlinkFaultKind.Truncated, "conntrack");
            return false;
        }

        value = new ConntrackMessage
        {
            Command = (byte)message.Type,
            Flags = message.Flags,
            Sequence = message.Sequence,
            PortId = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]),
            AddressFamily = message.Payload[0],
        };
        var reader = new NetlinkAttributeReader(message.Payload[headerSize..], "conntrack");
        while (reader.TryNext()) value = value.With(ref reader);
        return reader.IsSound(out fault);
    }

    public void Write(ref NetlinkWriter writer, NetlinkDialect dialect)
    {
        Span<byte> header = stackalloc byte[HeaderSize(dialect)];
        header.Clear();
        header[0] = AddressFamily;
        var type = (ushort)((Subsystem << 8) | Command);
        var start = writer.BeginMessage(type, Flags, Sequence, PortId, header);
        ConntrackTupleCodec.Write(ref writer, ConntrackAttribute.TupleOriginal, Original);
        ConntrackTupleCodec.Write(ref writer, ConntrackAttribute.TupleReply, Reply);
        if (Status is { } status) writer.PutBigUInt32(ConntrackAttribute.Status, status);
        if (TcpState is { } state)
        {
            var info = writer.Begin(ConntrackAttribute.ProtocolInfo);
            var tcp = writer.Begin(ConntrackDetailAttribute.ProtocolTcp);
            writer.PutUInt8(ConntrackDetailAttribute.TcpState, state);
            writer.End(tcp);
            writer.End(info);
        }

        if (Helper is { } helper)
        {
            var help = writer.Begin(ConntrackAttribute.Help);
            writer.PutText(ConntrackDetailAttribute.HelperName, helper);
            writer.End(help);
        }

        if (TimeoutSeconds is { } left) writer.PutBigUInt32(ConntrackAttribute.Timeout, left);
        if (Mark is { } mark) writer.PutBigUInt32(ConntrackAttribute.Mark, mark);
        Write(ref writer, ConntrackAttribute.CountersOriginal, CountersOriginal);
        Write(ref writer, ConntrackAttribute.CountersReply, CountersReply);
        if (Id is { } id) writer.PutBigUInt32(ConntrackAttribute.Id, id);
        ConntrackTupleCodec.Write(ref writer, ConntrackAttribute.TupleMaster, Master);
        if (Zone is { } zone) writer.PutBigUInt16(ConntrackAttribute.Zone, zone);
        if (StartNanoseconds is { } since)
        {
            var stamp = writer.Begin(ConntrackAttribute.Timestamp);
            writer.PutBigUInt64(ConntrackDetailAttribute.Start, since);
            writer.End(stamp);
        }

        if (MarkMask is { } mask) writer.PutBigUInt32(ConntrackAttribute.MarkMask, mask);
        if (Labels is { } labels) writer.PutLabel(ConntrackAttribute.Labels, labels);
        if (LabelsMask is { } bits) writer.PutLabel(ConntrackAttribute.LabelsMask, bits);
        writer.EndMessage(start);
    }

    private ConntrackMessage With(ref NetlinkAttributeReader reader) => reader.Type switch
    {
        ConntrackAttribute.TupleOriginal => this with
        {
            Original = ConntrackTupleCodec.Read(ref reader),
        },
        ConntrackAttribute.TupleReply => this with
        {
            Reply = ConntrackTupleCodec.Read(ref reader),
        },
        ConntrackAttribute.TupleMaster => this with
        {
            Master = ConntrackTupleCodec.Read(ref reader),
        },
        ConntrackAttribute.Status => this with { Status = reader.BigUInt32() },
        ConntrackAttribute.ProtocolInfo => this with { TcpState = State(ref reader) },
        ConntrackAttribute.Help => this with { Helper = HelperOf(ref reader) },
        ConntrackAttribute.Timeout => this with { TimeoutSeconds = reader.BigUInt32() },
        ConntrackAttribute.Mark => this with { Mark = reader.BigUInt32() },
        ConntrackAttribute.MarkMask => this with { MarkMask = reader.BigUInt32() },
        ConntrackAttribute.CountersOriginal => this with
        {
            CountersOriginal = Counters(ref reader),
        },
        ConntrackAttribute.CountersReply => this with { CountersReply = Counters(ref reader) },
        ConntrackAttribute.Id => this with { Id = reader.BigUInt32() },
        ConntrackAttribute.Zone => this with { Zone = reader.BigUInt16() },
        ConntrackAttribute.Timestamp => this with { StartNanoseconds = Start(ref reader) },
        ConntrackAttribute.Labels => this with { Labels = reader.Label() },
        ConntrackAttribute.LabelsMask => this with { LabelsMask = reader.Label() },
        _ => this,
    };

    private static byte? State(ref NetlinkAttributeReader outer)
    {
        byte? state = null;
        var reader = new NetlinkAttributeReader(outer.Value, "protocol info");
        while (reader.TryNext())
        {
            if (reader.Type != ConntrackDetailAttribute.ProtocolTcp) continue;
            var tcp = new NetlinkAttributeReader(reader.Value, "tcp info");
            while (tcp.TryNext())
            {
                if (tcp.Type == ConntrackDetailAttribute.TcpState) state = tcp.UInt8();
            }

            if (!tcp.IsSound(out var inside)) reader.Refuse(in inside);
        }

        if (!reader.IsSound(out var fault)) outer.Refuse(in fault);
        return state;
    }

    private static string? HelperOf(ref NetlinkAttributeReader outer)
    {
        string? name = null;
        var reader = new NetlinkAttributeReader(outer.Value, "helper");
        while (reader.TryNext())
        {
            if (reader.Type == ConntrackDetailAttribute.HelperName) name = reader.Text();
        }

        if (!reader.IsSound(out var fault)) outer.Refuse(in fault);
        return name;
    }

    private static OvsConntrackCounters Counters(ref NetlinkAttributeReader outer)
    {
        var counters = new OvsConntrackCounters(0, 0);
        var reader = new NetlinkAttributeReader(outer.Value, "counters");
        while (reader.TryNext())
        {
            counters = reader.Type switch
            {
                ConntrackDetailAttribute.Packets => counters with { Packets = reader.BigUInt64() },
                ConntrackDetailAttribute.Bytes => counters with { Bytes = reader.BigUInt64() },
                _ => counters,
            };
        }

        if (!reader.IsSound(out var fault)) outer.Refuse(in fault);
        return counters;
    }

    private static ulong? Start(ref NetlinkAttributeReader outer)
    {
        ulong? start = null;
        var reader = new NetlinkAttributeReader(outer.Value, "timestamp");
        while (reader.TryNext())
        {
            if (reader.Type == ConntrackDetailAttribute.Start) start = reader.BigUInt64();
        }

        if (!reader.IsSound(out var fault)) outer.Refuse(in fault);
        return start;
    }

    private static void Write(
        ref NetlinkWriter writer, ushort type, OvsConntrackCounters? counters)
    {
        if (counters is null) return;
        var nest = writer.Begin(type);
        writer.PutBigUInt64(ConntrackDetailAttribute.Packets, counters.Packets);
        writer.PutBigUInt64(ConntrackDetailAttribute.Bytes, counters.Bytes);
        writer.End(nest);
    }

    private static int HeaderSize(NetlinkDialect dialect) =>
        dialect == NetlinkDialect.Ovsext ? OvsextHeaderSize : LinuxHeaderSize;
}
