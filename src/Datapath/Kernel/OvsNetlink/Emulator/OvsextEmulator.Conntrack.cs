using System.Net.Sockets;
using Fabric.Wire;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <content>Connections, their limits, meters.</content>
public sealed partial class OvsextEmulator
{
    private const byte Ipv4Family = 2;
    private const byte Ipv6Family = 23; // Windows' AF_INET6

    private List<byte[]> DumpConnections(uint sequence, uint pid)
    {
        var all = new List<byte[]>();
        var bytes = new byte[2048];
        Packets.Conntrack.Dump(null, entry =>
        {
            var writer = new NetlinkWriter(bytes);
            (MessageOf(entry) with
            {
                Command = NfConntrackCommand.New,
                Flags = NetlinkFlags.Multi,
                Sequence = sequence,
                PortId = pid,
            }).Write(ref writer, NetlinkDialect.Ovsext);
            all.Add(writer.Written.ToArray());
        });
        return all;
    }

    private int Conntrack(ReadOnlySpan<byte> request)
    {
        if (!ConntrackMessage.TryParse(request, NetlinkDialect.Ovsext, out var wanted, out _)
            || wanted.Command != NfConntrackCommand.Delete)
        {
            return OvsErrorCatalogue.Invalid;
        }

        if (wanted.Original is not { } tuple)
        {
            // Zone 0 counts as no zone: everything goes.
            var zone = wanted.Zone is 0 ? null : wanted.Zone;
            Packets.Conntrack.Flush(new ConntrackFilter(zone));
            return 0;
        }

        if (tuple.Source?.AddressFamily != AddressFamily.InterNetwork)
        {
            return OvsErrorCatalogue.Invalid; // By tuple: IPv4 only.
        }

        var original = new ConntrackTuple(
            tuple.Source, tuple.Destination, tuple.Protocol, tuple.IcmpType ?? tuple.PortSource,
            tuple.IcmpCode ?? tuple.PortDestination);
        var count = Packets.Conntrack.Flush(
            new ConntrackFilter(wanted.Zone ?? 0, Original: original));
        return count > 0 ? 0 : OvsErrorCatalogue.NotFound;
    }

    private void OnConnection(ConntrackEvent change)
    {
        var group = change.Change switch
        {
            ConntrackChange.New => NfConntrackGroup.New,
            ConntrackChange.Updated => NfConntrackGroup.Update,
            _ => NfConntrackGroup.Destroy,
        };
        var bytes = new byte[2048];
        var writer = new NetlinkWriter(bytes);
        (MessageOf(change.Entry) with
        {
            Command = change.Change == ConntrackChange.Destroyed
                ? NfConntrackCommand.Delete
                : NfConntrackCommand.New,
            Flags = change.Change == ConntrackChange.New ? NetlinkFlags.Create : (ushort)0,
        }).Write(ref writer, NetlinkDialect.Ovsext);
        Post(group, writer.Written.ToArray());
    }

    private static ConntrackMessage MessageOf(ConntrackEntry entry) => new()
    {
        AddressFamily = entry.Original.Source?.AddressFamily == AddressFamily.InterNetworkV6
            ? Ipv6Family
            : Ipv4Family,
        Original = TupleOf(entry.Original),
        Reply = TupleOf(entry.Reply),
        Status = 0,
        TcpState = entry.State is { } state
            ? ConntrackCatalogue.TcpStateNumber(state, NetlinkDialect.Ovsext) ?? 0
            : null,
        Helper = entry.Helper,
        TimeoutSeconds = entry.TimeoutSeconds,
        Mark = entry.Mark,
        CountersOriginal = new OvsConntrackCounters(entry.PacketsOriginal, entry.BytesOriginal),
        CountersReply = new OvsConntrackCounters(entry.PacketsReply, entry.BytesReply),
        Zone = entry.Zone,
        StartNanoseconds = (ulong)entry.StartMilliseconds * 1_000_000,
        Labels = entry.Label,
    };

