using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;

namespace Fabric.Logical;

/// <summary>To the announcer: all addresses that are here now.</summary>
/// <param name="Bridge">The integration bridge.</param>
internal sealed record AnnouncementsWanted(
    IActorRef Bridge, ImmutableSortedSet<Announcement> Addresses);

/// <summary>Announces addresses on physical networks when they come to this host.</summary>
/// <remarks>
/// Hears:  <see cref="AnnouncementsWanted"/> from the logical actor; its timer; the bridge's
///         confirmations.
/// Says:   <see cref="AskSwitch"/> with gratuitous ARP and unsolicited advertisements.
/// Holds:  how often each address still is to be told.
/// Fails:  never by what it hears. Started anew it tells all addresses again, which is harmless.
/// </remarks>
internal sealed class AnnouncerActor : SpeakerActor
{
    /// <summary>
    /// Before each telling: switches may learn late, and packets are lost (OVN doubles, too).
    /// </summary>
    private static readonly ImmutableArray<TimeSpan> Pauses =
    [
        TimeSpan.FromMilliseconds(30), TimeSpan.FromMilliseconds(100),
        TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(300),
        TimeSpan.FromMilliseconds(400), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2),
        TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8),
    ];

    private readonly SortedDictionary<Announcement, (int Told, TimeSpan Due)> _pending = [];
    private ImmutableSortedSet<Announcement> _wanted = [];

    public AnnouncerActor()
    {
        Receive<AnnouncementsWanted>(wanted =>
        {
            SpeakThrough(wanted.Bridge);
            foreach (var gone in _wanted.Except(wanted.Addresses)) _pending.Remove(gone);
            foreach (var fresh in wanted.Addresses.Except(_wanted))
                _pending[fresh] = (0, Now + Pauses[0]);
            _wanted = wanted.Addresses;
            Speak();
        });
        ReceiveTime();
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new AnnouncerActor());

    protected override void Speak()
    {
        var now = Now;
        foreach (var (address, (told, due)) in _pending.ToList())
        {
            if (due > now) continue;
            Send(address.ToPacket());
            if (told + 1 >= Pauses.Length) _pending.Remove(address);
            else _pending[address] = (told + 1, now + Pauses[told + 1]);
        }

        if (_pending.Count == 0) return;
        SpeakAgainAt(_pending.Values.Min(each => each.Due));
    }
}
