using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>To a session: be so. Sent again whenever its rows change.</summary>
public sealed record ConfigureSession(SessionWanted Wanted);

/// <summary>To a session: a packet of its protocol came in at its interface.</summary>
public sealed record SessionHeard(ReadOnlyMemory<byte> Frame);

/// <summary>From a session: its columns of the Interface row, and its verdict.</summary>
/// <param name="IsFaulty">The interface carries nothing.</param>
public sealed record SessionReported(
    string Interface, SessionKinds Kind, Guid Row, ImmutableArray<ColumnValue> Columns,
    bool IsFaulty);

/// <summary>To /sessions; answered by <see cref="SessionsListed"/>.</summary>
public sealed record ListSessions(SessionKinds Kind);

/// <summary>Sessions of one protocol by interface.</summary>
public sealed record SessionsListed(ImmutableSortedDictionary<string, IActorRef> Sessions);

/// <summary>To a session; answered by its text, as ovs-appctl shows it.</summary>
public sealed record ShowSession;

/// <summary>To a session: an operator's verdict; null: what its packets say.</summary>
/// <remarks>Answered by "OK".</remarks>
public sealed record OverrideSession(bool? IsGood);

/// <summary>To /sessions: who has this address behind the interface?</summary>
/// <remarks>
/// Asked without a sender's protocol address (RFC 5227), so that nobody's neighbour tables change;
/// answered, maybe, by <see cref="NextHopAnswered"/> to the sender.
/// </remarks>
/// <param name="Vlan">Tag; 0: none.</param>
/// <param name="Source">The host's own; answers to it are taken off the interface.</param>
public sealed record AskNextHop(
    string Bridge, string Interface, ushort Vlan, uint Address, MacBytes Source);

public sealed record NextHopAnswered(string Interface, ushort Vlan, uint Address);

/// <summary>A timer: a session has something to do now.</summary>
internal sealed record SessionDue
{
    public static readonly SessionDue Instance = new();
}