    private static OvsConntrackTuple TupleOf(ConntrackTuple tuple)
    {
        var isIcmp = tuple.Protocol is IpProtocol.Icmp or IpProtocol.Icmpv6;
        return isIcmp
            ? new OvsConntrackTuple(
                tuple.Source, tuple.Destination, tuple.Protocol, IcmpId: tuple.IcmpId ?? 0,
                IcmpType: (byte)(tuple.PortSource ?? 0),
                IcmpCode: (byte)(tuple.PortDestination ?? 0))
            : new OvsConntrackTuple(
                tuple.Source, tuple.Destination, tuple.Protocol, tuple.PortSource,
                tuple.PortDestination);
    }

    private int Limit(in OvsMessage message, ref NetlinkWriter answer)
    {
        if (!OvsConntrackLimitMessage.TryParse(message, out var wanted, out _))
        {
            return OvsErrorCatalogue.Invalid;
        }

        static ushort? ZoneOf(int zone) => zone < 0 ? null : (ushort)zone;
        var limits = wanted.Limits.AsEnumerable().ToList();
        if (limits.Any(limit => limit.Zone is < -1 or > ushort.MaxValue))
        {
            return OvsErrorCatalogue.Invalid;
        }

        switch (message.Header.Command)
        {
            case OvsConntrackLimitCommand.Set:
                foreach (var limit in limits)
                {
                    Packets.Conntrack.SetLimit(ZoneOf(limit.Zone), limit.Limit);
                }

                return 0;
            case OvsConntrackLimitCommand.Delete:
                foreach (var limit in limits) Packets.Conntrack.SetLimit(ZoneOf(limit.Zone), null);
                return 0;
            case OvsConntrackLimitCommand.Get:
                var known = Packets.Conntrack.Limits();
                new OvsConntrackLimitMessage
                {
                    Limits = known.Where(limit => limits.Count == 0
                            || limits.Any(asked => ZoneOf(asked.Zone) == limit.Zone))
                        .Select(limit => new OvsZoneLimit(
                            limit.Zone ?? -1, limit.Limit, limit.Count)).ToEquatableArray(),
                }.Write(ref answer, Answer(in message));
                return 0;
            default:
                return OvsErrorCatalogue.Invalid;
        }
    }

    private int Meter(in OvsMessage message, ref NetlinkWriter answer)
    {
        if (!Profile.HasMeters || !OvsMeterMessage.TryParse(message, out var wanted, out _))
        {
            return OvsErrorCatalogue.Invalid;
        }

        if (message.Header.Command == OvsMeterCommand.Features)
        {
            new OvsMeterMessage
            {
                MetersMax = uint.MaxValue,
                BandsMax = 1,
                Bands = [new OvsMeterBand(OvsBandType.Drop)],
            }.Write(ref answer, Answer(in message));
            return 0;
        }

        if (wanted.Id is not { } id) return OvsErrorCatalogue.Invalid;
        switch (message.Header.Command)
        {
            case OvsMeterCommand.Set:
                if (wanted.Bands.Count != 1 || wanted.Bands[0].Type != OvsBandType.Drop)
                {
                    return OvsErrorCatalogue.Invalid;
                }

                var band = wanted.Bands[0];
                var drop = new MeterBand(
                    MeterBandKind.Drop, band.Rate ?? 0, band.Burst ?? 0, 0);
                var spec = new MeterSpec(!wanted.IsKbps, true, [drop]);
                return Packets.Meters.TrySet(id, spec, out _) ? 0 : OvsErrorCatalogue.Invalid;
            case OvsMeterCommand.Delete:
                return Packets.Meters.Remove(id) ? 0 : OvsErrorCatalogue.NotFound;
            case OvsMeterCommand.Get:
                if (Packets.Meters.Statistics(id) is not { } counted)
                {
                    return OvsErrorCatalogue.NotFound;
                }

                new OvsMeterMessage
                {
                    Id = id,
                    Statistics = new OvsFlowCount(counted.Packets, counted.Bytes),
                    Bands = counted.Bands.Select(each => new OvsMeterBand(
                        OvsBandType.Drop, Statistics: new OvsFlowCount(each.Packets, each.Bytes)))
                        .ToEquatableArray(),
                }.Write(ref answer, Answer(in message));
                return 0;
            default:
                return OvsErrorCatalogue.Invalid;
        }
    }
}
