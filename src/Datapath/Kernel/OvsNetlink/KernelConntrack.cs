using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <summary>The device's connection tracker.</summary>
/// <remarks>
/// OVSEXT flushes everything when told to flush zone 0: its connections are deleted one by one
/// here. It deletes by tuple for IPv4 only; IPv6 connections of zone 0 then stay until they time
/// out. Timeouts are fixed there, and the table's size is.
/// </remarks>
internal sealed class KernelConntrack(
    OvsNetlinkOptions options, Func<NetlinkConnection?> connection) : IDatapathConntrack
{
    /// <summary>Entries of OVSEXT's table (2^21).</summary>
    private const uint DeviceCountMax = 1u << 21;

    /// <summary>Entries taken of one dump: a device without an end cannot fill memory.</summary>
    private const int DumpCountMax = 1 << 22;

    private readonly Lock _gate = new();
    private ImmutableSortedDictionary<int, uint> _limits =
        ImmutableSortedDictionary<int, uint>.Empty;
    private Action<ConntrackEvent>? _changed;
    private NetlinkConnection? _subscribed;

    public event Action<ConntrackEvent>? Changed
    {
        add
        {
            _changed += value;
            connection()?.ConntrackEvents.Cancel(); // The loop subscribes.
        }
        remove => _changed -= value;
    }

    /// <summary>Fixed in the device; setting it says nothing to it.</summary>
    public uint CountMax { get; set; } = DeviceCountMax;

    public void Dump(ushort? zone, Action<ConntrackEntry> visit)
    {
        foreach (var message in Messages())
        {
            if (zone is not null && (message.Zone ?? 0) != zone) continue;
            if (EntryOf(message, Dialect) is { } entry) visit(entry);
        }
    }

    public int Flush(ConntrackFilter filter)
    {
        if (connection() is not { } device) return 0;
        var isWhole = filter with { Zone = null } == new ConntrackFilter();
        var matching = Messages().Where(message =>
            EntryOf(message, Dialect) is { } entry && IsMatch(entry, filter)).ToList();
        if (isWhole && filter.Zone is null or > 0)
        {
            var all = new ConntrackMessage { Zone = filter.Zone };
            return Delete(device, all) ? matching.Count : 0;
        }

        var count = 0;
        foreach (var message in matching)
        {
            // A tuple of IPv6 would be taken for no tuple at all, and the whole zone would go.
            if (Dialect == NetlinkDialect.Ovsext
                && message.Original?.Source?.AddressFamily != AddressFamily.InterNetwork)
            {
                continue;
            }

            var one = new ConntrackMessage
            {
                AddressFamily = message.AddressFamily,
                Original = message.Original,
                Zone = message.Zone,
            };
            if (Delete(device, one)) count++;
        }

        return count;
    }

    public ConntrackTotals Totals()
    {
        var states = new SortedDictionary<string, uint>(StringComparer.Ordinal);
        var count = 0u;
        foreach (var message in Messages())
        {
            if (EntryOf(message, Dialect) is not { } entry) continue;
            count++;
            var state = entry.State ?? NameOf(entry.Original.Protocol);
            states[state] = states.GetValueOrDefault(state) + 1;
        }

        return new ConntrackTotals(count, CountMax, states.ToImmutableSortedDictionary());
    }

    public void SetLimit(ushort? zone, uint? limit)
    {
        var number = zone ?? -1;
        lock (_gate)
        {
            _limits = limit is { } value
                ? _limits.SetItem(number, value)
                : _limits.Remove(number);
            if (connection() is { } device) TellLimit(device, number, limit);
        }
    }

    public ImmutableArray<(ushort? Zone, uint Limit, uint Count)> Limits()
    {
        if (connection() is not { } device || device.Requests.Ids.ConntrackLimit == 0) return [];
        var wanted = _limits;
        var endpoint = device.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            new OvsConntrackLimitMessage
            {
                Limits = wanted.Keys.Select(zone => new OvsZoneLimit(zone, 0, 0))
                    .ToEquatableArray(),
            }.Write(ref writer, endpoint.Header(
                OvsFamily.ConntrackLimit, OvsConntrackLimitCommand.Get));
            if (!endpoint.Transact(ref writer, out var answer).IsOk
                || !OvsMessage.TryParse(answer, out var message, out _, out _)
                || !OvsConntrackLimitMessage.TryParse(message, out var limits, out _))
            {
                return [];
            }

            return [.. limits.Limits.AsEnumerable()
                .Where(limit => wanted.ContainsKey(limit.Zone))
                .OrderBy(limit => limit.Zone)
                .Select(limit => (
                    limit.Zone < 0 ? (ushort?)null : (ushort)limit.Zone, limit.Limit,
                    limit.Count))];
        }
    }

    /// <summary>No device of this contract takes policies: see the capabilities.</summary>
    public void SetTimeoutPolicy(
        string name, ImmutableSortedDictionary<string, uint> secondsByState)
    {
        options.Log?.Invoke($"timeout policy {name}: this datapath's timeouts are fixed");
    }

    public void SetZoneTimeouts(
        ushort zone, ImmutableSortedDictionary<string, uint>? secondsByState)
    {
        if (secondsByState is null) return;
        options.Log?.Invoke($"timeouts of zone {zone}: this datapath's timeouts are fixed");
    }

    public void Connected(NetlinkConnection device)
    {
        lock (_gate)
        {
            foreach (var (zone, limit) in _limits) TellLimit(device, zone, limit);
        }
    }

    /// <summary>On the loop's thread, before each wait: joins once somebody listens.</summary>
    public void Prepare(NetlinkConnection device)
    {
        if (_changed is null || _subscribed == device) return;
        _subscribed = device;
        var endpoint = device.ConntrackEvents;
        foreach (var group in (uint[])[
            NfConntrackGroup.New, NfConntrackGroup.Update, NfConntrackGroup.Destroy])
        {
            var writer = endpoint.Writer();
            new OvsSubscribeMessage { Group = group, Join = 1 }.Write(
                ref writer,
                endpoint.Header(OvsFamily.Control, OvsControlCommand.SubscribeGroup));
            endpoint.Write(ref writer);
        }
    }

    /// <summary>NEW with the create flag, NEW without, DELETE.</summary>
    public void OnEvent(ReadOnlySpan<byte> bytes)
    {
        if (!ConntrackMessage.TryParse(bytes, Dialect, out var message, out _)
            || EntryOf(message, Dialect) is not { } entry)
        {
            connection()?.Conntrack.CountMalformed();
            return;
        }

        var change = message.Command switch
        {
            NfConntrackCommand.Delete => ConntrackChange.Destroyed,
            _ when (message.Flags & NetlinkFlags.Create) != 0 => ConntrackChange.New,
            _ => ConntrackChange.Updated,
        };
        _changed?.Invoke(new ConntrackEvent(change, entry));
    }

    private NetlinkDialect Dialect => connection()?.Dialect ?? NetlinkDialect.Ovsext;

    private List<ConntrackMessage> Messages()
    {
        var messages = new List<ConntrackMessage>();
        if (connection() is not { } device) return messages;
        var endpoint = device.Conntrack;
        lock (endpoint.Gate)
        {
            const ushort Flags = NetlinkFlags.Request | NetlinkFlags.Dump;
            var writer = endpoint.Writer();
            new ConntrackMessage
            {
                Command = NfConntrackCommand.Get,
                Flags = device.Dialect == NetlinkDialect.Ovsext
                    ? (ushort)(Flags | NetlinkFlags.Acknowledge)
                    : Flags,
                Sequence = endpoint.NextSequence(),
                PortId = endpoint.PortId,
            }.Write(ref writer, device.Dialect);
            endpoint.Dump(ref writer, (ReadOnlySpan<byte> bytes, out NetlinkFault fault) =>
            {
                if (messages.Count >= DumpCountMax
                    || !ConntrackMessage.TryParse(
                        bytes, device.Dialect, out var message, out fault))
                {
                    fault = new NetlinkFault(NetlinkFaultKind.TooMany, "conntrack dump");
                    return false;
                }

                messages.Add(message);
                return true;
            });
        }

        return messages;
    }

    private static bool Delete(NetlinkConnection device, ConntrackMessage what)
    {
        var endpoint = device.Conntrack;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            (what with
            {
                Command = NfConntrackCommand.Delete,
                Flags = endpoint.Change,
                Sequence = endpoint.NextSequence(),
                PortId = endpoint.PortId,
            }).Write(ref writer, device.Dialect);
            return endpoint.Transact(ref writer, out _).IsOk;
        }
    }

    private static void TellLimit(NetlinkConnection device, int zone, uint? limit)
    {
        var endpoint = device.Requests;
        if (endpoint.Ids.ConntrackLimit == 0) return;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            var command = limit is null
                ? OvsConntrackLimitCommand.Delete
                : OvsConntrackLimitCommand.Set;
            new OvsConntrackLimitMessage { Limits = [new OvsZoneLimit(zone, limit ?? 0, 0)] }
                .Write(ref writer, endpoint.Header(
                    OvsFamily.ConntrackLimit, command, endpoint.Change));
            endpoint.Transact(ref writer, out _);
        }
    }

    private static ConntrackEntry? EntryOf(ConntrackMessage message, NetlinkDialect dialect)
    {
        if (message.Original is not { } original || message.Reply is not { } reply) return null;
        var state = message.TcpState is { } number
            ? ConntrackCatalogue.TcpStateName(number, dialect)
            : null;
        return new ConntrackEntry(
            TupleOf(original), TupleOf(reply), message.Zone ?? 0, message.Mark ?? 0,
            message.Labels ?? 0, state, message.TimeoutSeconds ?? 0, message.Helper,
            message.CountersOriginal?.Packets ?? 0, message.CountersOriginal?.Bytes ?? 0,
            message.CountersReply?.Packets ?? 0, message.CountersReply?.Bytes ?? 0,
            (long)((message.StartNanoseconds ?? 0) / 1_000_000));
    }

    private static ConntrackTuple TupleOf(OvsConntrackTuple tuple) => new(
        tuple.Source, tuple.Destination, tuple.Protocol,
        tuple.IcmpType ?? tuple.PortSource, tuple.IcmpCode ?? tuple.PortDestination,
        tuple.IcmpId);

    private static bool IsMatch(ConntrackEntry entry, ConntrackFilter filter)
    {
        var markMask = filter.MarkMask ?? uint.MaxValue;
        var labelMask = filter.LabelMask ?? UInt128.MaxValue;
        return (filter.Zone is null || filter.Zone == entry.Zone)
            && (filter.Mark is not { } mark || (entry.Mark & markMask) == (mark & markMask))
            && (filter.Label is not { } label
                || (entry.Label & labelMask) == (label & labelMask))
            && IsMatch(entry.Original, filter.Original)
            && IsMatch(entry.Reply, filter.Reply);
    }

    private static bool IsMatch(ConntrackTuple tuple, ConntrackTuple? wanted) =>
        wanted is null || (IsSame(wanted.Source, tuple.Source)
            && IsSame(wanted.Destination, tuple.Destination)
            && (wanted.Protocol is null || wanted.Protocol == tuple.Protocol)
            && (wanted.PortSource is null || wanted.PortSource == tuple.PortSource)
            && (wanted.PortDestination is null || wanted.PortDestination == tuple.PortDestination)
            && (wanted.IcmpId is null || wanted.IcmpId == tuple.IcmpId));

    private static bool IsSame(IPAddress? wanted, IPAddress? address) =>
        wanted is null || wanted.Equals(address);

    private static string NameOf(byte? protocol) => protocol switch
    {
        IpProtocol.Icmp => "ICMP",
        IpProtocol.Udp => "UDP",
        IpProtocol.Icmpv6 => "ICMPv6",
        IpProtocol.Sctp => "SCTP",
        _ => "other",
    };
}
