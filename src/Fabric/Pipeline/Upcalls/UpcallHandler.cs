using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>
/// Decides misses on the packet's own thread, from published snapshots, without locks.
/// </summary>
public sealed class UpcallHandler(SwitchedDatapath datapath) : IUpcallHandler
{
    /// <summary>A walk that tables changed under is redone this often at most.</summary>
    private const int AttemptCountMax = 8;

    [ThreadStatic] private static Translation? _translation;
    [ThreadStatic] private static TranslationResult? _result;

    private readonly long[] _drops = new long[256];
    private long _misses;
    private long _packetIns;
    private int _flowLimit = Revalidator.FlowLimitMax;

    /// <summary>Misses decided since the start.</summary>
    public long MissCount => Interlocked.Read(ref _misses);
    public long PacketInCount => Interlocked.Read(ref _packetIns);

    /// <summary>Flows above this are not installed; set by the revalidator.</summary>
    public int FlowLimit
    {
        get => Volatile.Read(ref _flowLimit);
        internal set => Volatile.Write(ref _flowLimit, value);
    }

    /// <summary>False: each flow is for one packet's headers only.</summary>
    public bool MakesMegaflows { get; set; } = true;

    /// <summary>Misses that ended in a drop for this reason.</summary>
    public long DropCount(DropReason reason) => Interlocked.Read(ref _drops[(int)reason]);

    public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
    {
        Interlocked.Increment(ref _misses);
        var generation = datapath.Generation();
        var now = datapath.Time.Milliseconds();
        var result = Translate(in key, packet.Size, hasEffects: true, now, packet: packet);
        var credits = result.Credits();
        credits.Add(1, (ulong)packet.Size, now);
        mask = MakesMegaflows ? result.Mask : PacketMask.Of(in key);
        if (result.Error != DropReason.None) Interlocked.Increment(ref _drops[(int)result.Error]);
        var installs = result.Error is DropReason.None or DropReason.BridgeNotFound
                or DropReason.TunnelUnknownPeer or DropReason.PortReceiveDisabled
                or DropReason.MirrorSelectExcluded
            && !result.IsSlow && datapath.Megaflows.Count < FlowLimit;
        if (installs)
        {
            datapath.Megaflows.Set(
                MegaflowId.Of(in key, in mask),
                new Megaflow(result.Actions, credits, generation, now)
                {
                    IsTransient = result.Awaited.Count > 0,
                });
        }

        return new UpcallVerdict(result.Actions, installs);
    }

    public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
    {
        if (userdata.Kind == UpcallKind.SlowPath)
        {
            datapath.SessionPacketRaised?.Invoke(Translation.SessionPacketOf(packet, userdata));
            return;
        }

        if (userdata.Kind is UpcallKind.Sflow or UpcallKind.Ipfix or UpcallKind.FlowSample)
        {
            if (!datapath.Current.ByDatapathPort.TryGetValue(key.InPort, out var port)) return;
            if (userdata.Kind == UpcallKind.Sflow)
            {
                datapath.PacketSampled?.Invoke(
                    SampledPacket.Of(port, packet.Bytes, in key, userdata.Cookie));
            }
            else if (ExportedPacket.Of(port, packet.Size, in key, userdata) is { } exported)
            {
                datapath.PacketExported?.Invoke(exported);
            }

            return;
        }

        if (userdata.Kind != UpcallKind.Controller) return;
        if (!PacketInCookie.TryParse(userdata.Data, out var cookie)) return;
        if (datapath.Recirculation.Find((uint)userdata.Cookie) is not { } state) return;
        Interlocked.Increment(ref _packetIns);

        // Nothing is buffered, so the packet is always whole (OpenFlow 1.3 section A.4.1).
        var message = new OfPacketIn(
            EquatableArray.Create<byte>(packet.Bytes), (uint)packet.Size, cookie.Reason,
            cookie.Table, cookie.RuleCookie, FlowMod.NoBuffer,
            PacketInMetadata.Of(in state.Key, in key))
        {
            Userdata = cookie.Userdata,
            Continuation = cookie.IsPaused
                ? PausedPackets.ToBytes(
                    (uint)userdata.Cookie, key.ConntrackState, key.ConntrackZone,
                    key.ConntrackMark)
                : default,
        };
        datapath.PacketInRaised?.Invoke(
            new RaisedPacketIn(state.Bridge, message, cookie.ControllerId, cookie.MaxLength));
    }

    /// <summary>
    /// Translates a key; the result belongs to the calling thread until its next call.
    /// </summary>
    internal TranslationResult Translate(
        in FlowKey key, int packetSize, bool hasEffects, long now,
        TranslationOrigin? origin = null, TraceList? trace = null, PacketBuffer? packet = null)
    {
        var translation = _translation ??= new Translation();
        var result = _result ??= new TranslationResult();
        for (var attempt = 0; attempt < AttemptCountMax; attempt++)
        {
            translation.Run(
                new TranslationRequest(
                    datapath.Current, datapath.Recirculation, now, hasEffects, packetSize, origin,
                    trace)
                {
                    Packet = packet,
                },
                in key, result);
            if (result.IsConsistent) break;
        }

        if (hasEffects)
        {
            foreach (var wanted in result.Awaited) NeighbourRequest.Send(datapath, wanted, now);
        }

        return result;
    }
}

/// <summary>What a paused packet-in carries so that NXT_RESUME finds its way back.</summary>
public static class PausedPackets
{
    // In the form of OVS's continuation: the property of the bridge, 16 bytes, which tools that
    // print packet-ins can read and give back.
    private const ushort BridgeProperty = 0x8000;
    private const int HeaderSize = 4;
    private const int PropertySize = 20;
    private const int Size = 24;

    public static EquatableArray<byte> ToBytes(
        uint recirculation, ConntrackState state, ushort zone, uint mark)
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, BridgeProperty);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), PropertySize);
        var body = bytes.AsSpan(HeaderSize);
        BinaryPrimitives.WriteUInt32BigEndian(body, recirculation);
        BinaryPrimitives.WriteUInt32BigEndian(body[4..], (uint)state);
        BinaryPrimitives.WriteUInt16BigEndian(body[8..], zone);
        BinaryPrimitives.WriteUInt32BigEndian(body[10..], mark);
        return bytes;
    }

    public static bool TryParse(EquatableArray<byte> bytes, out uint recirculation, ref FlowKey key)
    {
        recirculation = 0;
        if (bytes.Count < PropertySize) return false;
        var span = bytes.AsSpan();
        if (BinaryPrimitives.ReadUInt16BigEndian(span) != BridgeProperty
            || BinaryPrimitives.ReadUInt16BigEndian(span[2..]) != PropertySize)
        {
            return false;
        }

        span = span[HeaderSize..];
        recirculation = BinaryPrimitives.ReadUInt32BigEndian(span);
        key.ConntrackState = (ConntrackState)BinaryPrimitives.ReadUInt32BigEndian(span[4..]);
        key.ConntrackZone = BinaryPrimitives.ReadUInt16BigEndian(span[8..]);
        key.ConntrackMark = BinaryPrimitives.ReadUInt32BigEndian(span[10..]);
        return true;
    }
}
