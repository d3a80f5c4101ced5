using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The connections in the kernel's maps: dump, flush, limits, policies, sweep.</summary>
internal sealed unsafe class EbpfConntrack(KernelObject kernel, ConntrackPolicies policies)
    : IDatapathConntrack
{
    private readonly Lock _lock = new();
    private Action<ConntrackEvent>? _changed;

    public event Action<ConntrackEvent>? Changed
    {
        add
        {
            lock (_lock) _changed += value;
            kernel.Settings[0].HasEventListener = 1;
        }
        remove
        {
            lock (_lock) _changed -= value;
            kernel.Settings[0].HasEventListener = _changed is null ? 0u : 1;
        }
    }

    /// <summary>Set once by the datapath, which gathers them.</summary>
    public ConntrackFragments? Fragments { get; set; }

    /// <summary>Set once by the datapath, which reads them.</summary>
    public ControlChannels? Channels { get; set; }

    public bool IsTcpSequenceChecked
    {
        get => kernel.Settings[0].IsWindowUnchecked == 0;
        set => kernel.Settings[0].IsWindowUnchecked = value ? 0u : 1;
    }

    public uint CountMax
    {
        get => kernel.Settings[0].ConntrackMax;
        set => kernel.Settings[0].ConntrackMax = value;
    }

    public void Dump(ushort? zone, Action<ConntrackEntry> visit)
    {
        var now = KernelClock.Now();
        KernelConnections.Visit(kernel.Connections, (in KernelConnection connection) =>
        {
            if (zone is not null && connection.Original.Zone != zone) return;
            if (connection.Expires > now) visit(EntryOf(in connection, now));
        });
    }

    public void DumpExpectations(ushort? zone, Action<ConntrackExpectation> visit) =>
        Channels?.Dump(zone, visit);

    public int Flush(ConntrackFilter filter)
    {
        var now = KernelClock.Now();
        return RemoveAll((in KernelConnection connection) =>
        {
            if (filter.Zone is { } zone && connection.Original.Zone != zone) return false;
            return IsMatch(EntryOf(in connection, now), filter);
        });
    }

    /// <summary>Removes what has expired; returns how many.</summary>
    public int Sweep()
    {
        var now = KernelClock.Now();
        return RemoveAll((in KernelConnection connection) => connection.Expires <= now);
    }

    public ConntrackTotals Totals()
    {
        var states = new SortedDictionary<string, uint>(StringComparer.Ordinal);
        KernelConnections.Visit(kernel.Connections, (in KernelConnection connection) =>
        {
            var state = StateOf(in connection) ?? connection.Original.Protocol switch
            {
                1 => "ICMP", 17 => "UDP", 58 => "ICMPv6", 132 => "SCTP", _ => "other",
            };
            states[state] = states.GetValueOrDefault(state) + 1;
        });
        return new ConntrackTotals(
            kernel.Settings[0].ConntrackCount, CountMax, states.ToImmutableSortedDictionary());
    }

    public void SetLimit(ushort? zone, uint? limit)
    {
        if (zone is not { } number)
        {
            var isFirst = kernel.Settings[0].ZoneLimit == uint.MaxValue;
            kernel.Settings[0].ZoneLimit = limit is null or 0 ? uint.MaxValue : limit.Value;
            for (var each = 0; isFirst && each < kernel.Zones.Count; each++)
            {
                if (kernel.Zones[each].HasLimit == 0) BeginEpoch(ref kernel.Zones[each]);
            }

            return;
        }

        ref var entry = ref kernel.Zones[number];
        var had = entry.HasLimit;
        entry.Limit = limit is null or 0 ? uint.MaxValue : limit.Value;
        entry.HasLimit = (ushort)(limit is null ? 0 : 1);
        if (had != entry.HasLimit) BeginEpoch(ref entry);
    }

    /// <summary>What the zone holds does not count from now on: see ConntrackLimits.</summary>
    private static void BeginEpoch(ref KernelZone zone)
    {
        if (zone.Count == 0 && zone.Epoch == 0) return;
        zone.Epoch = (ushort)((zone.Epoch + 1) & byte.MaxValue);
        Volatile.Write(ref zone.Count, 0);
    }

    public uint CountSinceLimit(ushort zone) => kernel.Zones[zone].Count;

    public ImmutableArray<(ushort? Zone, uint Limit, uint Count)> Limits()
    {
        var list = ImmutableArray.CreateBuilder<(ushort?, uint, uint)>();
        var common = kernel.Settings[0].ZoneLimit;
        list.Add((null, common == uint.MaxValue ? 0 : common, 0));
        for (var zone = 0; zone < kernel.Zones.Count; zone++)
        {
            var entry = kernel.Zones[zone];
            if (entry.HasLimit == 0) continue;
            list.Add((
                (ushort)zone, entry.Limit == uint.MaxValue ? 0 : entry.Limit, entry.Count));
        }

        return list.ToImmutable();
    }

    public void SetTimeoutPolicy(
        string name, ImmutableSortedDictionary<string, uint> secondsByState) =>
        policies.Set(name, secondsByState);

    public void SetZoneTimeouts(
        ushort zone, ImmutableSortedDictionary<string, uint>? secondsByState) =>
        kernel.Zones[zone].Policy =
            secondsByState is null ? 0u : policies.Set($"zone {zone}", secondsByState);

    /// <summary>One record of the kernel's ring of events.</summary>
    public void Tell(ReadOnlySpan<byte> record)
    {
        if (_changed is not { } changed || record.Length < sizeof(KernelConntrackEvent)) return;
        var news = MemoryMarshal.Read<KernelConntrackEvent>(record);
        var connection = new KernelConnection
        {
            MarkWire = news.MarkWire,
            Expires = news.Expires,
            Started = news.Started,
            LabelWire = news.LabelWire,
            Original = news.Original,
            Reply = news.Reply,
            OriginalPeer = new KernelTcpPeer { State = news.OriginalState },
            ReplyPeer = new KernelTcpPeer { State = news.ReplyState },
            PacketsOriginal = news.PacketsOriginal,
            PacketsReply = news.PacketsReply,
            BytesOriginal = news.BytesOriginal,
            BytesReply = news.BytesReply,
        };
        changed(new ConntrackEvent(news.Kind, EntryOf(in connection, KernelClock.Now())));
    }

    private delegate bool Filter(in KernelConnection connection);

    private readonly record struct Doomed(
        KernelTuple Original, KernelTuple Reply, bool IsRelated, byte LimitEpoch);

    private int RemoveAll(Filter isWanted)
    {
        var doomed = new List<Doomed>();
        KernelConnections.Visit(kernel.Connections, (in KernelConnection connection) =>
        {
            if (!isWanted(in connection)) return;
            doomed.Add(new Doomed(
                connection.Original, connection.Reply, connection.IsRelated != 0,
                connection.LimitEpoch));
        });
        var count = 0;
        foreach (var connection in doomed)
        {
            if (Remove(connection)) count++;
        }

        return count;
    }

    private bool Remove(Doomed doomed)
    {
        var (original, reply) = (doomed.Original, doomed.Reply);
        KernelConnection last = default;
        var isListened = _changed is not null
            && LibBpf.Lookup(kernel.Connections, &original, &last) == 0;
        if (LibBpf.Delete(kernel.Connections, &original) != 0) return false;
        LibBpf.Delete(kernel.Replies, &reply);
        if (doomed.IsRelated) LibBpf.Delete(kernel.Parents, &original);
        Interlocked.Decrement(ref kernel.Settings[0].ConntrackCount);
        ref var zone = ref kernel.Zones[original.Zone];
        if (zone.Epoch == doomed.LimitEpoch) Interlocked.Decrement(ref zone.Count);
        if (isListened)
        {
            _changed?.Invoke(new ConntrackEvent(
                ConntrackChange.Destroyed, EntryOf(in last, KernelClock.Now())));
        }

        return true;
    }

    private ConntrackEntry EntryOf(in KernelConnection connection, ulong now) => new(
        TupleOf(connection.Original), TupleOf(connection.Reply), connection.Original.Zone,
        BinaryPrimitives.ReverseEndianness(connection.MarkWire), LabelOf(connection.LabelWire),
        StateOf(in connection),
        connection.Expires > now ? (uint)((connection.Expires - now) / 1_000_000_000) : 0,
        connection.Helper switch
        {
            KernelHelper.Ftp => "ftp", KernelHelper.Tftp => "tftp", _ => null,
        },
        connection.PacketsOriginal, connection.BytesOriginal,
        connection.PacketsReply, connection.BytesReply, (long)(connection.Started / 1_000_000))
    {
        Parent = ParentOf(in connection),
    };

    private ConntrackTuple? ParentOf(in KernelConnection connection)
    {
        var key = connection.Original;
        KernelTuple parent;
        return connection.IsRelated != 0 && LibBpf.Lookup(kernel.Parents, &key, &parent) == 0
            ? TupleOf(parent)
            : null;
    }

    private static ConntrackTuple TupleOf(in KernelTuple tuple)
    {
        var source = AddressOf(tuple.Source);
        var destination = AddressOf(tuple.Destination);
        var sourcePort = BinaryPrimitives.ReverseEndianness(tuple.PortSourceWire);
        var destinationPort = BinaryPrimitives.ReverseEndianness(tuple.PortDestinationWire);
        return tuple.Protocol is 1 or 58
            ? new ConntrackTuple(
                source, destination, tuple.Protocol, tuple.IcmpType, destinationPort, sourcePort)
            : new ConntrackTuple(
                source, destination, tuple.Protocol, sourcePort, destinationPort);
    }

    private static IPAddress AddressOf(Ipv6Bytes bytes)
    {
        var address = bytes.ToAddress();
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    private static UInt128 LabelOf(Ipv6Bytes wire)
    {
        Span<byte> bytes = stackalloc byte[16];
        wire.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static string? StateOf(in KernelConnection connection)
    {
        if (connection.Original.Protocol != 6) return null;
        // As TcpTracker.NameOf: the later end's state.
        var original = connection.OriginalPeer.State;
        var reply = connection.ReplyPeer.State;
        var later = original > reply ? original : reply;
        return TcpTracker.NameOf(later == TcpState.FinWait2 ? TcpState.TimeWait : later);
    }

    private static bool IsMatch(ConntrackEntry entry, ConntrackFilter filter)
    {
        var markMask = filter.MarkMask ?? uint.MaxValue;
        if (filter.Mark is { } mark && (entry.Mark & markMask) != (mark & markMask)) return false;
        var labelMask = filter.LabelMask ?? UInt128.MaxValue;
        if (filter.Label is { } label && (entry.Label & labelMask) != (label & labelMask))
        {
            return false;
        }

        return IsMatch(entry.Original, filter.Original) && IsMatch(entry.Reply, filter.Reply);
    }

    private static bool IsMatch(ConntrackTuple tuple, ConntrackTuple? wanted) =>
        wanted is null
        || ((wanted.Protocol is null || wanted.Protocol == tuple.Protocol)
            && (wanted.Source is null || wanted.Source.Equals(tuple.Source))
            && (wanted.Destination is null || wanted.Destination.Equals(tuple.Destination))
            && (wanted.PortSource is null || wanted.PortSource == tuple.PortSource)
            && (wanted.PortDestination is null || wanted.PortDestination == tuple.PortDestination)
            && (wanted.IcmpId is null || wanted.IcmpId == tuple.IcmpId));
}
