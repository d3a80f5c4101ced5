using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <summary>One OpenFlow connection: what a controller or ovs-ofctl says and is told.</summary>
/// <remarks>
/// Hears:  <see cref="FramesReceived"/>, <see cref="PumpClosed"/>, <see cref="OutboundDrained"/>
///         from its pump; <see cref="ChangesApplied"/>, <see cref="SwitchAnswered"/> from the
///         switch; <see cref="PacketInRaised"/> and the other events, <see cref="RoleDecided"/>,
///         <see cref="RoleDemoted"/>, <see cref="SnoopingChanged"/> from its parent.
/// Says:   <see cref="ApplyChanges"/>, <see cref="AskSwitch"/> to the switch;
///         <see cref="ConnectionEstablished"/>, <see cref="ConnectionLost"/>,
///         <see cref="RoleRequested"/>, <see cref="MonitorsChanged"/> to its parent.
/// Holds:  the version, the connection's settings (formats, masks, role), open bundles, monitors,
///         and requests that the switch has not answered. All of it ends with the connection.
/// Fails:  never by what a peer sends: that is answered with an error. When the stream ends it
///         stops; whoever connected may connect again.
/// </remarks>
public sealed partial class ConnectionActor : ReceiveActor, IWithTimers
{
    private const string ProbeTimer = "probe";

    private readonly Stream _stream;
    private readonly IActorRef _switch;
    private readonly ISwitchTables? _tables;
    private readonly ConnectionTraits _traits;
    private readonly ConnectionSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<long, Pending> _pending = [];
    private readonly List<SwitchChange> _changes = [];
    private readonly List<PendingChange> _changeSources = [];
    private readonly OfWriter _writer = new();

