using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

// What the connections of one bridge and their parent, the ControllersActor, say to each other.

/// <summary>
/// Primary controllers get asynchronous messages by default, service connections ask.
/// </summary>
public enum ConnectionKind { Primary, Service, Snoop }

/// <summary>How connections of a bridge behave; sent again when the bridge's row changes.</summary>
/// <param name="Versions">Bit n: protocol version n is allowed.</param>
/// <param name="Description">ovs-ofctl show: dp_desc.</param>
public sealed record ConnectionSettings(
    string Bridge, uint Versions, string Description, string SerialNumber)
{
    /// <summary>OpenFlow 1.0 to 1.5.</summary>
    public const uint AllVersions = 0x7E;
}

/// <param name="ProbeInterval">Null: never asked whether it lives.</param>
/// <param name="PacketInRate">Packets per second to this controller; 0: unlimited.</param>
public sealed record ConnectionTraits(
    string Target, ConnectionKind Kind, TimeSpan? ProbeInterval, int PacketInRate,
        int PacketInBurst);

/// <summary>The connection has agreed on a version.</summary>
public sealed record ConnectionEstablished(string Target, OfVersion Version);

/// <summary>The connection is gone (its actor stops after this).</summary>
public sealed record ConnectionLost(string Target, string Reason, bool WasEstablished);

/// <summary>
/// A controller asks for a role; the parent keeps the generation id of the bridge.
/// </summary>
public sealed record RoleRequested(uint Xid, OfRole Role, ulong? GenerationId);

/// <param name="GenerationId">Null: none was ever set.</param>
public sealed record RoleDecided(uint Xid, OfErrorCode Error, OfRole Role, ulong? GenerationId);

/// <summary>Another controller became primary: this one is secondary now.</summary>
public sealed record RoleDemoted(ulong GenerationId);

/// <summary>
/// A connection of a version before 1.3, which sends misses to controllers, wants events.
/// </summary>
public sealed record MissesWanted(bool Wanted);

/// <summary>The role of a connection, for Controller.role.</summary>
public sealed record RoleChanged(OfRole Role);

/// <summary>A connection has, or has no more, flow monitors.</summary>
public sealed record MonitorsChanged(bool Any);

/// <summary>Bytes that passed over a controller's connection, for the snoopers.</summary>
public sealed record Snooped(ReadOnlyMemory<byte> Bytes);

/// <summary>Somebody snoops, or nobody any more.</summary>
public sealed record SnoopingChanged(bool Wanted);

/// <summary>A group or meter was changed by another connection (OpenFlow 1.4).</summary>
public sealed record RequestForwarded(IActorRef Origin, uint Xid, OfMessage Message);
