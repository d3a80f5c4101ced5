using System.Collections.Frozen;
using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>
/// One datapath with the bridges on it: everything that a packet needs, and no actor.
/// </summary>
/// <remarks>
/// It outlives the actors that tend it, so that packets go on while one of them starts again.
/// The bridges publish themselves here; packet threads read <see cref="Current"/>.
/// </remarks>
public sealed class SwitchedDatapath : IDisposable
{
    /// <summary>Room for this many bits of table and address changes per set of bridges.</summary>
    private const int GenerationShift = 40;

    private readonly Lock _publishing = new();
    private readonly SortedDictionary<string, BridgeSnapshot> _bridges =
        new(StringComparer.Ordinal);
    private SwitchSnapshot _current = SwitchSnapshot.Empty;
    private FrozenDictionary<string, SessionPort> _sessions =
        FrozenDictionary<string, SessionPort>.Empty;

    /// <param name="underlay">Null: tunnels never go through bridges of ours.</param>
    public SwitchedDatapath(
        string type, IDatapathProvider provider, TimeProvider time,
        TunnelUnderlay? underlay = null)
    {
        if (underlay is not null && provider.Capabilities.HasTunnelPush)
        {
            var isDummy = provider is UserspaceDatapath { IsDummy: true };
            Native = new NativeTunnels(underlay, isDummy);
        }

        Type = type;
        Underlay = underlay;
        Provider = provider;
        Time = time;
        Meters = new MeterDirectory(provider.Meters);
        Upcalls = new UpcallHandler(this);
        Revalidator = new Revalidator(this);
        provider.UpcallHandler = Upcalls;
    }

    /// <summary>"system", "netdev" or "dummy".</summary>
    public string Type { get; }

    /// <summary>Routes by which tunnels leave; null: there are no tunnels.</summary>
    public TunnelUnderlay? Underlay { get; }
    public IDatapathProvider Provider { get; }
    public TimeProvider Time { get; }
    public RecirculationTable Recirculation { get; } = new();
    public MeterDirectory Meters { get; }

    /// <summary>Tunnels through bridges; null where the datapath cannot.</summary>
    public NativeTunnels? Native { get; }
    public UpcallHandler Upcalls { get; }
    public Revalidator Revalidator { get; }
    internal MegaflowTable Megaflows { get; } = new();

    /// <summary>Flows that are remembered as given to the datapath (OVS: udpif keys).</summary>
    public int FlowsKept => Megaflows.Count;

    /// <summary>What packets see now.</summary>
    public SwitchSnapshot Current => Volatile.Read(ref _current);

    /// <summary>Who hears of packets for controllers: any thread, must not wait.</summary>
    public Action<RaisedPacketIn>? PacketInRaised { get; set; }

    /// <summary>Who hears of packets of sessions: any thread, must not wait.</summary>
    public Action<SessionPacket>? SessionPacketRaised { get; set; }

    /// <summary>Who hears of sampled packets: any thread, must not wait.</summary>
    public Action<SampledPacket>? PacketSampled { get; set; }

    /// <summary>Who hears of packets for IPFIX: any thread, must not wait.</summary>
    public Action<ExportedPacket>? PacketExported { get; set; }

    /// <summary>Puts a bridge in place of what it was.</summary>
    public void Publish(BridgeSnapshot bridge)
    {
        lock (_publishing)
        {
            _bridges[bridge.Name] = bridge;
            Rebuild();
        }
    }

    /// <summary>Sets on which ports sessions take their packets, by interface.</summary>
    public void Watch(FrozenDictionary<string, SessionPort> sessions)
    {
        lock (_publishing)
        {
            _sessions = sessions;
            Rebuild();
        }
    }

    public void Withdraw(string bridge)
    {
        lock (_publishing)
        {
            if (_bridges.Remove(bridge)) Rebuild();
        }
    }

    /// <summary>
    /// A number that differs whenever a remembered decision may have become wrong.
    /// </summary>
    public long Generation()
    {
        var snapshot = Current;
        // All of these only grow, and a bridge that goes moves the first.
        var sum = (snapshot.Generation << GenerationShift) + (Native?.Version ?? 0);
        foreach (var bridge in snapshot.BridgesInOrder)
        {
            sum += bridge.Pipeline.Current.Version + bridge.Pipeline.Macs.Generation
                + bridge.Pipeline.Multicast.Generation;
        }

        return sum;
    }

    public void Dispose() => Provider.Dispose();

    private void Rebuild() => Volatile.Write(
        ref _current, SwitchSnapshot.Of(_current.Generation + 1, _bridges.Values)
            with
            {
                HasTrafficControl = Type == "system",
                Native = Native,
                Sessions = _sessions,
            });
}

/// <summary>A packet that a controller action wants told.</summary>
/// <param name="Bridge">Name of the bridge whose controllers shall hear of it.</param>
public sealed record RaisedPacketIn(
    string Bridge, Fabric.Wire.OpenFlow.OfPacketIn PacketIn, ushort ControllerId,
    ushort MaxLength);
