using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Configuration;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>Speaks BFD at one interface.</summary>
/// <remarks>
/// Hears:  <see cref="ConfigureSession"/>, <see cref="SessionHeard"/> and
///         <see cref="OverrideSession"/> from its parent or an operator;
///         <see cref="ShowSession"/>; its own timer.
/// Says:   <see cref="SessionReported"/> to its parent whenever its status differs.
/// Holds:  the session, which the peer makes it find again after a start.
/// Fails:  never by packets: those that make no sense are ignored. Started anew, the session
///         begins at Down, and the peer sees a flap.
/// </remarks>
public sealed class BfdActor : ReceiveActor, IWithTimers
{
    private readonly SwitchStore _store;
    private readonly BfdSession _session;
    private SessionPlace _place;
    private ImmutableSortedDictionary<string, string> _told =
        ImmutableSortedDictionary<string, string>.Empty;

    public BfdActor(SwitchStore store, SessionWanted wanted, uint discriminator)
    {
        _store = store;
        _place = wanted.Place;
        _session = new BfdSession(
            discriminator, wanted.Bfd ?? BfdSettings.Default, discriminator, Now);
        Receive<ConfigureSession>(configure =>
        {
            _place = configure.Wanted.Place;
            if (configure.Wanted.Bfd is { } settings) _session.Configure(settings, Now);
            Go();
        });
        Receive<SessionHeard>(heard =>
        {
            if (BfdFrame.TryParse(heard.Frame.Span, out var packet))
                _session.Hear(in packet, Now);
            Go();
        });
        Receive<OverrideSession>(word =>
        {
            _session.ForwardingOverride = word.IsGood;
            Go();
            Sender.Tell("OK");
        });
        Receive<ShowSession>(_ => Sender.Tell(SessionText.Of(_session, Now)));
        Receive<SessionDue>(_ => Go());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private long Now => _store.Time.Milliseconds();

    public static Props Props(SwitchStore store, SessionWanted wanted, uint discriminator) =>
        Akka.Actor.Props.Create(() => new BfdActor(store, wanted, discriminator));

    protected override void PreStart() => Go();

    /// <summary>Does what is due, tells what changed, and wakes up when more is.</summary>
    private void Go()
    {
        var now = Now;
        while (_session.Advance(now, out var packet)) Send(in packet);
        Report();
        var wait = Math.Max(1, _session.Deadline - now);
        Timers.StartSingleTimer(
            nameof(SessionDue), SessionDue.Instance, TimeSpan.FromMilliseconds(wait));
    }

    private void Send(in BfdControlPacket packet)
    {
        if (SessionOutput.PortOf(_store, _place) is not { } port) return;
        var settings = _session.Settings;
        SessionOutput.Send(_store, _place, BfdFrame.Compose(
            in packet, settings.SourceMac ?? port.Mac, settings.DestinationMac, settings.Source,
            settings.Destination, BfdFrame.SourcePortOf(_session.Discriminator)));
    }

    private void Report()
    {
        var status = SessionText.StatusOf(_session);
        if (status.SequenceEqual(_told)) return;
        _told = status;
        Context.Parent.Tell(new SessionReported(
            _place.Interface, SessionKinds.Bfd, _place.Row,
            [new ColumnValue("bfd_status", Datum.Map(status))], !_session.IsForwarding));
    }
}
