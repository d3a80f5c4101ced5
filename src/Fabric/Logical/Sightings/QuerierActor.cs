using System.Buffers.Binary;
using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>Frames that every workload of a switch on this host hears again and again.</summary>
/// <param name="Datapath">Key of the switch.</param>
/// <param name="IntervalMin">A pause is at least this long, and at most IntervalMax.</param>
internal sealed record PeriodicFrames(
    uint Datapath, TimeSpan IntervalMin, TimeSpan IntervalMax, ImmutableArray<byte[]> Frames);

/// <summary>To the querier: all that is to be sent, by names that last.</summary>
internal sealed record QueriesWanted(
    IActorRef Bridge, ImmutableSortedDictionary<string, PeriodicFrames> Frames);

/// <summary>
/// Asks workloads of this host which multicast groups they are members of, and advertises routers
/// to them.
/// </summary>
/// <remarks>
/// Hears:  <see cref="QueriesWanted"/> from the logical actor; its timer; confirmations.
/// Says:   <see cref="AskSwitch"/> with general queries (IGMPv3, MLDv2), router advertisements.
/// Holds:  when each is due next. Started anew it sends at once.
/// Fails:  never by what it hears.
/// </remarks>
internal sealed class QuerierActor : SpeakerActor
{
    private readonly SortedDictionary<string, TimeSpan> _due = new(StringComparer.Ordinal);
    private ImmutableSortedDictionary<string, PeriodicFrames> _frames =
        ImmutableSortedDictionary<string, PeriodicFrames>.Empty;
    private uint _random = 1;

    public QuerierActor()
    {
        Receive<QueriesWanted>(wanted =>
        {
            SpeakThrough(wanted.Bridge);
            _frames = wanted.Frames;
            foreach (var gone in _due.Keys.Where(name => !_frames.ContainsKey(name)).ToList())
                _due.Remove(gone);
            foreach (var name in _frames.Keys) _due.TryAdd(name, Now);
            Speak();
        });
        ReceiveTime();
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new QuerierActor());

    protected override void Speak()
    {
        var now = Now;
        foreach (var (name, periodic) in _frames)
        {
            if (_due[name] > now) continue;
            _due[name] = now + PauseOf(periodic);
            foreach (var frame in periodic.Frames) Send(periodic.Datapath, frame);
        }

        if (_due.Count == 0) return;
        SpeakAgainAt(_due.Values.Min());
    }

    /// <summary>Somewhere between the two, so that routers do not speak all at once.</summary>
    private TimeSpan PauseOf(PeriodicFrames periodic)
    {
        _random = (_random * 1_664_525) + 1_013_904_223;
        var part = (_random >> 16) / (double)ushort.MaxValue;
        return periodic.IntervalMin + ((periodic.IntervalMax - periodic.IntervalMin) * part);
    }

    private void Send(uint datapath, byte[] query) => Send(
        ControllerActions.Out(
            new MatchBuilder().Set(MatchField.Metadata, datapath).Build(), query,
            new OfLoad(LogicalFields.Outport, LogicalFields.FloodL2Group),
            new OfLoad(LogicalFields.LocalOnly, 1), new OfLoad(LogicalFields.FromController, 1),
            new OfResubmit(PhysicalTables.RemoteOutput)));
}

/// <summary>General queries: IGMPv3 (RFC 3376 4.1) and MLDv2 (RFC 3810 5.1).</summary>
internal static class MulticastQuery
{
    private const int EthernetSize = 14, Ipv4Size = 24, IgmpSize = 12, Ipv6Size = 40,
        HopByHopSize = 8, MldSize = 28;

    private const byte Robustness = 2;

    // Behind the IPv4 header and before ICMPv6: look into this packet (RFC 2113, RFC 2711).
    private static ReadOnlySpan<byte> RouterAlert4 => [0x94, 4, 0, 0];

    private static ReadOnlySpan<byte> RouterAlert6 => [IpProtocol.Icmpv6, 0, 5, 2, 0, 0, 1, 0];

    public static PeriodicFrames Periodic(uint datapath, MulticastQuerier querier) =>
        new(datapath, querier.Interval, querier.Interval, [.. Of(querier)]);

    public static IEnumerable<byte[]> Of(MulticastQuerier querier)
    {
        if (querier.Ipv4 is { } source) yield return Igmp(querier, source);
        if (querier.Ipv6 is { } source6) yield return Mld(querier, source6);
    }

    private static byte[] Igmp(MulticastQuerier querier, IpPrefix source)
    {
        var frame = new byte[EthernetSize + Ipv4Size + IgmpSize];
        var group = IpPrefix.V4(0xe000_0001);
        Ethernet(frame, querier, group, EtherType.Ipv4);
        var ip = frame.AsSpan(EthernetSize);
        ip[0] = 0x46; // With one option.
        ip[1] = 0xc0;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
        (ip[8], ip[9]) = (1, IpProtocol.Igmp);
        source.ToAddress().TryWriteBytes(ip[12..], out _);
        group.ToAddress().TryWriteBytes(ip[16..], out _);
        RouterAlert4.CopyTo(ip[20..]);
        WriteChecksum(ip[10..], InternetChecksum.Add(ip[..Ipv4Size]));
        var igmp = ip[Ipv4Size..];
        igmp[0] = 0x11;
        igmp[1] = (byte)Math.Min(querier.MaxResponse.TotalSeconds * 10, 127);
        (igmp[8], igmp[9]) = (Robustness, Seconds(querier));
        WriteChecksum(igmp[2..], InternetChecksum.Add(igmp));
        return frame;
    }

    private static byte[] Mld(MulticastQuerier querier, IpPrefix source)
    {
        var frame = new byte[EthernetSize + Ipv6Size + HopByHopSize + MldSize];
        var group = new IpPrefix(true, ((UInt128)0xff02 << 112) | 1, 128);
        Ethernet(frame, querier, group, EtherType.Ipv6);
        var ip = frame.AsSpan(EthernetSize);
        ip[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], HopByHopSize + MldSize);
        (ip[6], ip[7]) = (IpProtocol.HopByHop, 1);
        source.ToAddress().TryWriteBytes(ip[8..], out _);
        group.ToAddress().TryWriteBytes(ip[24..], out _);
        RouterAlert6.CopyTo(ip[Ipv6Size..]);
        var mld = ip[(Ipv6Size + HopByHopSize)..];
        mld[0] = 130;
        var response = Math.Min(querier.MaxResponse.TotalMilliseconds, 32767);
        BinaryPrimitives.WriteUInt16BigEndian(mld[4..], (ushort)response);
        (mld[24], mld[25]) = (Robustness, Seconds(querier));
        var sum = InternetChecksum.PseudoHeader(ip.Slice(8, 32), IpProtocol.Icmpv6, MldSize);
        WriteChecksum(mld[2..], InternetChecksum.Add(mld, sum));
        return frame;
    }

    private static void Ethernet(
        Span<byte> frame, MulticastQuerier querier, IpPrefix group, ushort type)
    {
        Sightings.MacOf(group).CopyTo(frame);
        querier.Mac.CopyTo(frame[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], type);
    }

    private static byte Seconds(MulticastQuerier querier) =>
        (byte)Math.Clamp(querier.Interval.TotalSeconds, 1, 127);

    private static void WriteChecksum(Span<byte> field, ulong sum) =>
        BinaryPrimitives.WriteUInt16LittleEndian(field, (ushort)~InternetChecksum.Fold(sum));
}
