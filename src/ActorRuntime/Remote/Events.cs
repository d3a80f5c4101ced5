using Akka.Actor;
using Akka.Event;

namespace Akka.Remote;

/// <summary>News of remoting, published on the event stream.</summary>
public abstract class RemotingLifecycleEvent
{
    public abstract LogLevel LogLevel();
}

/// <summary>News of the connection between two actor systems.</summary>
public abstract class AssociationEvent : RemotingLifecycleEvent
{
    public abstract Address LocalAddress { get; protected set; }
    public abstract Address RemoteAddress { get; protected set; }
    public abstract bool IsInbound { get; protected set; }
}

/// <summary>Two systems know each other's uid and exchange messages.</summary>
public sealed class AssociatedEvent : AssociationEvent
{
    public AssociatedEvent(Address localAddress, Address remoteAddress, bool inbound)
    {
        LocalAddress = localAddress;
        RemoteAddress = remoteAddress;
        IsInbound = inbound;
    }

    public override Address LocalAddress { get; protected set; }
    public override Address RemoteAddress { get; protected set; }
    public override bool IsInbound { get; protected set; }

    public override LogLevel LogLevel() => Event.LogLevel.DebugLevel;

    public override string ToString() => $"Associated [{LocalAddress}] -> {RemoteAddress}";
}

/// <summary>The connection was closed.</summary>
public sealed class DisassociatedEvent : AssociationEvent
{
    public DisassociatedEvent(Address localAddress, Address remoteAddress, bool inbound)
    {
        LocalAddress = localAddress;
        RemoteAddress = remoteAddress;
        IsInbound = inbound;
    }

    public override Address LocalAddress { get; protected set; }
    public override Address RemoteAddress { get; protected set; }
    public override bool IsInbound { get; protected set; }

    public override LogLevel LogLevel() => Event.LogLevel.DebugLevel;

    public override string ToString() => $"Disassociated [{LocalAddress}] -> {RemoteAddress}";
}

/// <summary>The connection could not be made.</summary>
public sealed class AssociationErrorEvent : AssociationEvent
{
    public AssociationErrorEvent(
        Exception cause, Address localAddress, Address remoteAddress, bool inbound)
    {
        Cause = cause;
        LocalAddress = localAddress;
        RemoteAddress = remoteAddress;
        IsInbound = inbound;
    }

    public Exception Cause { get; }
    public override Address LocalAddress { get; protected set; }
    public override Address RemoteAddress { get; protected set; }
    public override bool IsInbound { get; protected set; }

    public override LogLevel LogLevel() => Event.LogLevel.WarningLevel;

    public override string ToString() =>
        $"AssociationError [{LocalAddress}] -> {RemoteAddress}: {Cause.Message}";
}

/// <summary>
/// An incarnation of a remote system is given up: nothing goes there or is taken.
/// </summary>
public sealed class QuarantinedEvent(Address address, int uid) : RemotingLifecycleEvent
{
    public Address Address { get; } = address;
    public int Uid { get; } = uid;

    public override LogLevel LogLevel() => Event.LogLevel.WarningLevel;

    public override string ToString() =>
        $"Association to [{Address}] having UID [{Uid}] is irrecoverably failed. UID is now "
        + "quarantined and all messages to this UID will be delivered to dead letters. Remote "
        + "ActorSystem must be restarted to recover from this situation.";
}

/// <summary>A remote system has given up this one.</summary>
public sealed class ThisActorSystemQuarantinedEvent(Address localAddress, Address remoteAddress)
    : RemotingLifecycleEvent
{
    public Address LocalAddress { get; } = localAddress;
    public Address RemoteAddress { get; } = remoteAddress;

    public override LogLevel LogLevel() => Event.LogLevel.WarningLevel;

    public override string ToString() =>
        $"The remote system {RemoteAddress} has quarantined this system {LocalAddress}.";
}
