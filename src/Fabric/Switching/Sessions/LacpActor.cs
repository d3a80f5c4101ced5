using System.Buffers.Binary;
using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>A port whose members speak LACP.</summary>
public sealed record LacpWanted(
    string DatapathType, string Bridge, string Port, LacpSettings Settings);

/// <summary>To a LACP session: a data unit came in at a member.</summary>
public sealed record MemberHeard(string Interface, ReadOnlyMemory<byte> Frame);

/// <summary>To a LACP session; answered by what it counted, as lacp/show-stats prints it.
/// </summary>
public sealed record ShowSessionCounts;

/// <summary>Speaks LACP at the members of one port.</summary>
/// <remarks>
/// Hears:  <see cref="LacpWanted"/> from its parent whenever rows or numbers change;
///         <see cref="MemberHeard"/>; <see cref="ShowSession"/>; its own timer.
/// Says:   <see cref="SessionReported"/> to its parent for each member that changed.
/// Holds:  what partners said, which they say again within 1 or 30 s.
/// Fails:  never by packets: those that make no sense are ignored.
/// </remarks>
public sealed class LacpActor : ReceiveActor, IWithTimers
{
    private const int EthernetSize = 14;

    /// <summary>Links, numbers and the bridge's address are looked at so often.</summary>
    private const long LookInterval = 500;

    private readonly SwitchStore _store;
    private readonly LacpSession _session;
    private readonly Dictionary<string, bool> _links = [];
    private readonly Dictionary<string, (bool IsCurrent, bool MayEnable)> _told = [];
    private LacpWanted _wanted;

    public LacpActor(SwitchStore store, LacpWanted wanted)
    {
        _store = store;
        _wanted = wanted;
        _session = new LacpSession(wanted.Settings, Now);
        Receive<LacpWanted>(changed =>
        {
            _wanted = changed;
            Go();
        });
        Receive<MemberHeard>(Hear);
        Receive<ShowSession>(_ => Sender.Tell(LacpText.Of(_wanted.Port, _session)));
        Receive<ShowSessionCounts>(
            _ => Sender.Tell(LacpText.CountsOf(_wanted.Port, _session)));
        Receive<SessionDue>(_ => Go());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private long Now => _store.Time.Milliseconds();

    public static Props Props(SwitchStore store, LacpWanted wanted) =>
        Akka.Actor.Props.Create(() => new LacpActor(store, wanted));

    protected override void PreStart() => Go();

    private void Hear(MemberHeard heard)
    {
        var frame = heard.Frame.Span;
        if (frame.Length < EthernetSize) return;
        if (LacpDataUnit.TryParse(frame[EthernetSize..], out var unit, out _))
            _session.Hear(heard.Interface, in unit, Now);
        else _session.HearNonsense(heard.Interface);
        Go();
    }

    private void Go()
    {
        var now = Now;
        Look(now);
        foreach (var (name, unit) in _session.Advance(now))
        {
            if (!Send(name, in unit)) _session.NoteUnsent(name, now);
        }

        Report();
        var wait = Math.Clamp(_session.Deadline - now, 1, LookInterval);
        Timers.StartSingleTimer(
            nameof(SessionDue), SessionDue.Instance, TimeSpan.FromMilliseconds(wait));
    }

    private void Look(long now)
    {
        if (_store.FindDatapath(_wanted.DatapathType)?.Current.Bridges
            .GetValueOrDefault(_wanted.Bridge) is not { } bridge)
        {
            return;
        }

        var ports = bridge.PortsInOrder
            .Where(port => _wanted.Settings.Members.ContainsKey(port.Name))
            .ToDictionary(port => port.Name, StringComparer.Ordinal);
        _session.Configure(
            _wanted.Settings, bridge.Mac,
            name => ports.TryGetValue(name, out var port) ? port.OpenFlowPort : 0, now);
        foreach (var (name, port) in ports)
        {
            if (_links.TryGetValue(name, out var wasUp) && wasUp != port.IsLinkUp)
                _session.NoteCarrier(name, now);
            _links[name] = port.IsLinkUp;
        }
    }

    private SessionPlace PlaceOf(string name) => new(
        _wanted.DatapathType, _wanted.Bridge, _wanted.Port, name,
        _wanted.Settings.Members[name].Row);

    private bool Send(string name, in LacpDataUnit unit)
    {
        if (SessionOutput.PortOf(_store, PlaceOf(name)) is not { } port) return false;
        var frame = new byte[EthernetSize + LacpDataUnit.Size];
        LacpDataUnit.Destination.CopyTo(frame);
        port.Mac.CopyTo(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), LacpDataUnit.EtherType);
        unit.Write(frame.AsSpan(EthernetSize));
        return SessionOutput.Send(_store, PlaceOf(name), frame);
    }

    private void Report()
    {
        foreach (var member in _session.Members)
        {
            var now = (member.Status == LacpStatus.Current, _session.MayEnable(member));
            if (_told.TryGetValue(member.Interface, out var told) && told == now) continue;
            _told[member.Interface] = now;
            Context.Parent.Tell(new SessionReported(
                member.Interface, SessionKinds.Lacp, member.Settings.Row,
                [new ColumnValue("lacp_current", now.Item1)], IsFaulty: !now.Item2));
        }
    }
}