    private FramePump _pump = null!;
    private OfVersion _version;
    private bool _isEstablished;
    private bool _isClosing;
    private bool _isSnooped;
    private bool _isProbing;
    private bool _flowModTableId;
    private TlvTable _tlv;
    private long _nextRequest;
    private int _creditOwed;
    private uint _xid = 0x8000_0000;

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        Stream stream, IActorRef switchActor, ISwitchTables? tables, ConnectionTraits traits,
        ConnectionSettings settings, TlvTable tlv, TimeProvider time) =>
        Akka.Actor.Props.Create(() =>
            new ConnectionActor(stream, switchActor, tables, traits, settings, tlv, time));

    public ConnectionActor(
        Stream stream, IActorRef switchActor, ISwitchTables? tables, ConnectionTraits traits,
        ConnectionSettings settings, TlvTable tlv, TimeProvider time)
    {
        (_stream, _switch, _tables, _traits, _settings, _tlv, _time) =
            (stream, switchActor, tables, traits, settings, tlv, time);
        _packetInBucket = new TokenBucket(traits.PacketInRate, traits.PacketInBurst, time);
        Receive<FramesReceived>(OnFrames);
        Receive<PumpClosed>(closed => Stop(closed.Reason));
        Receive<OutboundDrained>(_ =>
        {
            ResumeMonitors();
            GrantCredit();
        });
        Receive<ChangesApplied>(OnChangesApplied);
        Receive<SwitchAnswered>(OnAnswered);
        Receive<RoleDecided>(OnRoleDecided);
        Receive<RoleDemoted>(OnRoleDemoted);
        Receive<TlvTableChanged>(changed => _tlv = changed.Table);
        Receive<SnoopingChanged>(changed => _isSnooped = changed.Wanted);
        Receive<Snooped>(snooped => _pump.Send(snooped.Bytes.Span));
        Receive<ProbeDue>(_ => OnProbeDue());
        Receive<BundleIdleCheck>(_ => DropIdleBundles());
        ReceiveEvents();
    }

    private sealed record ProbeDue;

    /// <summary>A request on its way to the switch: whose it is and what it looked like.</summary>
    private sealed record Pending(
        uint Xid, ReadOnlyMemory<byte> Frame, IReadOnlyList<PendingChange>? Changes,
            OfMessage? Request);

    private readonly record struct PendingChange(uint Xid, ReadOnlyMemory<byte> Frame);

    private OfCodecContext Codec =>
        new(_version, _tlv, _flowModTableId) { UsesNxm = _usesNxm };

    protected override void PreStart()
    {
        _pump = new FramePump(_stream, Self, Limits.ReadCredit);
        _pump.Start();
        if (_traits.Kind == ConnectionKind.Snoop) return;
        var highest = HighestOf(_settings.Versions);
        var hello =
            OfEncoder.ToArray(new OfHello(_settings.Versions), _xid++, new OfCodecContext(highest));
        SendBytes(hello);
        if (_traits.ProbeInterval is { } interval)
            Timers.StartSingleTimer(ProbeTimer, new ProbeDue(), interval);
    }

    protected override void PostStop() => _pump.Dispose();

    private void Stop(string reason)
    {
        if (_isClosing) return;
        _isClosing = true;
        Context.Parent.Tell(new ConnectionLost(_traits.Target, reason, _isEstablished));
        Context.Stop(Self);
    }

    private void OnFrames(FramesReceived received)
    {
        _creditOwed++;
        if (_isProbing || _traits.ProbeInterval is not null) RestartProbe();
        if (_roleAwaited is not null) _held.Add(received);
        else Handle(received);
        GrantCredit();
    }

    private void Handle(FramesReceived received)
    {
        var at = 0;
        while (at + OfHeader.Size <= received.Length && !_isClosing)
        {
            if (!OfHeader.TryRead(received.Bytes.AsSpan(at), out var header)) break;
            var frame = received.Bytes.AsMemory(at, header.Length);
            at += header.Length;
            if (_traits.Kind == ConnectionKind.Snoop) continue;
            if (_isSnooped) Context.Parent.Tell(new Snooped(frame));
            if (_isEstablished) OnFrame(frame, in header);
            else Negotiate(frame, in header);
            if (_roleAwaited is null) continue;
            Hold(received.Bytes.AsSpan(at, received.Length - at));
            break;
        }

        FlushChanges();
    }

    /// <summary>Lets the pump read on, unless the switch or the peer is behind.</summary>
    private void GrantCredit()
    {
        if (_pending.Count > Limits.OutstandingRequestCountMax || _roleAwaited is not null) return;
        if (_pump.OutboundSize > FramePump.OutboundHigh) return;
        while (_creditOwed > 0)
        {
            _creditOwed--;
            _pump.Grant();
        }
    }

    private void Negotiate(ReadOnlyMemory<byte> frame, in OfHeader header)
    {
        if (header.Type != 0)
        {
            Stop("received message before hello");
            return;
        }

        var highest = HighestOf(_settings.Versions);
        var context = new OfCodecContext(header.Version);
        if (!OfDecoder.TryDecode(frame.Span, in context, out var envelope, out _))
            envelope = default;
        var theirs = envelope.Message is OfHello hello ? hello.Versions
            : (2u << Math.Min((int)header.Version, 30)) - 2;
        var common = theirs & _settings.Versions;
        if (common == 0)
        {
            _version = (OfVersion)Math.Clamp((int)header.Version, 1, (int)highest);
            var text = "We support versions " + VersionsText(_settings.Versions)
                + ", you support versions " + VersionsText(theirs) + ", no common versions.";
            SendError(OfErrorCode.HelloIncompatible, header.Xid,
                System.Text.Encoding.ASCII.GetBytes(text));
            _pump.CloseAfterSending();
            return;
        }

        _version = HighestOf(common);
        if (_version < OfVersion.OpenFlow14)
            _masks = _masks with { FlowRemovedPrimary = FlowRemovedReasons13 };
        _isEstablished = true;
        Context.Parent.Tell(new ConnectionEstablished(_traits.Target, _version));
    }

    private static OfVersion HighestOf(uint versions) =>
        (OfVersion)(31 - System.Numerics.BitOperations.LeadingZeroCount(versions | 2));

    private static string VersionsText(uint versions)
    {
        var names = Enumerable.Range(1, 6).Where(each => (versions & (1u << each)) != 0);
        return string.Join(", ", names.Select(each => $"0x{each:x2}"));
    }

    private void OnFrame(ReadOnlyMemory<byte> frame, in OfHeader header)
    {
        if (header.Version != _version && header.Type != 0)
        {
            SendBadVersion(in header, frame);
            return;
        }

        if (OfDecoder.TryDecode(frame.Span, Codec, out var envelope, out var error))
        {
            OnMessage(envelope.Message, header.Xid, frame);
        }
        else if (header.Type is not (0 or 1))
        {
            FlushChanges();
            if (_version >= OfVersion.OpenFlow13 && IsBundleAdd(in header, frame.Span))
            {
                if (HasOtherXid(frame.Span, header.Xid)) error = OfErrorCode.BundleMessageBadXid;
                FailBundle(frame.Span);
            }

            SendError(error, header.Xid, frame);
        }
    }

    private long Remember(Pending pending)
    {
        _pending.Add(++_nextRequest, pending);
        return _nextRequest;
    }

    private void Ask(OfMessage request, uint xid, ReadOnlyMemory<byte> frame)
    {
        FlushChanges();
        _switch.Tell(new AskSwitch(Remember(new Pending(xid, frame, null, request)), request,
            Self));
    }

    private void AddChange(OfMessage message, uint xid, ReadOnlyMemory<byte> frame)
    {
        _changes.Add(new SwitchChange(message, xid));
        _changeSources.Add(new PendingChange(xid, frame));
        if (_changes.Count >= Limits.ChangeCountMax) FlushChanges();
    }

    private void FlushChanges()
    {
        if (_changes.Count == 0) return;
        if (CanApply(_changes))
        {
            var failures = _tables!.Apply(
                CollectionsMarshal.AsSpan(_changes), isAtomic: false, Self);
            TellFailures(failures, _changeSources);
        }
        else
        {
            var pending = new Pending(0, default, [.. _changeSources], null);
            _switch.Tell(new ApplyChanges(Remember(pending), [.. _changes], IsAtomic: false, Self));
        }

        _changes.Clear();
        _changeSources.Clear();
    }

    /// <summary>Nothing that was asked before is still on its way to the switch.</summary>
    private bool CanApply(List<SwitchChange> changes)
    {
        if (_tables is null || _pending.Count > 0) return false;
        foreach (var change in changes)
        {
            if (!_tables.Takes(change.Message)) return false;
        }

        return true;
    }

    private void TellFailures(
        ImmutableArray<ChangeFailure> failures, IReadOnlyList<PendingChange> sources)
    {
        foreach (var (index, error) in failures)
        {
            if (index < 0 || index >= sources.Count) continue;
            SendError(error, sources[index].Xid, sources[index].Frame);
        }
    }

    private void OnBarrier(uint xid, ReadOnlyMemory<byte> frame)
    {
        FlushChanges();
        if (_pending.Count == 0) Send(new OfBarrierReply(), xid);
        else Ask(new OfBarrierRequest(), xid, frame);
    }

    private void OnChangesApplied(ChangesApplied applied)
    {
        if (!_pending.Remove(applied.RequestId, out var pending)) return;
        if (pending.Changes is { } sources) TellFailures(applied.Failures, sources);
        if (pending.Request is OfBundleControl commit)
            FinishCommit(commit, pending, applied.Failures.IsEmpty);
        GrantCredit();
    }

    private void OnAnswered(SwitchAnswered answered)
    {
        if (!_pending.Remove(answered.RequestId, out var pending)) return;
        if (answered.Error != OfErrorCode.None)
            SendError(answered.Error, pending.Xid, pending.Frame);
        else if (answered.Reply is { } reply) Send(Adapt(reply, pending.Request), pending.Xid);
        if (answered.Error != OfErrorCode.None) OnRequestFailed(pending.Request);
        GrantCredit();
    }

    /// <summary>
    /// A reply in the form that was asked for: Nicira's or OpenFlow's statistics.
    /// </summary>
    private OfMessage Adapt(OfMessage reply, OfMessage? request) => (reply, request) switch
    {
        (OfFlowStatsReply flows, OfFlowStatsRequest asked) => flows
            with
        { IsNicira = asked.IsNicira },
        (OfAggregateReply sum, OfFlowStatsRequest asked) => sum with { IsNicira = asked.IsNicira },
        (OfFlowMonitorReply monitor, OfFlowMonitorRequest asked) => monitor
            with
        { IsNicira = asked.IsNicira },
        (OfGetConfigReply config, _) => new OfGetConfigReply(
            config.Flags | (_configFlags & ~OfConfigFlags.FragmentMask), MissSendLength),
        _ => reply,
    };

    private void OnFlowsRequest(
        OfFlowStatsRequest request, uint xid, ReadOnlyMemory<byte> frame)
    {
        FlushChanges();
        if (_tables is null || _pending.Count > 0) Ask(request, xid, frame);
        else SendFlows(_tables.Flows(request), request.IsNicira, xid);
    }

    private void SendFlows(IEnumerable<OfFlowStats> flows, bool isNicira, uint xid)
    {
        _writer.Clear();
        var reply = new FlowStatsReplyWriter(_writer, isNicira, Codec, xid);
        foreach (var flow in flows)
        {
            reply.Add(flow);
            if (reply.Whole.Length < Limits.ReplySizeMin) continue;
            SendBytes(reply.Whole);
            reply.ForgetWhole();
            if (_isClosing) return;
        }

        reply.Finish();
        SendBytes(_writer.Written);
    }

    private void Send(OfMessage message, uint xid)
    {
        if (message is OfFlowStatsReply flows)
        {
            SendFlows(flows.Flows, flows.IsNicira, xid);
            return;
        }

        _writer.Clear();
        OfEncoder.Write(_writer, message, xid, Codec);
        SendBytes(_writer.Written);
    }

    private void SendBytes(ReadOnlySpan<byte> bytes)
    {
        if (_pump.OutboundSize + bytes.Length > Limits.OutboundSizeMax)
        {
            Stop("peer does not read its replies");
            return;
        }

        if (_isSnooped) Context.Parent.Tell(new Snooped(bytes.ToArray()));
        _pump.Send(bytes);
    }

    private void SendError(OfErrorCode error, uint xid, ReadOnlyMemory<byte> frame)
    {
        var data = frame.Span[..Math.Min(frame.Length, Limits.ErrorDataSize)];
        Send(new OfErrorMessage(error, EquatableArray.Create(data)), xid);
    }

    /// <summary>In the version of the message, where there is one.</summary>
    private void SendBadVersion(in OfHeader header, ReadOnlyMemory<byte> frame)
    {
        var agreed = _version;
        if (header.Version is >= OfVersion.OpenFlow10 and <= OfVersion.OpenFlow15)
            _version = header.Version;
        SendError(OfErrorCode.RequestBadVersion, header.Xid, frame);
        _version = agreed;
    }

    private void RestartProbe()
    {
        _isProbing = false;
        if (_traits.ProbeInterval is { } interval)
            Timers.StartSingleTimer(ProbeTimer, new ProbeDue(), interval);
    }

    private void OnProbeDue()
    {
        if (_isProbing || !_isEstablished)
        {
            Stop("no response to inactivity probe");
            return;
        }

        _isProbing = true;
        Send(new OfEchoRequest([]), _xid++);
        Timers.StartSingleTimer(ProbeTimer, new ProbeDue(), _traits.ProbeInterval!.Value);
    }
}
