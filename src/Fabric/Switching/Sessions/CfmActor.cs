using System.Buffers.Binary;
using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>Speaks CFM at one interface.</summary>
/// <remarks>
/// Hears:  <see cref="ConfigureSession"/>, <see cref="SessionHeard"/> and
///         <see cref="OverrideSession"/> from its parent or an operator;
///         <see cref="ShowSession"/>; its own timer.
/// Says:   <see cref="SessionReported"/> to its parent whenever its columns differ.
/// Holds:  the session; the remote end points are heard again within 3.5 intervals.
/// Fails:  never by packets: those that make no sense are ignored.
/// </remarks>
public sealed class CfmActor : ReceiveActor, IWithTimers
{
    private const int EthernetSize = 14;
    private const int TagSize = 4;

    private readonly SwitchStore _store;
    private readonly CfmSession _session;
    private SessionPlace _place;
    private ImmutableArray<ColumnValue> _told = [];

    public CfmActor(SwitchStore store, SessionWanted wanted)
    {
        _store = store;
        _place = wanted.Place;
        _session = new CfmSession(wanted.Cfm!, Now);
        Receive<ConfigureSession>(configure =>
        {
            _place = configure.Wanted.Place;
            if (configure.Wanted.Cfm is { } settings) _session.Configure(settings, Now);
            Go();
        });
        Receive<SessionHeard>(heard => Hear(heard.Frame.Span));
        Receive<OverrideSession>(word =>
        {
            _session.FaultOverride = word.IsGood is { } isGood ? !isGood : null;
            _session.NoteFaults();
            Go();
            Sender.Tell("OK");
        });
        Receive<ShowSession>(_ => Sender.Tell(SessionText.Of(_session, Now)));
        Receive<SessionDue>(_ => Go());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private long Now => _store.Time.Milliseconds();

    public static Props Props(SwitchStore store, SessionWanted wanted) =>
        Akka.Actor.Props.Create(() => new CfmActor(store, wanted));

    protected override void PreStart() => Go();

    private void Hear(ReadOnlySpan<byte> frame)
    {
        var key = default(FlowKey);
        if (!FlowKeyExtractor.TryExtract(frame, ref key, out var layout, out _)) return;
        var at = layout.EthernetTypeOffset + 2;
        if (at > frame.Length) return;
        if (ContinuityCheckMessage.TryParse(frame[at..], out var message, out _))
            _session.Hear(in message);
    }

    private void Go()
    {
        var now = Now;
        if (_session.Advance(now) is { } message) Send(message);
        Report();
        Timers.StartSingleTimer(
            nameof(SessionDue), SessionDue.Instance,
            TimeSpan.FromMilliseconds(Math.Max(1, _session.Deadline - now)));
    }

    private void Send(byte[] message)
    {
        if (SessionOutput.PortOf(_store, _place) is not { } port) return;
        var settings = _session.Settings;
        var isTagged = settings.Vlan != 0 || settings.Priority != 0;
        var head = EthernetSize + (isTagged ? TagSize : 0);
        var frame = new byte[head + message.Length];
        var destination = ContinuityCheckMessage.Destination(0).ToUInt64();
        // Extended messages go to an address of their own, so that 802.1ag is not confused.
        if (settings.IsExtended) destination = SessionPort.ExtendedCfmDestination;
        MacBytes.FromUInt64(destination).CopyTo(frame);
        port.Mac.CopyTo(frame.AsSpan(6));
        if (isTagged)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), EtherType.Vlan);
            BinaryPrimitives.WriteUInt16BigEndian(
                frame.AsSpan(14), (ushort)((settings.Priority << 13) | settings.Vlan));
        }

        BinaryPrimitives.WriteUInt16BigEndian(
            frame.AsSpan(head - 2), ContinuityCheckMessage.EtherType);
        message.CopyTo(frame.AsSpan(head));
        SessionOutput.Send(_store, _place, frame);
    }

    private void Report()
    {
        var columns = SessionText.ColumnsOf(_session);
        if (columns.SequenceEqual(_told)) return;
        _told = columns;
        Context.Parent.Tell(new SessionReported(
            _place.Interface, SessionKinds.Cfm, _place.Row, columns,
            _session.Faults != CfmFaults.None));
    }
}
